"""A partition's image is made by its file system's program, and what that refuses is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.file_system_ids import with_arguments
from aimager.errors import ConfigError, HostError, ImageError
from aimager.image.filesystem import xfs
from aimager.image.filesystem.xfs import make_xfs
from aimager.image.make_partition import make_part
from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, MiB, Partition, Role
from aimager.model.sfdisk_table import read_table
from aimager.system.fstab import fstab_text, list_mounts
from aimager.toolbox import Toolbox
from tests.support.partition_images import check_fat, small_tree
from tests.support.trees import EPOCH, TOOLS, check_ext4

TABLE = read_table(
    "label: gpt; aimager@boot: size=8M; aimager@swap: size=1M; aimager@home:;"
    " aimager@root: size=80M"
)
OTHER = "11111111-2222-3333-4444-abcdefabcdef"
IDS = ImageIds("seed", TABLE)


def make(role: Role, tree: Path, image: Path, **changes: object) -> Path:
    partition = TABLE.changed(role, **changes).with_role(role)
    assert partition
    make_part(TOOLS, IDS, partition, tree, image, epoch=EPOCH)
    return image


def test_sizes_and_arguments(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    boot = make(Role.boot, tree, tmp_path / "boot", arguments=("-s", "2"))
    check_fat(boot)
    assert boot.read_bytes()[13] == 2
    assert boot.stat().st_size == 8 * MiB
    root = make(Role.root, tree, tmp_path / "root", arguments=("-L", "other"))
    check_ext4(root)
    assert root.read_bytes()[1024 + 120 :].startswith(b"other\0")
    assert root.stat().st_size == 80 * MiB
    home = make(Role.home, tree, tmp_path / "home")
    check_ext4(home)
    assert 64 * MiB < home.stat().st_size < 100 * MiB


def test_what_the_program_refuses(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    with pytest.raises(ConfigError, match="mke2fs fails with mkfs-arg=root=-O nonsense") as caught:
        make(Role.root, tree, tmp_path / "root", arguments=("-O", "nonsense"))
    assert "nonsense" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        make(Role.root, tree, tmp_path / "root", arguments=("-Z",))
    assert caught.value.hint == "mke2fs: invalid option -- 'Z'"


@pytest.mark.parametrize(
    ("role", "changes"),
    [
        (Role.root, {"arguments": ("-FU", OTHER)}),
        (Role.root, {"arguments": ("-m", "0", "-U", "random")}),
        (Role.root, {"arguments": ("-U", "clear")}),
        (Role.boot, {"arguments": ("-vi", "1a2b3c4d")}),
        (Role.swap, {"arguments": ("--uui", OTHER)}),
    ],
)
def test_another_id_is_seen(tmp_path: Path, role: Role, changes: dict[str, object]) -> None:
    """However it is given: nothing would find the file system."""
    tree = small_tree(tmp_path / "tree")
    with pytest.raises(ConfigError, match=f"mkfs-arg={role}=.* another id than .*fstab"):
        make(role, tree, tmp_path / "image", **changes)


@pytest.mark.parametrize(
    ("role", "word", "given"),
    [
        (Role.root, f"-U {OTHER}", OTHER),
        (Role.home, f"-m 0 -U{OTHER.upper()}", OTHER),
        (Role.boot, "-i 1a2b3c4d", "1A2B-3C4D"),
        (Role.swap, f"--uuid={OTHER}", OTHER),
        (Role.swap, f"-L x --uuid {OTHER} -v1", OTHER),
    ],
)
def test_an_id_of_the_users_is_the_file_systems(
    tmp_path: Path, role: Role, word: str, given: str
) -> None:
    table = with_arguments(TABLE, role, tuple(word.split()))
    ids = ImageIds("seed", table)
    partition = table.with_role(role)
    assert partition
    make_part(TOOLS, ids, partition, small_tree(tmp_path / "t"), tmp_path / "image", epoch=EPOCH)
    said = TOOLS.run(["blkid", "-p", "-s", "UUID", "-o", "value", tmp_path / "image"])
    assert said.strip() == given == ids.file_system(role)
    assert f"UUID={given}\t" in fstab_text(list_mounts(ids))


def test_a_home_that_is_too_small(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree", 1, 30 * MiB)
    with pytest.raises(
        ImageError, match=r"the home file system needs .* was given 20 MiB"
    ) as caught:
        make(Role.home, tree, tmp_path / "home", size=20 * MiB)
    assert "root-size" not in caught.value.hint


@pytest.mark.parametrize("kind", [FileSystem.vfat, FileSystem.swap])
def test_some_need_a_size(tmp_path: Path, kind: FileSystem) -> None:
    with pytest.raises(ConfigError, match="needs a size"):
        make(Role.boot, tmp_path, tmp_path / "image", file_system=kind, size=None)


@pytest.mark.parametrize(
    ("version", "message"),
    [("6.13.0", "xfsprogs 6.13 is too old to fill"), ("none", "xfsprogs .* is too old to fill")],
)
def test_an_old_mkfs_xfs_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    monkeypatch.setattr(Toolbox, "run", lambda *_, **__: f"mkfs.xfs version {version}\n")
    root = replace(TABLE.partitions[3], file_system=FileSystem.xfs)
    with pytest.raises(HostError, match=message):
        make_xfs(TOOLS, root, tmp_path, tmp_path / "xfs", size=None, uuid="u", epoch=EPOCH)


def test_a_new_mkfs_xfs_is_told_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def run(_: Toolbox, argv: list[str], **more: object) -> str:
        told.append((argv, more))
        return "mkfs.xfs version 6.17.0\n"

    monkeypatch.setattr(Toolbox, "run", run)
    tree = small_tree(tmp_path / "tree")
    root = Partition(Role.root, FileSystem.xfs, arguments=("-n", "ftype=1"))
    image = tmp_path / "xfs"
    make_xfs(TOOLS, root, tree, image, size=None, uuid="u", epoch=EPOCH)
    assert image.stat().st_size == xfs.xfs_size(tree) >= 300 * MiB
    words = ["mkfs.xfs", "-q", "-f", "-m", "uuid=u", "-L", "root", "-n", "ftype=1", "-p"]
    env = {"SOURCE_DATE_EPOCH": str(EPOCH), "DETERMINISTIC_SEED": "1"}
    assert told[1] == ([*words, tree, image], {"env": env})
