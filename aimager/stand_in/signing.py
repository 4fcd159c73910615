"""The mirror's throw-away key: an ed25519 key without a passphrase, and signatures made with it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import CommandError, HostError

_USER = "aimager stand-in mirror <stand-in@localhost>"


@dataclass(frozen=True)
class SigningKey:
    """A key in its GNUPGHOME, which must have a short path: gpg-agent's socket lies in it."""

    home: Path
    fingerprint: str

    def sign(self, file: Path) -> Path:
        """Make the detached binary signature ``file.sig``."""
        signature = file.with_name(file.name + ".sig")
        _run_gpg(
            self.home,
            ["--yes", "--no-armor", "--output", str(signature), "--detach-sign", str(file)],
        )
        return signature

    def export(self, *, armored: bool = False) -> bytes:
        """The public key, to which ``armored`` ones can be appended if it is itself."""
        armor = ["--armor"] if armored else []
        return _run_gpg(self.home, [*armor, "--export", self.fingerprint])


@contextmanager
def open_key(kept: Path) -> Iterator[SigningKey]:
    """The key kept in the folder ``kept``, made at the first time."""
    if shutil.which("gpg") is None:
        raise HostError("gpg, which signs the packages, is missing", hint="install gnupg")
    with tempfile.TemporaryDirectory(prefix="aimager-", dir="/tmp") as folder:
        home = Path(folder)
        try:
            if kept.is_dir():
                shutil.copytree(kept, home, dirs_exist_ok=True)
            else:
                _run_gpg(home, ["--quick-generate-key", _USER, "ed25519", "sign", "never"])
                _keep_key(home, kept)
            yield SigningKey(home, _read_fingerprint(home))
        finally:
            subprocess.run(
                ["gpgconf", "--homedir", folder, "--kill", "all"],
                check=False,
                capture_output=True,
            )


def _keep_key(home: Path, kept: Path) -> None:
    new = kept.with_name(kept.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(home, new, ignore=shutil.ignore_patterns("S.*", "*.lock", ".#*"))
    new.chmod(0o700)
    new.rename(kept)


def _read_fingerprint(home: Path) -> str:
    listing = _run_gpg(home, ["--with-colons", "--list-secret-keys"]).decode()
    return next(line for line in listing.splitlines() if line.startswith("fpr:")).split(":")[9]


def _run_gpg(home: Path, words: list[str]) -> bytes:
    argv = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--no-permission-warning"]
    argv += ["--pinentry-mode", "loopback", "--passphrase", "", *words]
    result = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    if result.returncode:
        raise CommandError(argv, result.returncode, result.stderr.decode(errors="replace"))
    return result.stdout
