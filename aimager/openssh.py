"""Signatures in OpenSSH's format (its PROTOCOL.sshsig), by the ``ssh-keygen`` of the host.

It is run by the builder, outside of all namespaces, where the user's agent and keys are. It asks
nothing: a passphrase comes from an agent.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.errors import ConfigError, HostError

_PROGRAM = "ssh-keygen"
_OF_USER = ("SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "TZ")
"""What it needs of the user's environment; TZ because times in a list of signers are local."""

_PATIENCE = 60.0
"""Seconds: a key on a device waits to be touched, and an agent may ask its user."""

_MOST_SIGNERS = 16
_LONGEST_REASON = 200

_NOT_TOLD = ("No principal matched.", "Could not verify signature.", "sig_find_principals: ")
"""Lines that say no more than that it failed."""


@dataclass(frozen=True)
class SigningKey:
    """A private key, or a public one whose private half an agent has, in the file at ``path``."""

    path: Path

    def sign(self, content: bytes, namespace: str) -> bytes:
        """The signature of ``content``, which is good for ``namespace`` only.

        :raises ConfigError: when the key cannot be read or used
        :raises HostError: when the host has no ssh-keygen
        """
        with tempfile.TemporaryDirectory() as folder:
            # Not from standard input, where a passphrase would be read from.
            signed = Path(folder, "content")
            signed.write_bytes(content)
            done = _run(["-Y", "sign", "-f", self.path, "-n", namespace, signed], self.path)
            if done.returncode:
                raise _refused(self.path, done.stderr)
            return Path(folder, "content.sig").read_bytes()

    def try_out(self) -> str:
        """Sign something of no meaning, unless a device would want to be touched; returns `name`.

        :raises ConfigError: when the key cannot be read or used
        :raises HostError: when the host has no ssh-keygen
        """
        name = self.name()
        if "-SK" not in name:
            self.sign(b"", "aimager-trial")
        return name

    def name(self) -> str:
        """Its kind and its fingerprint, such as ``ED25519 SHA256:...``.

        :raises ConfigError: when it cannot be read
        :raises HostError: when the host has no ssh-keygen
        """
        done = _run(["-l", "-f", self.path], self.path)
        words = done.stdout.decode(errors="replace").split()
        if done.returncode or len(words) < 3:
            raise _refused(self.path, done.stderr)
        return f"{words[-1].strip('()')} {words[1]}"


@dataclass(frozen=True)
class AllowedSigners:
    """Who may sign: the file at ``path`` is as ssh-keygen(1) has it under ALLOWED SIGNERS.

    ``revoked`` is a list of keys, or a KRL, of those who no longer may.
    """

    path: Path
    revoked: Path | None = None

    def fault(self, content: bytes, signature: bytes, namespace: str) -> str:
        """Why ``signature`` is not that of one of them of ``content``; empty if it is.

        :raises HostError: when the host has no ssh-keygen
        """
        with tempfile.TemporaryDirectory() as folder:
            sig = Path(folder, "sig")
            sig.write_bytes(signature)
            found = _run(["-Y", "find-principals", "-s", sig, "-f", self.path], self.path)
            lines = found.stdout.decode(errors="replace").splitlines()
            names = [name for line in lines for name in line.split(",") if name]
            reason = _reason(found.stderr) or f"nobody who is named in {self.path} has signed it"
            for name in names[:_MOST_SIGNERS] if found.returncode == 0 else ():
                signer = ("-f", self.path, "-I", name, "-n", namespace)
                revoked = ("-r", self.revoked) if self.revoked else ()
                done = _run(["-Y", "verify", *signer, "-s", sig, *revoked], self.path, content)
                if done.returncode == 0:
                    return ""
                reason = _reason(done.stderr) or f"its key is one of those in {self.revoked}"
            return reason


def find_program() -> str:
    """Where the program is.

    :raises HostError: when the host does not have it
    """
    found = shutil.which(_PROGRAM, path=process.ENVIRONMENT["PATH"])
    if found is None:
        raise _missing()
    return found


def _missing() -> HostError:
    return HostError(
        f"this machine lacks {_PROGRAM}, which makes and verifies signatures",
        hint="install OpenSSH's client: the package openssh-client, or openssh",
    )


def _run(
    words: Sequence[str | Path], key: Path, content: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: os.environ[name] for name in _OF_USER if name in os.environ}
    try:
        return subprocess.run(
            [_PROGRAM, *words],
            input=content,
            capture_output=True,
            env={
                "PATH": process.ENVIRONMENT["PATH"],
                "LC_ALL": "C",
                "SSH_ASKPASS_REQUIRE": "never",
                **environment,
            },
            start_new_session=True,  # without the terminal, on which it would ask
            timeout=_PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise _missing() from error
    except subprocess.TimeoutExpired as error:
        raise ConfigError(
            f"{_PROGRAM} has waited {_PATIENCE:.0f} seconds for the key {key}",
            hint="a key on a device waits to be touched; an agent may ask on another screen",
        ) from error
    except OSError as error:
        raise process.not_started([_PROGRAM], error) from error


def _refused(key: Path, said: bytes) -> ConfigError:
    """What keeps a key from being used, of which ssh-keygen has ``said`` something."""
    text = said.decode(errors="replace")
    add = f"ssh-add {key} gives it to the agent; SSH_AUTH_SOCK names that"
    if "incorrect passphrase" in text:
        return ConfigError(
            f"the key {key} has a passphrase, and the ssh agent does not have the key", hint=add
        )
    if "No private key found" in text and "UNPROTECTED" not in text:
        return ConfigError(
            f"the private key of {key} is neither beside it nor in the ssh agent",
            hint=add.replace(str(key), "KEY"),
        )
    if "UNPROTECTED" in text:
        return ConfigError(f"others can read the key {key}", hint=f"chmod 600 {key}")
    reason = _reason(said)
    return ConfigError(
        f"{key} cannot be used as a key: {reason or 'ssh-keygen does not say why'}",
        hint="name the file of an OpenSSH key, as ssh-keygen -t ed25519 makes one",
    )


def _reason(said: bytes) -> str:
    """The last line of what ssh-keygen has ``said`` that tells something, fit to be printed."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
    told = [line for line in lines if line and not line.startswith(_NOT_TOLD)]
    text = told[-1] if told else ""
    return (text if text.isprintable() else ascii(text)[1:-1])[:_LONGEST_REASON]
