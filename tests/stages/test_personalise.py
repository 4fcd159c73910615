"""A finished image is set up in a copy or in place; what was not asked for stays as it is."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from aimager.errors import ConfigError, ImageError
from aimager.files import sha256
from aimager.model.networks import WifiNetwork
from aimager.model.partition import PartitionTable
from aimager.model.settings import AuthorizedKeys, Password, Settings, User
from tests.support import finished_disks
from tests.support.finished_disks import DOS, GPT, ROOT_ALONE, Disk
from tests.support.personalised import ALICE, HASH, check, files_of, stage, texts


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return finished_disks.make(tmp_path / "disk")


def test_only_what_was_asked_for_changes(disk: Disk, tmp_path: Path) -> None:
    before, digest = texts(disk.path), sha256(disk.path)
    target = tmp_path / "kiosk.img"
    changed = stage(disk.path, ALICE, target).run()
    assert sha256(disk.path) == digest
    after = texts(target)
    new = {"/home/alice", "/home/alice/.profile"}
    accounts = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
    backups = {f"/etc/{name}-" for name in accounts}
    assert after.keys() - before.keys() == new | (backups & after.keys())
    assert not before.keys() - after.keys()
    assert {path for path in before if before[path] != after[path]} <= {
        *(f"/etc/{name}" for name in (*accounts, "hostname", "fstab")),
        *("/boot/loader/entries/linux.conf", "/boot/cmdline.txt"),
    }
    assert {f"/{path}" for path in changed} >= new | {"/etc/hostname", "/etc/fstab"}
    assert after["/etc/hostname"] == b"kiosk\n"
    assert after["/home/alice/.profile"] == b"# of the image\n"
    assert b"\nalice:x:2000:2000::/home/alice:/bin/sh\n" in after["/etc/passwd"]
    shadow = after["/etc/shadow"].decode()
    assert "\nalice:$6$" in shadow
    assert f"\nold:{HASH}:" in shadow
    assert "secret" not in shadow
    nodes = files_of(target)
    for path in new:
        assert nodes[path].facts["owner"] == "2000:2000"
    assert nodes["/etc/shadow"].facts["mode"] == files_of(disk.path)["/etc/shadow"].facts["mode"]
    check(target, GPT, tmp_path / "work")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize("table", [GPT, DOS, ROOT_ALONE])
def test_no_id_is_left_and_the_new_ones_are_named(table: PartitionTable, tmp_path: Path) -> None:
    disk = finished_disks.make(tmp_path / "disk", table)
    target = tmp_path / "copy.img"
    stage(disk.path, Settings("", services=()), target, seed="second").run()
    content = target.read_bytes().lower()
    roles = [partition.role for partition in table.partitions]
    old = [*(disk.ids.partuuid(role) for role in roles)]
    old += [disk.ids.file_system(role) for role in roles]
    for identity in old:
        assert identity.lower().encode() not in content, identity
    words = texts(target, table)
    named = "/boot/loader/entries/linux.conf"
    root = next(w for w in words[named].decode().split() if w.startswith("root=UUID="))
    assert f"\n{root.removeprefix('root=')}\t/\t".encode() in words["/etc/fstab"]
    assert words["/etc/hostname"] == b"plain\n"
    check(target, table, tmp_path / "work")


def test_equal_words_make_equal_bytes_and_others_other_ids(disk: Disk, tmp_path: Path) -> None:
    made = {}
    for name, setup, seed in (
        ("a", ALICE, ""),
        ("b", ALICE, ""),
        ("c", ALICE, "other"),
        ("d", replace(ALICE, hostname="other"), ""),
    ):
        stage(disk.path, setup, tmp_path / name, seed).run()
        made[name] = sha256(tmp_path / name)
    assert made["a"] == made["b"]
    fstabs = {texts(tmp_path / name)["/etc/fstab"] for name in made}
    assert len(fstabs) == 3
    shadows = [texts(tmp_path / name)["/etc/shadow"] for name in ("a", "c", "d")]
    salts = {text.split(b"alice:$6$")[1].split(b"$")[0] for text in shadows}
    assert len(salts) == 3


def test_in_place_is_the_same_as_a_copy(disk: Disk, tmp_path: Path) -> None:
    target = tmp_path / "copy.img"
    stage(disk.path, ALICE, target).run()
    inode = disk.path.stat().st_ino
    stage(disk.path, ALICE, None).run()
    assert disk.path.stat().st_ino == inode
    assert sha256(disk.path) == sha256(target)
    assert not disk.path.with_name("disk.img.bmap").exists()


def test_a_block_map_is_that_of_the_image(disk: Disk, tmp_path: Path) -> None:
    target = tmp_path / "copy.img"
    stage(disk.path, ALICE, target).run()
    text = target.with_name("copy.img.bmap").read_text()
    assert f"<ImageSize>{target.stat().st_size}</ImageSize>" in text
    stale = disk.path.with_name("disk.img.bmap")
    stale.write_text("of what the image was before")
    stage(disk.path, ALICE, None).run()
    assert stale.read_text() == text


def test_what_the_map_leaves_out_is_free(disk: Disk, tmp_path: Path) -> None:
    """An image whose other blocks are written over holds the same files, and is in order."""
    target = tmp_path / "copy.img"
    stage(disk.path, ALICE, target).run()
    before = texts(target)
    text = target.with_name("copy.img.bmap").read_text()
    mapped = set[int]()
    for line in text.split("\n"):
        if "<Range" in line:
            first, _, last = line.split(">")[1].split("<")[0].strip().partition("-")
            mapped |= set(range(int(first), int(last or first) + 1))
    with target.open("r+b") as stream:
        for number in range(target.stat().st_size // 4096):
            if number not in mapped:
                stream.seek(number * 4096)
                stream.write(b"\xa5" * 4096)
    assert texts(target) == before
    check(target, GPT, tmp_path / "work")


def test_nothing_is_left_of_what_was_replaced(disk: Disk, tmp_path: Path) -> None:
    """Former passwords' hashes are not to be found in free blocks."""
    target = tmp_path / "copy.img"
    locked = Settings("", passwords=(Password("old", "!", is_hashed=True),))
    stage(disk.path, locked, target).run()
    stage(target, Settings("again"), tmp_path / "again.img").run()
    assert target.read_bytes().count(b"$6$former$hash") == 1  # in shadow-, as chpasswd leaves it
    assert b"old:!" in texts(target)["/etc/shadow"]
    assert (tmp_path / "again.img").read_bytes().count(b"$6$former$hash") == 1


