"""Whole builds of both platforms, from the stand-in mirror, and what is in them."""

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Firmware
from aimager.system.hook_failures import FAILED
from boards import BOARDS
from tests.support.booting import PATIENCE
from tests.support.image_root import read_file, read_root, wrong_members
from tests.support.runs import USER, Doit

IMAGES = {
    Architecture.x86_64: ("archlinux", "x64-uefi"),
    Architecture.aarch64: ("archlinuxarm", "aarch64-uefi"),
}

FOREIGN = [architecture for architecture in IMAGES if architecture is not host_architecture()]


def image_words(architecture: Architecture) -> tuple[str, ...]:
    """The words that ask for an architecture's image."""
    distro, board = IMAGES[architecture]
    words = (f"distro={distro}", f"board={board}", "create=disk.img,root.tar", *USER)
    options = " ".join((*BOARDS[board].command_line, PATIENCE))
    settings = ("locales=de_DE.UTF-8,en_US.UTF-8", "hostname=probe", f"append-all={options}")
    return (*words, *settings)


@pytest.fixture(scope="module", params=list(IMAGES), ids=str)
def architecture(request: pytest.FixtureRequest) -> Architecture:
    """Each architecture in turn."""
    value: Architecture = request.param
    return value


@pytest.fixture(scope="module")
def folder(doit: Doit, architecture: Architecture) -> Path:
    """The folder with its image and root archive, built if they are not there yet."""
    doit.build(*image_words(architecture))
    distro, board = IMAGES[architecture]
    return doit.out / f"{distro}-{architecture}-{board}"


def test_nothing_is_left_behind(doit: Doit, folder: Path) -> None:
    assert folder.exists()
    assert list((doit.cache / "work").iterdir()) == []
    assert str(doit.folder) not in Path("/proc/self/mountinfo").read_text()
    owners = {path.lstat().st_uid for top in (doit.cache, doit.out) for path in top.rglob("*")}
    assert owners == {os.getuid()}


def test_a_second_build_does_nothing(doit: Doit, folder: Path, architecture: Architecture) -> None:
    before = (folder / "disk.img").stat().st_mtime_ns
    said = doit.build(*image_words(architecture))
    ran = {line.split()[1].split(":")[0] for line in said.splitlines() if line.startswith(".  ")}
    assert ran == {"sync-databases", "build"}
    assert (folder / "disk.img").stat().st_mtime_ns == before


def test_the_image_is_sparse(folder: Path) -> None:
    found = (folder / "disk.img").stat()
    assert found.st_blocks * 512 < found.st_size / 2


def test_what_lies_beside_it(folder: Path) -> None:
    argv = ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    manifest = json.loads((folder / "manifest.json").read_text())
    installed = {
        name.rpartition("/")[0].rpartition("/")[2]
        for name in read_root(folder / "root.tar")
        if re.fullmatch(r"var/lib/pacman/local/[^/]+/desc", name)
    }
    assert {f"{p['name']}-{p['version']}" for p in manifest["packages"]} == installed
    assert all(len(p["signing_key"]) == 40 for p in manifest["packages"])
    parsed = parse_file(str(folder / "packages.spdx.json"))
    assert [message.validation_message for message in validate_full_spdx_document(parsed)] == []
    assert len(parsed.packages) == len(installed)
    block_map = (folder / "disk.img.bmap").read_text()
    mapped = int(re.findall("<MappedBlocksCount>([0-9]+)<", block_map)[0])
    assert mapped * 4096 < (folder / "disk.img").stat().st_size / 2


def test_owners_and_modes_are_the_packages(folder: Path) -> None:
    members = read_root(folder / "root.tar")
    assert wrong_members(folder / "root.tar") == []
    assert members["srv/ftp"].gid == 11
    assert members["var/games"].gid == 50


def test_capabilities_survive(folder: Path) -> None:
    members = read_root(folder / "root.tar")
    assert "SCHILY.xattr.security.capability" in members["usr/bin/ping"].pax_headers
    assert members["usr/bin/su"].mode & 0o4000


def test_no_secret_and_no_identity(folder: Path) -> None:
    members = read_root(folder / "root.tar")
    assert read_file(folder / "root.tar", "etc/machine-id") == b"uninitialized\n"
    for name in members:
        assert not name.startswith("etc/pacman.d/gnupg")
        assert "ssh_host_" not in name
        assert not name.endswith(("/random-seed", "/private-keys-v1.d"))


