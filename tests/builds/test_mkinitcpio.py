"""mkinitcpio makes an initramfs for any machine, without graphics cards, and it boots."""

import io
from pathlib import Path

from aimager.cpio import read_archive
from aimager.initramfs_stream import Source
from aimager.model.partition import MiB
from tests.support import quick_init
from tests.support.image_root import read_file, read_root
from tests.support.runs import Doit

GPUS = ("/kernel/drivers/gpu/", "usr/lib/firmware/amdgpu/")
"""Where there is what ``kms`` would take in: drivers, and their firmware."""


def test_its_initramfs_is_small_and_finds_the_root(doit: Doit, tmp_path: Path) -> None:
    words = quick_init.words(tmp_path, kernel="linux-zen")
    asked = ("initrd-maker=mkinitcpio", "install-pkgs=linux-firmware-amdgpu", "hostname=probe")
    doit.build(*words, *asked, "create=disk.img,root.tar")
    archive = doit.out / "archlinux-x86_64-quick/root.tar"
    members = read_root(archive)
    there = [sum(m.size for name, m in members.items() if place in name) for place in GPUS]
    assert min(there) > 9 * MiB, "what is left out is large"
    image = read_file(archive, "boot/initramfs-linux-zen.img")
    assert len(image) < 16 * MiB
    early = {member.name for member in read_archive(Source(io.BytesIO(image)), io.BytesIO())}
    assert b"kernel/x86/microcode/AuthenticAMD.bin" in early
    assert not [name for name in early if b"firmware" in name]
    assert b" kms " in read_file(archive, "etc/mkinitcpio.conf"), "an update there is as packaged"
    told = quick_init.boot(archive.with_name("disk.img"), doit.cache / "log/boot-mkinitcpio.log")
    assert told[0].split()[:2] == ["/", "ext4"]
    assert told[1:] == ["probe", "it can be written to"]
