"""A finished image is set up in a copy or in place; what was not asked for stays as it is."""

import errno
import os
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from aimager.errors import ConfigError, HostError, ImageError
from aimager.files import Readers, sha256
from aimager.model.networks import WifiNetwork
from aimager.model.partition import PartitionTable, Role
from aimager.model.settings import AuthorizedKeys, HashedPassword, Password, Settings, User
from aimager.stages import personalise
from aimager.stages.personalise import Personalise
from tests.support import finished_disks
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.finished_disks import DOS, GPT, ROOT_ALONE, Disk, part_of
from tests.support.locked import make_workshop
from tests.support.node import Node
from tests.support.partition_images import PROGRAMS, check_fat
from tests.support.trees import check_ext4

HASH = "$6$saltsalt$" + "h" * 86
ALICE = Settings(
    "kiosk",
    users=(User(("-m", "-u", "2000", "alice")),),
    passwords=(Password("alice", "secret"), Password("old", HASH, is_hashed=True)),
)


def stage(image: Path, setup: Settings, target: Path | None, seed: str = "") -> Personalise:
    shop = make_workshop(image.parent.parent / "shop")
    return Personalise(image, target, setup, seed, Readers.nobody, None, shop)


def files_of(image: Path, table: PartitionTable = GPT) -> dict[str, Node]:
    found = {n.path: n for n in read_ext4(part_of(image, table, Role.root))}
    roles = [partition.role for partition in table.partitions]
    if Role.boot in roles:
        found |= {f"/boot{n.path}": n for n in read_fat(part_of(image, table, Role.boot))}
    if Role.home in roles:
        nodes = read_ext4(part_of(image, table, Role.home))
        found |= {f"/home{n.path}".rstrip("/"): n for n in nodes}
    return found


def texts(image: Path, table: PartitionTable = GPT) -> dict[str, bytes]:
    return {path: node.read() for path, node in files_of(image, table).items()}


def check(image: Path, table: PartitionTable, work: Path) -> None:
    """All file systems and the table are in order."""
    work.mkdir(exist_ok=True)
    for partition in table.partitions:
        window = part_of(image, table, partition.role)
        part = work / "part.img"
        part.write_bytes(window.read(0, window.size))
        if partition.file_system == "ext4":
            check_ext4(part)
        elif partition.file_system == "vfat":
            check_fat(part)
    done = subprocess.run(
        ["sfdisk", "--verify", image], capture_output=True, text=True, env=PROGRAMS, check=False
    )
    assert "No errors detected" in done.stdout, done.stdout + done.stderr


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


@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        (Settings("", users=(User(("-G", "none", "bob")),)), "group 'none' does not exist"),
        (Settings("", users=(User(("old",)),)), "user 'old' already exists"),
        (Settings("", passwords=(Password("bob", "x"),)), "names the user bob, who is not"),
        (Settings("", ssh_keys=(AuthorizedKeys("bob", ("ssh-rsa A",)),)), "the user bob"),
        (Settings("", services=("none.service",)), "the image has no none.service"),
    ],
)
def test_what_cannot_be_leaves_nothing(
    setup: Settings, sentence: str, disk: Disk, tmp_path: Path
) -> None:
    digest = sha256(disk.path)
    target = tmp_path / "copy.img"
    target.write_text("there before")
    for place in (target, None):
        with pytest.raises(ConfigError, match=sentence):
            stage(disk.path, setup, place).run()
    assert sha256(disk.path) == digest
    assert target.read_text() == "there before"
    assert {path.name for path in tmp_path.iterdir()} == {"disk", "copy.img", "shop"}
    assert {path.name for path in disk.path.parent.iterdir()} == {"disk.img", "tree"}
    assert {path.name for path in (tmp_path / "shop").iterdir()} <= {"log", "work"}


def test_what_cannot_be_written_in_place_is_as_it_was(
    disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(disk.path)
    flush: list[Callable[[int], None]] = [os.fsync]

    def fail(descriptor: int) -> None:
        monkeypatch.setattr(personalise.os, "fsync", flush[0])
        assert sha256(disk.path) != digest
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(personalise, "call", _call_with(monkeypatch, fail))
    with pytest.raises(HostError, match="cannot be written: Input/output error; it is as it was"):
        stage(disk.path, ALICE, None).run()
    assert sha256(disk.path) == digest


def _call_with(
    monkeypatch: pytest.MonkeyPatch, fail: Callable[[int], None]
) -> Callable[..., object]:
    """The call as it is, after which the next flush fails."""
    real = personalise.call

    def call(*arguments: object, **words: object) -> object:
        answer = real(*arguments, **words)  # type: ignore[arg-type]
        monkeypatch.setattr(personalise.os, "fsync", fail)
        return answer

    return call


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


def test_a_damaged_image_is_refused_and_stays(disk: Disk, tmp_path: Path) -> None:
    start = disk.part(Role.root).start
    with disk.path.open("r+b") as stream:
        stream.seek(start + 4096)
        stream.write(b"\xff" * 64)  # where the first group has its tables
    digest = sha256(disk.path)
    for target in (None, tmp_path / "copy.img"):
        with pytest.raises((ImageError, ConfigError)):
            stage(disk.path, ALICE, target).run()
    assert sha256(disk.path) == digest
    assert not (tmp_path / "copy.img").exists()


def test_passwords_stand_nowhere_else(disk: Disk, tmp_path: Path) -> None:
    made = stage(disk.path, ALICE, tmp_path / "copy.img")
    made.run()
    log = made.workshop.log.read_text()
    assert "useradd" in log
    assert "secret" not in log
    assert HashedPassword("old", HASH).hash not in log