def test_settings(folder: Path, architecture: Architecture) -> None:
    archive = folder / "root.tar"
    assert read_file(archive, "etc/hostname") == b"probe\n"
    assert read_file(archive, "etc/locale.conf") == b"LANG=de_DE.UTF-8\n"
    assert b"alice:$6$" in read_file(archive, "etc/shadow")
    assert read_file(archive, "etc/sudoers.d/10-groups") == b"%wheel ALL=(ALL:ALL) ALL\n"
    mirrorlist = read_file(archive, "etc/pacman.d/mirrorlist").decode()
    enabled = [line for line in mirrorlist.splitlines() if line.startswith("Server")]
    assert len(enabled) == 1
    assert "127.0.0.1" not in mirrorlist
    conf = read_file(archive, "etc/pacman.conf").decode()
    assert "DownloadUser" in conf  # the image's own is its package's
    kernel = {Architecture.x86_64: "linux", Architecture.aarch64: "linux-aarch64"}[architecture]
    assert b"root=UUID=" in read_file(archive, f"boot/loader/entries/{kernel}.conf")


def test_the_initramfs_maker_is_left_as_packaged(folder: Path) -> None:
    members = read_root(folder / "root.tar")
    assert "etc/mkinitcpio.conf.d/zzz-aimager-universal.conf" not in members
    if "etc/booster.yaml" in members:
        assert b"universal" not in read_file(folder / "root.tar", "etc/booster.yaml")


def test_no_scriptlet_or_hook_failed(doit: Doit, folder: Path) -> None:
    for log in (doit.cache / "log").glob("*.log"):
        assert not FAILED.search(log.read_text(errors="replace")), log


@pytest.mark.parametrize("architecture", FOREIGN, indirect=True, ids=str)
def test_it_boots(doit: Doit, folder: Path, architecture: Architecture) -> None:
    """With all of its units; the host's own does so in the demonstration, which test_docs runs."""
    try:
        check(architecture, Firmware.uefi)
    except HostError as error:
        pytest.skip(str(error))
    log = doit.cache / "log" / f"boot-{architecture}.log"
    size = 4 << 30
    with BootProbe(architecture, folder / "disk.img", log=log, disk_size=size) as probe:
        probe.wait_for_login(timeout=1200)
        probe.log_in("alice", "secret", timeout=600)
        state = probe.run("systemctl is-system-running --wait", timeout=1200, check=False)
        failed = probe.run("systemctl --failed --no-legend --plain")
        assert state.strip().endswith("running"), failed
        assert int(probe.run("df --block-size=1 --output=size / | tail -1").split()[-1]) > size / 2
        identity = probe.run("cat /etc/machine-id").split()[-1]
        assert len(identity) == 32
        assert "private-keys-v1.d" in probe.run("ls /etc/pacman.d/gnupg")
        keys = "gpg --homedir /etc/pacman.d/gnupg --lock-never --no-permission-warning --list-keys"
        assert "ed25519" in probe.run(f"{keys} pacman@localhost 2>/dev/null")
        assert "bash" in probe.run("pacman -Q bash")


def test_a_root_archive_of_no_board(doit: Doit) -> None:
    host = host_architecture()
    distro = IMAGES[host][0]
    doit.build(f"distro={distro}", "install-pkgs=nano")
    archive = doit.out / f"{distro}-{host}-none" / "root.tar"
    members = read_root(archive)
    assert "usr/bin/nano" in members
    explicit = read_file(
        archive, next(m for m in members if m.endswith("/desc") and "local/nano-" in m)
    )
    assert b"%REASON%" not in explicit


def test_parts_are_those_of_the_disk(doit: Doit) -> None:
    host = host_architecture()
    distro, board = IMAGES[host]
    doit.build(f"distro={distro}", f"board={board}", "create=part-boot.img,part-root.img,disk.img")
    folder = doit.out / f"{distro}-{host}-{board}"
    boot, root, disk = (folder / name for name in ("part-boot.img", "part-root.img", "disk.img"))
    with disk.open("rb") as stream:
        for part, start in ((boot, 1 << 20), (root, (1 << 20) + boot.stat().st_size)):
            stream.seek(start)
            assert stream.read(1 << 20) == part.open("rb").read(1 << 20)
    done = subprocess.run(["e2fsck", "-fn", root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    products = doit.cache / "product/make-rootfs-archive" / f"{distro}-{host}.borrowed"
    archives = list(products.glob("[!.]*/borrowed.tar"))
    assert archives
    with tarfile.open(archives[0]) as borrowed:
        assert "./usr/bin/mke2fs" in borrowed.getnames()
