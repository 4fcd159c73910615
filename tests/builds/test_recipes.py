"""The recipes of docs/recipes.md are typed as they stand, and what they promise is looked for."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aimager.openssh import AllowedSigners
from tests.house.test_docs import PAGES, Block, Reader, make_reader
from tests.support.ext4_reader import read_ext4
from tests.support.first_difference import read_partitions
from tests.support.image_root import read_file, read_root
from tests.support.node import Node, Window
from tests.support.oci import read_image
from tests.support.seed import Copies
from tests.support.ssh_keys import SSH_KEY

_RECIPE = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECIPES = dict(_RECIPE.findall(PAGES["docs/recipes.md"]))
PC = "archlinux-x86_64-x64-uefi"


def in_image(disk: Path) -> dict[str, Node]:
    """The files of the root file system of a disk, which is the last partition, by path."""
    last = read_partitions(Window.whole(disk))[-1]
    window = Window.whole(disk).part(last.start * 512, last.sectors * 512)
    return {node.path.strip("/"): node for node in read_ext4(window)}


def text_in(disk: Path, path: str) -> str:
    """The text of a file in it."""
    return in_image(disk)[path].read().decode()


def logins(folder: Path) -> list[str]:
    """Who can log in, as the manifest has it."""
    found: list[str] = json.loads((folder / "manifest.json").read_text())["logins"]
    return found


def check_pi(here: Path) -> None:
    folder = here / "out/archlinuxarm-aarch64-rpi4"
    files = in_image(folder / "disk.img")
    key = files["home/alice/.ssh/authorized_keys"]
    assert key.read().decode() == (here / "id.pub").read_text()
    assert "correct horse battery" in files["var/lib/iwd/home.psk"].read().decode()
    assert logins(folder) == ["alice"]
    card = here.parent / "card"
    assert card.stat().st_size == (folder / "disk.img").stat().st_size
    assert text_in(card, "etc/hostname") == "attic\n"
    assert text_in(here / "cellar.img", "etc/hostname") == "cellar\n"


def check_vm(here: Path) -> None:
    folder = here / "out" / PC
    assert logins(folder) == ["root"]
    assert (folder / "disk.img").stat().st_size > 8 << 30
    assert (folder / "disk.qcow2").read_bytes()[:4] == b"QFI\xfb"
    assert "etc/systemd/system/multi-user.target.wants/sshd.service" in in_image(
        folder / "disk.img"
    )


def root_archive(here: Path) -> Path:
    return here / "out/archlinux-x86_64-none/root.tar"


def check_container(here: Path) -> None:
    image = read_image(here / "out/archlinux-x86_64-none/oci.tar")
    names = {member.name for layer in image.layers() for member in layer}
    assert {"./usr/bin/nano", "./etc/pacman.d/gnupg/trustdb.gpg"} <= names
    (descriptor,) = image.index["manifests"]
    assert descriptor["annotations"]["io.containerd.image.name"] == "localhost/me/arch:1"


def check_wsl(here: Path) -> None:
    archive = here / "out/archlinux-x86_64-none/root.wsl"
    assert b"systemd=true\n\n[user]\ndefault=alice\n" in read_file(archive, "etc/wsl.conf")
    assert b"defaultName = archlinux-x86_64-none\n" in read_file(
        archive, "etc/wsl-distribution.conf"
    )
    assert b"alice:$6$" in read_file(archive, "etc/shadow")
    assert "usr/lib/systemd/systemd" in read_root(archive)


def check_nspawn(here: Path) -> None:
    archive = here / "out/archlinux-x86_64-none/nspawn.tar"
    assert read_root(archive)["root/.ssh/authorized_keys"].mode == 0o600
    assert re.search(rb"^root:!", read_file(archive, "etc/shadow"), re.MULTILINE)
    assert read_file(archive, "etc/machine-id") == b"uninitialized\n"


def check_kiosk(here: Path) -> None:
    folder = here / "out" / PC
    files = in_image(folder / "disk.img")
    place = "etc/systemd/system/getty@tty1.service.d/autologin.conf"
    assert files[place].read() == (here / "autologin.conf").read_bytes()
    assert b"exec htop" in files["home/kiosk/.bash_profile"].read()
    assert logins(folder) == ["kiosk"]


def check_nightly(here: Path) -> None:
    folder = here / "out" / PC
    allowed = here / "allowed"
    allowed.write_text(f"me {(here / 'signing.pub').read_text()}")
    assert (
        AllowedSigners(allowed).fault(
            (folder / "SHA256SUMS").read_bytes(), (folder / "SHA256SUMS.sig").read_bytes(), "file"
        )
        == ""
    )
    assert (folder / "disk.img.zst").is_file()
    assert logins(folder) == ["root"]


def check_own_packages(here: Path) -> None:
    assert read_file(root_archive(here), "usr/local/bin/hello").endswith(b"echo hello\n")
    packages = json.loads((root_archive(here).parent / "manifest.json").read_text())["packages"]
    assert [p["name"] for p in packages if not p["signing_key"]] == ["hello"]


def check_size(here: Path) -> None:
    folder = here / "out" / PC
    assert (folder / "disk.img").stat().st_size < 4_000_000_000
    assert (folder / "disk.img.zst").is_file()


CHECKS: dict[str, Callable[[Path], None]] = {
    "A Raspberry Pi on Wi-Fi, with a key": check_pi,
    "A virtual machine, for libvirt and Proxmox": check_vm,
    "A container": check_container,
    "WSL": check_wsl,
    "A container of systemd's": check_nspawn,
    "A kiosk": check_kiosk,
    "A nightly image, with a login and a release": check_nightly,
    "Packages of your own": check_own_packages,
    "An image within a size": check_size,
}


def test_every_recipe_is_checked() -> None:
    assert CHECKS.keys() == RECIPES.keys()


@pytest.fixture(scope="module")
def reader(copies: Copies) -> Iterator[Reader]:
    """Somebody who has a key, and types one recipe after another."""
    doit = copies("recipes")
    cook = make_reader(doit.folder, doit.cache, *doit.variables)
    (cook.checkout / "id.pub").write_text(f"{SSH_KEY} cook\n")
    yield cook


@pytest.mark.parametrize("name", CHECKS)
def test_it_gives_what_it_promises(reader: Reader, name: str) -> None:
    for text in _COMMANDS.findall(RECIPES[name]):
        reader.type(Block(text))
    CHECKS[name](reader.checkout)
