"""An OCI image of a tree that changes, as one file."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_tree
from aimager.errors import CommandError, ImageError
from aimager.image.oci.archive import Layers
from aimager.image.oci.layout import Told
from aimager.model.architecture import Architecture
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from tests.support.oci import Image, read_image

EPOCH = 1_700_000_000
TOLD = Told("arch:latest", "Arch Linux", Architecture.x86_64, "C.UTF-8", EPOCH)
TOOLS = Toolbox(None)


def write(root: Path, path: str, text: str = "", time: int = EPOCH - 9) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    os.utime(root / path, (time, time))


def base(root: Path) -> None:
    """What the platform has."""
    for path in ("etc/motd", "etc/gone", "usr/bin/tool", "var/old/one", "var/old/two"):
        write(root, path, path)
    (root / "bin").symlink_to("usr/bin")
    os.link(root / "usr/bin/tool", root / "usr/bin/twin")
    (root / "usr/bin/tool").chmod(0o4755)


def install(root: Path) -> None:
    """What packages add and take away."""
    write(root, "usr/share/doc", "new")
    os.link(root / "usr/bin/tool", root / "usr/bin/third")
    shutil.rmtree(root / "var/old")
    write(root, "var/old", "a file now")


def configure(root: Path) -> None:
    """What settings change, equally large and at the same time."""
    write(root, "etc/motd", "ETC/MOTD")
    (root / "etc/gone").unlink()
    write(root, "etc/later", "x", time=EPOCH + 9)


def make(folder: Path, *steps: Callable[[Path], None]) -> Image:
    """The image of a tree that these change, beside ``tree``, which is what became of it."""
    root, work = folder / "tree", folder / "work"
    work.mkdir(parents=True)
    root.mkdir(mode=0o755)
    base(root)
    archive = folder / "base.tar.zst"
    pack_tree(TOOLS, root, archive, epoch=EPOCH)
    layers = Layers(TOOLS, archive, work, epoch=EPOCH)
    for step in steps:
        step(root)
        layers.add(Tree(root), step.__name__)
    layers.pack(TOLD, folder / "oci.tar")
    return read_image(folder / "oci.tar")


def facts(root: Path) -> Iterator[tuple[object, ...]]:
    for path in sorted([root, *root.rglob("*")]):
        status = path.lstat()
        if path.is_symlink():
            content = str(path.readlink())
        else:
            content = path.read_text() if path.is_file() else ""
        names = {p.name for p in root.rglob("*") if p.lstat().st_ino == status.st_ino}
        yield (
            str(path.relative_to(root)),
            *(status.st_mode, min(int(status.st_mtime), EPOCH), content),
            () if path.is_dir() else tuple(sorted(names)),
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oci")


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    return make(folder / "one", install, configure)


def test_its_layers_make_the_tree(folder: Path, image: Image, tmp_path: Path) -> None:
    image.unpack(tmp_path / "root")
    expected = [f for f in facts(folder / "one/tree") if f[0] != "."]
    assert [f for f in facts(tmp_path / "root") if f[0] != "."] == expected


def test_a_layer_has_what_changed_alone(image: Image) -> None:
    names = [[member.name.removeprefix("./") for member in layer] for layer in image.layers()]
    assert names[1:] == [
        [
            *(".", "usr", "usr/bin", "usr/bin/third", "usr/bin/tool", "usr/bin/twin"),
            *("usr/share", "usr/share/doc", "var", "var/old"),
        ],
        ["etc/.wh.gone", ".", "etc", "etc/later", "etc/motd"],
    ]
    assert [made["created_by"] for made in image.config["history"]] == [
        "base system",
        "install",
        "configure",
    ]


def test_the_lowest_layer_is_the_platforms_archive(folder: Path, image: Image) -> None:
    archive = folder / "one/base.tar.zst"
    content = subprocess.run(["zstd", "-dcq", archive], capture_output=True, check=True).stdout
    assert image.blob(image.manifest["layers"][0]) == content
    other = make(folder / "other", configure)
    assert other.digests == [image.digests[0], image.digests[2]]


def test_what_changes_nothing_is_no_layer(folder: Path) -> None:
    def touch_nothing(root: Path) -> None:
        write(root, "etc/motd", "etc/motd")

    image = make(folder / "same", touch_nothing)
    assert [made["created_by"] for made in image.config["history"]] == ["base system"]


def test_equal_trees_give_equal_bytes(folder: Path, image: Image) -> None:
    again = make(folder / "again", install, configure)
    assert again.digests == image.digests
    one, other = (folder / name / "oci.tar" for name in ("one", "again"))
    assert one.read_bytes() == other.read_bytes()


def test_a_name_with_a_newline_is_a_name(folder: Path, tmp_path: Path) -> None:
    def name_oddly(root: Path) -> None:
        write(root, "etc/a\nb -C", "odd")

    image = make(folder / "odd", name_oddly)
    image.unpack(tmp_path / "root")
    assert (tmp_path / "root/etc/a\nb -C").read_text() == "odd"


@pytest.mark.parametrize("name", ["etc/.wh.motd", "etc/.wh..wh..opq"])
def test_a_name_that_would_remove_another_is_refused(folder: Path, name: str) -> None:
    def remove(root: Path) -> None:
        write(root, name)

    with pytest.raises(ImageError, match=rf"^/{name} cannot be in an OCI image"):
        make(folder / "wh" / name, remove)


def test_a_tar_that_ends_early_is_told_by_its_status(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_early(root: Path) -> None:
        write(root, "usr/large", "x" * 100_000)
        tar = tmp_path / "tar"
        tar.write_text(f'#!/bin/sh\n{shutil.which("tar")} "$@" | head -c 50000\nexit 2\n')
        tar.chmod(0o755)
        monkeypatch.setitem(
            process.ENVIRONMENT, "PATH", f"{tmp_path}:{process.ENVIRONMENT['PATH']}"
        )

    with pytest.raises(CommandError) as caught:
        make(folder / "early", end_early)
    assert caught.value.status == 2
