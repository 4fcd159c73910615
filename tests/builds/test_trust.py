"""Packages that must not be trusted: each stops the build with one sentence, and none is run."""

import gzip
import io
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import stand_in
from aimager.distros import platform_for_host
from aimager.model.architecture import host_architecture
from tests.support.runs import Doit
from tests.support.seed import Copies

HOST = platform_for_host(host_architecture())


@pytest.fixture(scope="module")
def doit(copies: Copies) -> Doit:
    """doit on a cache in which no other test has stored or installed these packages."""
    return copies("trust")


@pytest.fixture
def altered(mirror: Path, test_cache: Path) -> Path:
    """A copy of the mirror that a test may spoil; its files are new ones wherever they change."""
    folder = test_cache / "altered"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["cp", "-al", mirror, folder], check=True)
    return folder


def find(mirror: Path, package: str) -> Path:
    """A package's file on the mirror, for the host's platform."""
    (found,) = (
        path
        for path in (mirror / HOST.distro.id).rglob(
            f"{package}-[0-9]*-{HOST.architecture}.pkg.tar.*"
        )
        if path.suffix != ".sig"
    )
    return found


def rewrite(path: Path, content: bytes) -> None:
    """Give a file another content without touching the mirror that it is a link to."""
    path.unlink()
    path.write_bytes(content)


def refuse(doit: Doit, mirror: Path, package: str) -> str:
    """Build with one more package from a spoilt mirror, and return what it says."""
    with stand_in.serve(mirror) as url:
        return doit.at(url).refuse(f"distro={HOST.distro.id}", f"install-pkgs={package}")


def log_of_install(doit: Doit) -> str:
    """What pacman said when it was to install it."""
    return (doit.cache / "log" / f"install-packages:{HOST.id}-none.log").read_text()


def test_no_signature(doit: Doit, altered: Path) -> None:
    file = find(altered, "less")
    file.with_name(f"{file.name}.sig").unlink()
    said = refuse(doit, altered, "less")
    assert f"the package less {file.name.split('-')[1]}" in said
    assert f"has no signature: the mirror has no {file.name}.sig" in said


def test_a_bad_signature(doit: Doit, altered: Path) -> None:
    file, other = find(altered, "htop"), find(altered, "less")
    signature = other.with_name(f"{other.name}.sig").read_bytes()
    rewrite(file.with_name(f"{file.name}.sig"), signature)
    said = refuse(doit, altered, "htop")
    assert "the package htop " in said
    assert f"is not trusted: {file.name} was changed after the key " in said
    assert "installing htop" not in log_of_install(doit)


def test_a_key_outside_the_keyring(doit: Doit, altered: Path, tmp_path: Path) -> None:
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-gen-key", "Mallory", "ed25519", "sign"], check=True)
    file = find(altered, "tree")
    signature = file.with_name(f"{file.name}.sig")
    signature.unlink()
    subprocess.run([*gpg, "--output", str(signature), "--detach-sign", str(file)], check=True)
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)
    listing = subprocess.run(
        [*gpg, "--with-colons", "--list-keys"], capture_output=True, text=True, check=True
    )
    key = listing.stdout.split("fpr:::::::::")[1][:40]
    said = refuse(doit, altered, "tree")
    assert f"{file.name} is signed by the key {key[-16:]}, which is not in the keyring" in said
    assert "installing tree" not in log_of_install(doit)


def test_a_keyring_package_with_other_keys(doit: Doit) -> None:
    other = "0123456789ABCDEF0123456789ABCDEF01234567"
    kept = tuple(v for v in doit.variables if not v.startswith("trust-key="))
    stranger = replace(doit, variables=(*kept, f"trust-key={other}"))
    said = stranger.refuse(f"distro={HOST.distro.id}")
    assert f"the key {other}, which you trust, is not among the " in said


def test_a_database_with_a_wrong_sum(doit: Doit, altered: Path) -> None:
    file = find(altered, "nano")
    (database,) = file.parent.glob("*.db")
    entries = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(database.read_bytes()))) as old,
        tarfile.open(fileobj=entries, mode="w") as new,
    ):
        for member in old:
            stream = old.extractfile(member)
            content = stream.read() if stream else b""
            if member.name.startswith("nano-"):
                before, mark, after = content.partition(b"%SHA256SUM%\n")
                content = before + mark + b"0" * 64 + after[64:] if mark else content
            new.addfile(member, io.BytesIO(content))
    rewrite(database, gzip.compress(entries.getvalue()))
    said = refuse(doit, altered, "nano")
    assert f"{file.name} has sha256 " in said
    assert f"its database says {'0' * 64}" in said


def test_the_same_builds_once_the_mirror_is_right(doit: Doit) -> None:
    doit.build(f"distro={HOST.distro.id}", "install-pkgs=less,htop,tree,nano")
