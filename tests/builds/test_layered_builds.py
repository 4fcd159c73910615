"""What is asked for beside a board's packages is installed on the board's system."""

import json
import re
from pathlib import Path
from typing import Any

from aimager.files import sha256
from aimager.initramfs_stream import method_of
from aimager.stand_in.entry import arrange_entries, make_file
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_package
from tests.support import quick_init
from tests.support.cells import HOST
from tests.support.image_root import read_file, read_root
from tests.support.runs import Doit

AGAIN = "installed again, for"
DATE = 1_700_000_000


def own_package(folder: Path, name: str, path: str, content: bytes, **more: Any) -> tuple[str, ...]:
    """The words that add a package of one file."""
    folder.mkdir()
    metadata = Metadata(name, "1-1", "any", "A file of one's own", "", DATE, **more)
    write_package(folder, metadata, arrange_entries([make_file(path, content)], DATE))
    return f"packages={folder}", f"install-pkgs={name}"


def test_they_are_what_they_are_at_once(doit: Doit, tmp_path: Path) -> None:
    """By a lock file of before there were layers: that has no part of the board."""
    lock, board = tmp_path / "image.lock", f"{HOST.id}.board"
    words = (*HOST.words, "install-pkgs=nano,openssh,tree", "useradd=-m alice", "create=root.tar")
    doit.run("lock", *words, f"lock={lock}")
    assert board in json.loads(lock.read_text())["parts"]
    said = doit.build(*words, f"lock={lock}")
    assert AGAIN not in said, "none of them has a part in an initramfs"
    archive = HOST.folder(doit) / "root.tar"
    layered = sha256(archive)
    held = json.loads(lock.read_text())
    del held["parts"][board]
    lock.write_text(json.dumps(held))
    said = doit.build(*words, f"lock={lock}")
    assert f".  install-packages:{board}" not in said
    assert sha256(archive) == layered


def test_a_configuration_of_initramfs(doit: Doit, tmp_path: Path) -> None:
    """The board's system has one by then, which is made again."""
    words = (*quick_init.words(tmp_path), "initrd-maker=mkinitcpio", "create=root.tar")
    conf = "etc/mkinitcpio.conf.d/gzip.conf"
    said = doit.build(
        *words, *own_package(tmp_path / "own", "gzipped", conf, b"COMPRESSION=gzip\n")
    )
    assert f"linux-lts: {AGAIN} /{conf} may be part of an initramfs" in said
    image = read_file(doit.out / "archlinux-x86_64-quick/root.tar", "boot/initramfs-linux-lts.img")
    assert _method(image) == "gzip"


def test_another_provider_of_what_the_base_system_needs(doit: Doit, tmp_path: Path) -> None:
    """The base system's own must not stay, so that its layers hold all, and take it away."""
    instead = {"provides": ("iputils",), "conflicts": ("iputils",)}
    own = own_package(tmp_path / "own", "own-ping", "usr/bin/own-ping", b"#!/bin/sh\n", **instead)
    doit.build(*HOST.words, *own, "create=root.tar")
    members = read_root(HOST.folder(doit) / "root.tar")
    assert "usr/bin/own-ping" in members
    assert "usr/bin/ping" not in members
    assert not [name for name in members if name.startswith("var/lib/pacman/local/iputils-")]


def test_a_package_that_was_there_is_asked_for(doit: Doit) -> None:
    """It is not a dependency then, which pacman would offer to remove."""
    doit.build(*HOST.words, "install-pkgs=kmod", "create=root.tar")
    archive = HOST.folder(doit) / "root.tar"
    (desc,) = (name for name in read_root(archive) if re.search(r"local/kmod-\d[^/]*/desc$", name))
    assert b"%REASON%" not in read_file(archive, desc)


def _method(image: bytes) -> str:
    """What the part behind the uncompressed archives is compressed by."""
    end = image.rfind(b"TRAILER!!!", 0, image.find(b"\x1f\x8b\x08"))
    return method_of(image[end + len(b"TRAILER!!!") :].lstrip(b"\0")[:8])
