"""A built image that is personalised is what a build with its settings makes, but for its ids."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.files import sha256
from aimager.model.architecture import host_architecture
from tests.support.cells import HOST, build
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.first_difference import read_partitions
from tests.support.node import Node, Window
from tests.support.partition_images import check_fat
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.trees import check_ext4

SETTINGS = ("hostname=kiosk-7", "useradd=-m -G wheel alice", "chpasswd=alice:secret")
NAMING_IDS = {"/boot/loader/entries/linux-lts.conf", "/etc/fstab"}
SALTED = {"/etc/shadow"}
_PLACES = {"inode", "blocks", "clusters", "generation"}


@dataclass(frozen=True)
class Made:
    """A built image and a copy of it, and doit that made them."""

    doit: Doit
    image: Path
    copy: Path

    def personalise(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``doit personalise``, on no other words than these."""
        base = Doit(self.doit.folder, ()).command("personalise", *words)
        command = [word for word in base if not word.startswith("out=")]
        return subprocess.run(
            command,
            env=self.doit.environment,
            cwd=self.doit.start,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def made(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    doit = copies("personalised")
    build(doit, *HOST.words, "hostname=plain")
    image = tmp_path_factory.mktemp("personalised") / "plain.img"
    image.write_bytes(HOST.disk(doit).read_bytes())
    found = Made(doit, image, image.with_name("kiosk-7.img"))
    done = found.personalise(f"image={image}", *SETTINGS)
    assert done.returncode == 0, done.stdout
    yield found


def nodes(image: Path) -> dict[str, Node]:
    """All files of an image, by their paths in the system."""
    disk = Window.whole(image)
    boot, root = read_partitions(disk)
    found = {n.path: n for n in read_ext4(disk.part(root.start * 512, root.sectors * 512))}
    fat = read_fat(disk.part(boot.start * 512, boot.sectors * 512))
    return found | {f"/boot{node.path}": node for node in fat}


def told(node: Node) -> dict[str, str]:
    """What is told of a file but where it lies."""
    return {name: value for name, value in node.facts.items() if name not in _PLACES}


def test_it_holds_what_a_build_with_these_settings_makes(made: Made) -> None:
    build(made.doit, *HOST.words, *SETTINGS)
    built, copied = nodes(HOST.disk(made.doit)), nodes(made.copy)
    assert built.keys() == copied.keys()
    for path, node in built.items():
        assert told(node) == told(copied[path]), path
        if path not in NAMING_IDS | SALTED:
            assert node.read() == copied[path].read(), path
    for path in NAMING_IDS | SALTED:
        assert built[path].read() != copied[path].read(), path


def test_it_shares_no_id_with_what_it_was_made_of(made: Made) -> None:
    ids = [
        word.partition("=")[2]
        for word in nodes(made.image)["/etc/fstab"].read().decode().split()
        if word.startswith("UUID=")
    ]
    assert len(ids) == 2
    content = made.copy.read_bytes()
    for identity in ids:
        assert identity.encode() not in content


def test_its_file_systems_are_in_order(made: Made, tmp_path: Path) -> None:
    disk = Window.whole(made.copy)
    boot, root = read_partitions(disk)
    for part, check in ((boot, check_fat), (root, check_ext4)):
        image = tmp_path / "part.img"
        image.write_bytes(disk.read(part.start * 512, part.sectors * 512))
        check(image)


def test_again_and_in_place_it_has_the_same_bytes(made: Made, tmp_path: Path) -> None:
    digest = sha256(made.copy)
    other = tmp_path / "other.img"
    assert made.personalise(f"image={made.image}", f"to={other}", *SETTINGS).returncode == 0
    assert sha256(other) == digest
    assert made.personalise(f"image={made.image}", f"to={other}", "seed=x").returncode == 0
    assert sha256(other) != digest
    in_place = tmp_path / "in-place.img"
    in_place.write_bytes(made.image.read_bytes())
    words = (f"image={in_place}", "in-place=yes", *SETTINGS)
    assert made.personalise(*words).returncode == 0
    assert sha256(in_place) == digest
    borrowed = (f"image={made.image}", f"to={other}", "tools=borrowed", *SETTINGS)
    assert made.personalise(*borrowed).returncode == 0
    assert nodes(other).keys() == nodes(made.copy).keys()


def test_what_is_refused_leaves_nothing(made: Made, tmp_path: Path) -> None:
    target = tmp_path / "refused.img"
    for words, sentence in (
        ((f"image={made.image}", "locales=de_DE.UTF-8"), "locales= cannot be set"),
        ((f"image={made.image}", "useradd=-G none bob"), "group 'none' does not exist"),
        (("image=/etc/passwd", "hostname=x"), "has no partition table that is in order"),
    ):
        done = made.personalise(*words, f"to={target}")
        assert done.returncode != 0
        assert sentence in done.stdout
        assert "Traceback" not in done.stdout
        assert not list(tmp_path.iterdir())


def test_it_boots_and_lets_its_user_in(made: Made) -> None:
    log = made.doit.cache / "log/boot-personalised.log"
    with BootProbe(host_architecture(), made.copy, log=log, disk_size=4 << 30) as probe:
        probe.wait_for_login(timeout=1200)
        probe.log_in("alice", "secret", timeout=600)
        assert probe.run("cat /etc/hostname").strip() == "kiosk-7"
        assert "vfat" in probe.run("findmnt --noheadings --output FSTYPE /boot")
        state = probe.run("systemctl is-system-running --wait", timeout=1200, check=False)
        failed = probe.run("systemctl --failed --no-legend --plain")
        assert state.strip().endswith("running"), failed
