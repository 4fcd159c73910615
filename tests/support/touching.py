"""What of ours reads or changes a root that packages filled, and in which places."""

from collections.abc import Callable
from pathlib import Path

from aimager.image.filesystem.btrfs import _arranged
from aimager.image.filesystem.fat import fat_folders
from aimager.image.make_images import split
from aimager.image.raw_boot import read_pieces
from aimager.model.architecture import Architecture
from aimager.model.board import Boot, Bootloader, RawPiece
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.model.image_ids import ImageIds
from aimager.model.partition import (
    FileSystem,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
    Subvolume,
    boot_fat,
    root_ext4,
)
from aimager.model.settings import AddedFile, HashedPassword, Script, Settings
from aimager.packages.local_database import read_local_database, settle_records
from aimager.packages.pacman import installed, prepare_root
from aimager.sandbox.tree import Tree
from aimager.system.added_repositories import add_repositories
from aimager.system.boot import make_bootable
from aimager.system.boot_check import check_boot
from aimager.system.caches import settle_caches
from aimager.system.configure import set_up
from aimager.system.customize import finish
from aimager.system.first_boot import prepare_first_boot
from aimager.system.hook_failures import failures
from aimager.system.initramfs import universal
from aimager.system.kernels import find_kernels
from aimager.system.locales import make_default
from aimager.system.normal_initramfs import normalize_initramfs
from aimager.system.sysprep import empty_logs, remove_identity, tell_secrets
from tests.support.hostile_root import QuietRoot
from tests.support.touching_hooks import ask_makers, take_hooks
from tests.support.trees import TOOLS, bare_chroot

TABLE = PartitionTable(Label.gpt, (boot_fat(64 * MiB), root_ext4()))
SUBVOLUMES = Partition(
    Role.root,
    FileSystem.btrfs,
    subvolumes=(Subvolume("@", "/"), Subvolume("@home", "/home"), Subvolume("@log", "/var/log")),
)
OWN = ThirdPartyRepository(
    "mine", (), Mirrors("", "http://m/$repo"), Keyring("mine", "", ("A" * 40,), keys="a2V5cw==")
)
SAID = (
    "(1/1) Updating\nno\nerror: command failed to execute correctly\n"
    "installing nano...\nno\nerror: command failed to execute correctly\n"
)
SETUP = Settings("pc", ("en_US.UTF-8",), sudo_groups=("wheel",))


def boot(loader: Bootloader) -> Callable[[Path], object]:
    board = Boot((loader,), "", ("config.txt",) if "pi" in loader.name else (), (), ())

    def call(root: Path) -> None:
        make_bootable(
            Tree(root),
            board,
            ImageIds("seed", TABLE),
            architecture=Architecture.x86_64,
            words=lambda kernel: (),
            title="Arch Linux",
        )
        check_boot(Tree(root), board, ImageIds("seed", TABLE), Architecture.x86_64)

    return call


def configure(root: Path) -> None:
    hashed = (HashedPassword("root", "$6$salt$hash"),)
    set_up(
        QuietRoot(root),
        SETUP,
        hashed,
        mirrorlist="etc/pacman.d/mirrorlist",
        mirror="http://m/$repo",
    )


def customize(root: Path) -> None:
    setup = Settings(
        "pc",
        services=("sshd.service",),
        files=(AddedFile("/etc/motd.d/hello", "Hello\n"),),
        scripts=(Script("a.sh", "#!/bin/sh\n"),),
    )
    finish(QuietRoot(root), setup, ())


def make_initramfs(root: Path) -> None:
    (root.parent / "work").mkdir(exist_ok=True)
    with universal(bare_chroot(root), root.parent / "work"):
        pass


def explain(root: Path) -> None:
    (root.parent / "work").mkdir()
    failures(SAID, Tree(root), Tree(root.parent / "work"))


def split_tree(root: Path) -> None:
    split(TABLE, Tree(root))


