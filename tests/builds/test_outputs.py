"""Systems that others start than a machine, and a disk for virtual ones: what each promises."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.stand_in.ports import PORTS
from tests.support.cells import HOST, sums
from tests.support.image_root import read_file, read_root
from tests.support.oci import Image, read_image
from tests.support.runs import USER, Doit
from tests.support.seed import Copies
from tests.support.started import Done, Started, start

FORMS = ("oci.tar", "root.wsl", "nspawn.tar")
WORDS = ("distro=archlinux", "install-pkgs=nano", *USER, f"create={','.join(FORMS)}")
KEYRING = "etc/pacman.d/gnupg"
PUBLIC = {f"{KEYRING}/{name}" for name in ("gpg.conf", "pubring.gpg", "trustdb.gpg")}


@pytest.fixture(scope="module")
def outputs(copies: Copies) -> Doit:
    """doit on a cache where a system was made in all forms, and one without settings."""
    doit = copies("outputs")
    doit.build("distro=archlinux", "create=oci.tar", "oci-name=quay.io/me/bare:1")
    shutil.copytree(doit.out, doit.folder / "bare")
    doit.build(*WORDS)
    return doit


@pytest.fixture(scope="module")
def folder(outputs: Doit) -> Path:
    return outputs.out / "archlinux-x86_64-none"


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    return read_image(folder / "oci.tar")


def test_images_of_one_platform_share_their_lowest_layer(outputs: Doit, image: Image) -> None:
    bare = read_image(outputs.folder / "bare/archlinux-x86_64-none/oci.tar")
    made = [[it["created_by"] for it in one.config["history"]] for one in (bare, image)]
    assert made == [["base system", "settings"], ["base system", "packages", "settings"]]
    assert bare.digests[0] == image.digests[0]
    (descriptor,) = bare.index["manifests"]
    assert descriptor["annotations"]["io.containerd.image.name"] == "quay.io/me/bare:1"


def test_each_layer_has_what_it_is_for(image: Image) -> None:
    _, packages, settings = (
        {member.name.removeprefix("./") for member in layer} for layer in image.layers()
    )
    assert {"usr/bin/nano", "var/lib/pacman/local"} <= packages
    assert not packages & {"etc/passwd", "usr/bin/bash"}
    assert {"etc/passwd", "etc/locale.conf", *PUBLIC} <= settings
    assert not settings & {"usr/bin/nano", "usr/bin/bash"}
    ping = next(m for m in image.layers()[0] if m.name == "./usr/bin/ping")
    assert "SCHILY.xattr.security.capability" in ping.pax_headers


def layer_files(image: Image, work: Path) -> tuple[Path, ...]:
    work.mkdir()
    files = []
    for number, layer in enumerate(image.manifest["layers"]):
        files.append(work / f"{number}.tar")
        files[-1].write_bytes(image.blob(layer))
    return tuple(files)


COMMANDS = (
    ("pacman", "-Sy"),
    ("pacman", "-S", "--noconfirm", "tree"),
    ("tree", "--version"),
    ("pacman", "--gpgdir", "/root", "-S", "--noconfirm", "htop"),
    ("pacman-key", "--init"),
    ("pacman-key", "--populate"),
    ("gpg", "--homedir", f"/{KEYRING}", "--list-secret-keys"),
    ("pacman", "-S", "--noconfirm", "htop"),
)


@pytest.mark.parametrize("form", ["oci.tar", "root.wsl"])
def test_pacman_works_at_once_and_has_no_secret(
    folder: Path, image: Image, mirror: Path, tmp_path: Path, form: str
) -> None:
    archives: tuple[Path, ...] = (folder / form,)
    names = set(read_root(folder / form))
    if form == "oci.tar":
        archives = layer_files(image, tmp_path / "layers")
        names = {m.name.removeprefix("./") for layer in image.layers() for m in layer}
    assert {name for name in names if name.startswith(f"{KEYRING}/")} == PUBLIC
    place, work = PORTS["x86_64"].place, tmp_path / "work"
    done = start(Started(archives, mirror, place, COMMANDS, work, tmp_path / "log"))
    assert [bool(it.status) for it in done] == [c == COMMANDS[3] for c in COMMANDS], done
    check_what_was_said(done)


def check_what_was_said(done: list[Done]) -> None:
    assert done[2].said.startswith("tree v")
    assert "keyring" in done[3].said  # without one, packages are refused
    assert "Pacman Keyring Master Key" in done[6].said


def test_root_has_no_password_that_everybody_knows(folder: Path) -> None:
    shadow = read_file(folder / "root.wsl", "etc/shadow").decode()
    assert re.search(r"^root:[!*]", shadow, re.MULTILINE)
    assert re.search(r"^alice:\$6\$", shadow, re.MULTILINE)


def test_wsl_finds_what_it_asks_for(folder: Path) -> None:
    archive = folder / "root.wsl"
    root = read_root(archive)
    assert "etc/resolv.conf" not in root
    for name in ("etc/wsl.conf", "etc/wsl-distribution.conf"):
        assert (root[name].mode, root[name].uid, root[name].gid) == (0o644, 0, 0)
    assert read_file(archive, "etc/wsl.conf") == b"[boot]\nsystemd=true\n\n[user]\ndefault=alice\n"
    uid = root["home/alice"].uid
    assert read_file(archive, "etc/wsl-distribution.conf").decode() == (
        f"[oobe]\ndefaultUid = {uid}\ndefaultName = archlinux-x86_64-none\n"
    )
    assert root["etc/systemd/system/systemd-resolved.service"].linkname == "/dev/null"
    # gzip, that tells neither a name nor a time (RFC 1952).
    assert archive.read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_nspawn_finds_a_first_boot(folder: Path) -> None:
    archive = folder / "nspawn.tar"
    root = read_root(archive)
    assert read_file(archive, "etc/machine-id") == b"uninitialized\n"
    assert {"usr/lib/os-release", "usr/lib/systemd/network/80-container-host0.network"} <= set(root)
    lines = read_file(archive, "etc/fstab").decode().splitlines()
    assert not [line for line in lines if line and not line.startswith("#")]
    assert root["etc/resolv.conf"].linkname == "../run/systemd/resolve/stub-resolv.conf"
    wants = "etc/systemd/system/multi-user.target.wants/pacman-keyring.service"
    assert wants in root and "etc/systemd/system/grow-root.service" not in root
    assert not {name for name in root if name.startswith(f"{KEYRING}")}


def test_systemd_starts_in_a_container_and_makes_its_keyring(folder: Path, tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("systemd-nspawn"):
        pytest.skip("systemd-nspawn is not there, or this is not root")
    root = tmp_path / "box"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "-xf", folder / "nspawn.tar"], check=True)
    argv = ["systemd-nspawn", "--register=no", "--keep-unit", "--private-network", "-D", str(root)]
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [*argv, "--console=pipe", "--boot"], stdin=subprocess.DEVNULL, stdout=said, stderr=said
        ) as running,
    ):
        keys, until = root / KEYRING / "private-keys-v1.d", time.monotonic() + 120
        while running.poll() is None and not keys.exists() and time.monotonic() < until:
            time.sleep(0.5)
        running.terminate()
    identity = (root / "etc/machine-id").read_text()
    if identity == "uninitialized\n":
        said_last = (tmp_path / "said").read_text(errors="replace")[-200:]
        pytest.skip(f"systemd does not start here: {said_last}")
    assert re.fullmatch(r"[0-9a-f]{32}\n", identity)
    assert any(keys.iterdir())


def test_skopeo_and_umoci_take_the_image(folder: Path, image: Image, tmp_path: Path) -> None:
    if not (shutil.which("skopeo") and shutil.which("umoci")):
        pytest.skip("skopeo and umoci are not there")
    archive = f"oci-archive:{folder / 'oci.tar'}"
    insecure = ["skopeo", "--insecure-policy", "copy", "--quiet"]
    subprocess.run([*insecure, archive, f"oci:{tmp_path / 'layout'}:x"], check=True)
    unpacked = tmp_path / "bundle"
    argv = ["umoci", "unpack", "--rootless", "--image", f"{tmp_path / 'layout'}:x", str(unpacked)]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    names = {str(p.relative_to(unpacked / "rootfs")) for p in (unpacked / "rootfs").rglob("*")}
    below = {m.name.removeprefix("./") for layer in image.layers() for m in layer} - {"."}
    gone = {name for name in below if "/.wh." in name}
    assert names == below - gone - {name.replace(".wh.", "", 1) for name in gone}


@pytest.fixture
def buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The command, with a place of its own, which is gone afterwards.

    What lies there belongs to an ordinary user's subordinate ids.
    """
    if not shutil.which("buildah"):
        pytest.skip("buildah is not there")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    place = tmp_path / "buildah"
    yield ["buildah", "--storage-driver=vfs", f"--root={place}/s", f"--runroot={place}/r"]
    within = ["buildah", "unshare"] if os.geteuid() else []
    subprocess.run([*within, "rm", "-rf", str(place)], check=True)