def test_a_compressed_image_is_unpacked(disk: Disk, tmp_path: Path) -> None:
    packed = disk.path.with_name("disk.img.zst")
    packed.write_bytes(zstandard.ZstdCompressor().compress(disk.path.read_bytes()))
    for name, image in (("a", packed), ("b", disk.path)):
        stage(image, ALICE, tmp_path / name).run()
    assert sha256(tmp_path / "a") == sha256(tmp_path / "b")
    with pytest.raises(ConfigError, match="is compressed, and cannot be changed in place"):
        stage(packed, ALICE, None).run()
    packed.write_bytes(packed.read_bytes()[:-100])
    with pytest.raises(ImageError, match="is damaged"):
        stage(packed, ALICE, tmp_path / "c").run()
    assert not (tmp_path / "c").exists()


def test_keys_and_networks_are_laid(disk: Disk, tmp_path: Path) -> None:
    target = tmp_path / "copy.img"
    setup = Settings(
        "",
        users=(User(("-m", "alice")),),
        ssh_keys=(AuthorizedKeys("alice", ("ssh-ed25519 AAAA",)),),
        wifi=(WifiNetwork("home", "passphrase"),),
        services=("sshd.service",),
    )
    stage(disk.path, setup, target).run()
    nodes = files_of(target)
    keys = nodes["/home/alice/.ssh/authorized_keys"]
    assert keys.read() == b"ssh-ed25519 AAAA\n"
    assert keys.facts["owner"] == nodes["/home/alice"].facts["owner"] != "0:0"
    assert nodes["/var/lib/iwd/home.psk"].read() == b"[Security]\nPassphrase=passphrase\n"
    assert nodes["/var/lib/iwd/home.psk"].facts["mode"] == "100600"
    wants = "/etc/systemd/system/multi-user.target.wants"
    assert {f"{wants}/sshd.service", f"{wants}/iwd.service"} <= nodes.keys()
    preset = nodes["/etc/systemd/system-preset/40-enabled.preset"].read()
    assert b"enable sshd.service\n" in preset
    check(target, GPT, tmp_path / "work")


def test_homes_may_lie_where_set_up_does_not_look(disk: Disk, tmp_path: Path) -> None:
    target = tmp_path / "copy.img"
    arguments = ("-m", "-d", "/var/lib/people/deep/bob", "bob")
    stage(disk.path, Settings("", users=(User(arguments),)), target).run()
    assert "/var/lib/people/deep/bob/.profile" in files_of(target)
    check(target, GPT, tmp_path / "work")
