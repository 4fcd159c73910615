"""A distribution's packagers, and what verifies packages by their keys, with gpg and without."""

import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import TrustError
from aimager.model.lock import LockedPackage
from aimager.packages.keyring import make_home, populate, verify
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_trust import TrustedKeys
from aimager.packages.openpgp.trust import Trust
from aimager.packages.store import name_in
from aimager.packages.verification import verify_by
from aimager.toolbox import Toolbox
from tests.support.locked import make_package

TOOLS = Toolbox(None)
PACKAGE = make_package("demo")
FILE = PACKAGE.file
OLD = ["--faked-system-time", "20200101T000000!"]


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path has room for gpg-agent's socket."""
    with tempfile.TemporaryDirectory(prefix="aim", dir="/tmp") as name:
        try:
            yield Path(name)
        finally:
            for home in Path(name).iterdir():
                subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


class Packagers:
    """The keys of a distribution's packagers, most of them certified by its three master keys."""

    def __init__(self, home: Path) -> None:
        home.mkdir(mode=0o700)
        self.home = home
        self.master = self.make_key("master", "never")
        self.second = self.make_key("second", "never")
        self.third = self.make_key("third", "never")
        self.packager = self.make_key("packager", "never")
        self.expired = self.make_key("expired", "1y")
        self.revoked = self.make_key("revoked", "never")
        self.stranger = self.make_key("stranger", "never")
        for key in (self.packager, self.expired, self.revoked):
            self.certify(key, *self.masters)

    @property
    def masters(self) -> tuple[str, str, str]:
        """The keys that vouch for the others, of which three are needed."""
        return self.master, self.second, self.third

    def gpg(self, arguments: list[str], input: bytes = b"") -> bytes:
        options = ["--homedir", str(self.home), "--batch", "--quiet", "--yes", "--passphrase", ""]
        argv = ["gpg", *options, *arguments]
        return subprocess.run(argv, input=input, stdout=subprocess.PIPE, check=True).stdout

    def make_key(self, name: str, expires: str, algorithm: str = "ed25519") -> str:
        user = f"{name} <{name}@example.org>"
        return self._made(["--quick-gen-key", user, algorithm, "sign", expires])

    def add_subkey(self, key: str, expires: str) -> str:
        return self._made(["--quick-add-key", key, "ed25519", "sign", expires])

    def _made(self, arguments: list[str]) -> str:
        said = self.gpg([*OLD, "--status-fd", "1", *arguments])
        match = re.search(rb"KEY_CREATED . ([0-9A-F]{40})", said)
        assert match
        return match[1].decode()

    def certify(self, key: str, *masters: str, options: Sequence[str] = ()) -> None:
        for master in masters:
            self.gpg([*OLD, *options, "--local-user", master, "--quick-sign-key", key])

    def export(self, *keys: str) -> bytes:
        return self.gpg(["--export", *keys])

    def sign(self, key: str, content: bytes, options: Sequence[str] = ()) -> bytes:
        argv = [*OLD, *options, "--local-user", key, "--detach-sign", "--output", "-"]
        return self.gpg(argv, content)

    def revoke(self) -> None:
        text = (self.home / "openpgp-revocs.d" / f"{self.revoked}.rev").read_text()
        self.gpg(["--import"], text.replace(":-----BEGIN", "-----BEGIN").encode())


Judge = Callable[[Sequence[LockedPackage], Path], dict[str, str]]
"""Verifies packages."""

KeyringOf = Callable[..., AbstractContextManager[Judge]]


@contextmanager
def by_gpg(
    keys: bytes, trusted: tuple[str, ...], revoked: tuple[str, ...] = (), **others: Any
) -> Iterator[Judge]:
    """gpg, with a keyring that is made of these."""
    with short_folder() as folder:
        make_home(TOOLS, folder / "k")
        files = KeyringFiles(keys, trusted, revoked)
        populate(TOOLS, folder / "k", TrustedKeys(files, trusted, **others))
        yield partial(verify, TOOLS, folder / "k")


@contextmanager
def by_ourselves(
    keys: bytes, trusted: tuple[str, ...], revoked: tuple[str, ...] = (), **others: Any
) -> Iterator[Judge]:
    """What takes gpg's place where there is none yet."""
    trust = Trust()
    TrustedKeys(KeyringFiles(keys, trusted, revoked), trusted, **others).add_to(trust)
    yield partial(verify_by, trust.status)


WAYS = {"gpg": by_gpg, "without-gpg": by_ourselves}


def store_package(store: Path, content: bytes, signature: bytes) -> Path:
    path = PACKAGE.path(store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.with_name(f"{FILE}.sig").write_bytes(signature)
    return path


def refusal(judge: Judge, store: Path) -> str:
    """What is said against the package after its name; its signature must be named as refused."""
    with pytest.raises(TrustError) as caught:
        judge([PACKAGE], store)
    assert "repo-url-parent=" in caught.value.hint
    start = f"the package demo 1.0-1 is not trusted: {FILE} "
    assert caught.value.message.startswith(start)
    named = set(caught.value.refused)
    assert name_in(PACKAGE.signature(store), store) in named
    # A file that was changed must be fetched anew, too.
    is_changed = "was changed after" in caught.value.message
    assert (name_in(PACKAGE.path(store), store) in named) == is_changed
    return caught.value.message.removeprefix(start)
