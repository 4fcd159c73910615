"""dracut makes an initramfs that finds and mounts the root of an image, on a machine of its own."""

from pathlib import Path

from tests.support import quick_init
from tests.support.image_root import read_root
from tests.support.runs import Doit


def test_its_initramfs_finds_the_root(doit: Doit, tmp_path: Path) -> None:
    words = quick_init.words(tmp_path)
    doit.build(*words, "initrd-maker=dracut", "create=disk.img,root.tar", "hostname=probe")
    folder = doit.out / "archlinux-x86_64-quick"
    members = read_root(folder / "root.tar")
    assert members["boot/initramfs-linux-lts.img"].size > 10 << 20
    assert "boot/vmlinuz-linux-lts" in members
    assert not [name for name in members if "booster" in name or "mkinitcpio" in name]
    log = (doit.cache / "log/install-packages:archlinux-x86_64-quick.log").read_text()
    assert log.count("Having dracut make each kernel's initramfs") == 1
    told = quick_init.boot(folder / "disk.img", doit.cache / "log/boot-dracut.log")
    assert told[0].split()[:2] == ["/", "ext4"]
    assert told[1:] == ["probe", "it can be written to"]
