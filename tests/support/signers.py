"""Keys of OpenSSH for the tests, lists of who may sign, and an agent that holds keys."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.model.remote import RecordTrust

ALICE = "alice@example.org"

UNSIGNED = RecordTrust(unsigned=True)
"""That of a user who takes anything."""


def ssh_keygen(*words: str | Path, input: bytes = b"") -> bytes:
    """What ssh-keygen prints; it must not fail."""
    done = subprocess.run(["ssh-keygen", *words], input=input, capture_output=True, check=True)
    return done.stdout


def make_key(path: Path, *options: str, passphrase: str = "") -> Path:
    """A new key in the file ``path``; its public half lies beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = options or ("-t", "ed25519")
    ssh_keygen("-q", *kind, "-N", passphrase, "-C", path.name, "-f", path)
    return path


def public(key: Path) -> Path:
    """The file of a key's public half."""
    return key.with_name(f"{key.name}.pub")


def allow(path: Path, *keys: Path, options: str = "", principals: str = ALICE) -> Path:
    """A list of signers in the file ``path``: each key on a line of these ``options``."""
    lines = (f"{principals} {options} {public(key).read_text()}" for key in keys)
    path.write_text("".join(lines))
    return path


def trust_in(folder: Path) -> RecordTrust:
    """That of a machine with a key that all machines of ``folder`` take."""
    key = folder / "keys/shared"
    if not key.exists():
        allow(folder / "keys" / "allowed", make_key(key))
    return RecordTrust(key=key, allowed=folder / "keys/allowed")


@contextmanager
def agent(folder: Path, *keys: Path) -> Iterator[str]:
    """An ssh agent that holds ``keys``, which have no passphrase; yields the path of its socket."""
    folder.mkdir(exist_ok=True)
    socket = folder / "agent"
    running = subprocess.Popen(
        ["ssh-agent", "-D", "-a", socket], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert running.stdout
        running.stdout.readline()  # it says where, and then listens
        for key in keys:
            environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
            subprocess.run(["ssh-add", "-q", key], env=environment, check=True)
        yield str(socket)
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()