def test_buildah_runs_the_image(folder: Path, buildah: list[str]) -> None:
    made = subprocess.run(
        [*buildah, "from", f"oci-archive:{folder / 'oci.tar'}"], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"buildah cannot work here: {made.stderr[-200:]}")
    container = made.stdout.strip()
    argv = [*buildah, "run", "--isolation=chroot", container, "--", "bash", "-c"]
    said = subprocess.run(
        [*argv, "pacman -Q nano && echo $LANG"], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"nano \S+\nen_US\.UTF-8\n", said.stdout)


def test_a_qcow2_alone_is_the_same_disk(outputs: Doit, tmp_path: Path) -> None:
    folder = HOST.folder(outputs)
    outputs.build(*HOST.words, "create=disk.qcow2")
    assert "  disk.img\n" not in (folder / "SHA256SUMS").read_text()
    shutil.copy(folder / "disk.qcow2", tmp_path)
    outputs.build(*HOST.words, "create=disk.img,disk.qcow2")
    assert (folder / "disk.qcow2").read_bytes() == (tmp_path / "disk.qcow2").read_bytes()
    if shutil.which("qemu-img"):
        argv = ["qemu-img", "compare", "-q", str(folder / "disk.img"), str(folder / "disk.qcow2")]
        subprocess.run(argv, check=True)


def test_they_have_the_same_bytes_anywhere(outputs: Doit, folder: Path, copies: Copies) -> None:
    again = copies("outputs-again")
    again.build(*WORDS, "tmpfs-root=no")
    there = again.out / "archlinux-x86_64-none"
    assert sums(there, FORMS) == sums(folder, FORMS)