def arrange(root: Path) -> None:
    with _arranged(SUBVOLUMES, root):
        pass


def read_raw(root: Path) -> None:
    read_pieces(Tree(root), (RawPiece("usr/lib/u-boot.bin", offset=0),))


_LOCAL = "var/lib/pacman/local"
_NANO = f"{_LOCAL}/nano-8-1"
UNITS = "etc/systemd/system"
_KERNELS = ("usr/lib/modules", "usr/lib/modules/6.1/pkgbase", "boot", "boot/vmlinuz-linux")

CALLS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "remove_identity": (
        lambda root: remove_identity(Tree(root)),
        ("var/log/journal", "var/log", "etc/ssh", "var/lib/dhcpcd", "boot", "var"),
    ),
    "tell_secrets": (
        lambda root: tell_secrets(Tree(root)),
        ("etc", "var/lib", _LOCAL, f"{_NANO}/files"),
    ),
    "empty_logs": (
        lambda root: empty_logs(Tree(root)),
        ("var/log", "var/log/app", "var/log/app/app.log"),
    ),
    "settle_records": (
        lambda root: settle_records(Tree(root), 7),
        (
            *(_LOCAL, _NANO, f"{_NANO}/desc", "var/lib/pacman/sync", "var/cache/pacman/pkg"),
            *("var/cache/pacman/pkg/old.pkg", "var/lib/pacman/sync/core.db"),
        ),
    ),
    "installed": (lambda root: installed(Tree(root)), (_LOCAL, _NANO)),
    "read_local_database": (
        lambda root: read_local_database(Tree(root)),
        (_LOCAL, _NANO, f"{_NANO}/desc"),
    ),
    "prepare_root": (
        prepare_root,
        (
            *("dev", "proc", "run", "sys", "tmp", "etc", "var", "var/log", "etc/pacman.d"),
            *("var/cache/pacman", "var/lib/pacman/sync"),
        ),
    ),
    "find_kernels": (
        lambda root: find_kernels(Tree(root)),
        (*_KERNELS, "etc/mkinitcpio.d", "etc/mkinitcpio.d/linux-arm.preset", "boot/Image"),
    ),
    "settle_caches": (
        lambda root: settle_caches(Tree(root)),
        (
            *("usr", "opt", "var/cache", "var/cache/man", "var/tmp", "root", _LOCAL),
            *("usr/share/applications", "usr/share/applications/mimeinfo.cache"),
        ),
    ),
    "normalize_initramfs": (
        lambda root: normalize_initramfs(Tree(root), TOOLS, root.parent),
        (*_KERNELS[:1], "boot", "boot/booster-linux.img", "boot/initramfs-linux.img", _LOCAL),
    ),
    "systemd_boot": (
        boot(Bootloader.systemd_boot),
        (
            *(*_KERNELS, "etc/fstab", "usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
            *("boot/loader", "boot/loader/loader.conf", "boot/loader/entries", "boot/EFI"),
            *("boot/loader/entries/linux.conf", "boot/EFI/BOOT/BOOTX64.EFI"),
        ),
    ),
    "syslinux": (
        boot(Bootloader.syslinux),
        (
            *("boot/syslinux", "boot/syslinux/syslinux.cfg", "boot/syslinux/menu.c32"),
            *("usr/lib/syslinux/bios", "usr/lib/syslinux/bios/menu.c32"),
        ),
    ),
    "extlinux": (
        boot(Bootloader.extlinux),
        (
            *("boot/extlinux", "boot/extlinux/extlinux.conf", "boot/dtbs", "boot/dtbs/linux"),
            *("usr/lib/modules/6.1/dtb", "usr/lib/modules/6.1/dtb/vendor"),
            "usr/lib/modules/6.1/dtb/vendor/a.dtb",
        ),
    ),
    "raspberry_pi_firmware": (
        boot(Bootloader.raspberry_pi_firmware),
        ("boot", "boot/config.txt", "boot/cmdline.txt", "boot/initramfs-linux.img"),
    ),
    "set_up": (
        configure,
        (
            *("etc", "etc/hostname", "etc/locale.gen", "etc/locale.conf", "etc/vconsole.conf"),
            *("etc/localtime", "etc/passwd", "etc/group", "etc/sudoers.d", "etc/resolv.conf"),
            *("etc/sudoers.d/10-groups", "etc/systemd/network", "etc/pacman.d/mirrorlist"),
            *("etc/systemd/network/20-wired.network", "usr/lib/locale/.made-for", UNITS),
            *("usr/lib/locale", "usr/lib/locale/locale-archive", "etc/systemd"),
            *(f"{UNITS}/multi-user.target.wants", f"{UNITS}/sysinit.target.wants"),
        ),
    ),
    "make_default": (
        lambda root: make_default(Tree(root), lambda argv: None, lambda: False),
        ("etc/locale.gen", "usr/bin/locale-gen", "usr/lib/locale/locale-archive"),
    ),
    "add_repositories": (
        lambda root: add_repositories(Tree(root), (OWN,)),
        (
            *("etc/pacman.conf", "usr/share/pacman", "usr/share/pacman/keyrings"),
            "usr/share/pacman/keyrings/mine.gpg",
        ),
    ),
    "prepare_first_boot": (
        lambda root: prepare_first_boot(Tree(root), grow=Role.root),
        (
            *("etc/machine-id", "etc/systemd", UNITS, "etc/systemd/system-preset"),
            *("etc/systemd/system-preset/10-own.preset", "usr/local", "usr/local/lib/grow-root"),
            *("usr/lib/systemd/system-preset/99-default.preset", "usr/bin/pacman-key"),
            *(f"{UNITS}/systemd-firstboot.service", f"{UNITS}/pacman-keyring.service"),
        ),
    ),
    "universal": (
        make_initramfs,
        (
            *("run", "run/universal-initramfs", "run/universal-initramfs.done", "etc"),
            *("run/mkinitcpio.conf", "run/booster.yaml", "etc/mkinitcpio.conf"),
            *("etc/mkinitcpio.conf.d", "etc/mkinitcpio.conf.d/zzz-aimager-universal.conf"),
            "etc/booster.yaml",
        ),
    ),
    "finish": (
        customize,
        (
            *("etc", "etc/motd.d", "etc/motd.d/hello", "run", "run/aimager-script", UNITS),
            *(f"{UNITS}/multi-user.target.wants", "etc/systemd/system-preset"),
            "etc/systemd/system-preset/40-enabled.preset",
        ),
    ),
    "failures": (
        explain,
        (
            *("usr/share/libalpm/hooks", "usr/share/libalpm/hooks/60-initcpio.hook", _LOCAL),
            *(_NANO, f"{_NANO}/files", f"{_NANO}/install"),
        ),
    ),
    "hooks": (
        take_hooks,
        (
            *("etc/pacman.conf", "etc/pacman.d", "etc/pacman.d/hooks", "usr/share/libalpm/hooks"),
            "etc/pacman.d/hooks/50-own.hook",
        ),
    ),
    "universal_conf": (
        ask_makers,
        (
            *(
                "etc/mkinitcpio.conf",
                "etc/mkinitcpio.conf.d",
                "etc/mkinitcpio.d",
                "etc/booster.yaml",
            ),
            "etc/mkinitcpio.d/linux-arm.preset",
        ),
    ),
    "read_pieces": (read_raw, ("usr/lib/u-boot.bin", "usr/lib")),
    "split": (split_tree, ("boot",)),
    "subvolumes": (arrange, ("home", "var", "var/log", "home/alice")),
    "make_fat": (
        lambda root: fat_folders(Tree(root / "boot"), 1 << 30),
        ("boot/vmlinuz-linux", "boot/loader", "boot/loader/loader.conf"),
    ),
}
