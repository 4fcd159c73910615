"""Builds by other programs than those that a build borrows: a given archive's, the host's."""

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace

import pytest

from aimager.process import ENVIRONMENT
from tests.support.cells import HOST, Cell, build, fresh_folder, sums
from tests.support.runs import Doit, Warm

ARCHIVE = Cell(HOST.platform, "none")
BORROWING = f"make-rootfs-archive:{HOST.platform.id}.borrowed"
HOSTS = ("gpg", "tar", "zstd")
"""What of the host makes a root archive with tools=host, beside a pacman that is fetched."""
COMPRESSORS = ("gzip", "bzip2", "xz", "lz4", "zstd")
"""What an initramfs is compressed by again."""


@pytest.fixture(scope="module")
def lender(warm: Warm) -> Iterator[Doit]:
    """A cache and results with a root archive, and the archive of the programs that made it."""
    folder = fresh_folder(warm.doit.folder.parent / "lender")
    subprocess.run(["cp", "-al", warm.doit.cache, folder / "cache"], check=True)
    doit = replace(warm.doit, folder=folder)
    said = build(doit, *ARCHIVE.words, "create=root.tar,keyring-helper.tar")
    assert BORROWING in said.skipped
    yield doit
    shutil.rmtree(folder)


def root_sums(doit: Doit) -> dict[str, str]:
    return sums(ARCHIVE.folder(doit), ("root.tar",))


def packages(doit: Doit) -> list[str]:
    manifest = json.loads((ARCHIVE.folder(doit) / "manifest.json").read_text())
    return [f"{package['name']} {package['version']}" for package in manifest["packages"]]


def test_a_given_archive_does_all_from_the_keyring_on(lender: Doit) -> None:
    helper = lender.folder / "given.tar"
    shutil.copy(ARCHIVE.folder(lender) / "keyring-helper.tar", helper)
    before = root_sums(lender)
    for made in ("keyring-init", "keyring-backup", "make-rootfs-archive"):
        shutil.rmtree(lender.cache / "product" / made)
    said = build(lender, *ARCHIVE.words, f"keyring-helper={helper}")
    assert BORROWING not in (*said.ran, *said.skipped)
    assert {"keyring-init", "make-rootfs-archive"} <= said.stages
    assert root_sums(lender) == before


def test_an_initramfs_is_compressed_by_borrowed_programs(lender: Doit) -> None:
    with tarfile.open(ARCHIVE.folder(lender) / "keyring-helper.tar") as archive:
        names = {name.removeprefix("./") for name in archive.getnames()}
    assert {f"usr/bin/{program}" for program in COMPRESSORS} <= names


def test_the_hosts_programs_install_the_same(lender: Doit) -> None:
    missing = [name for name in HOSTS if not shutil.which(name, path=ENVIRONMENT["PATH"])]
    if missing:
        pytest.skip(f"this machine has no {' '.join(missing)}: tools=host is not tried")
    before = packages(lender)
    said = build(lender, *ARCHIVE.words, "tools=host")
    assert BORROWING not in (*said.ran, *said.skipped)
    assert "make-rootfs-archive" in said.stages
    assert packages(lender) == before
