"""The packages that differ between Arch and its ARM port: kernels, keyrings, boot loaders."""

from aimager.stand_in.recipe import Recipe


def list_platform_recipes(arch: str) -> list[Recipe]:
    firmware = Recipe(
        "linux-firmware",
        ("firmware-linux-free",),
        description="Firmware files for Linux",
    )
    if arch == "x86_64":
        needs = ("coreutils", "initramfs", "kmod")
        return [
            firmware,
            Recipe("linux", maker="kernel", option="linux-image-amd64", depends=needs),
            Recipe("linux-lts", maker="kernel", option="linux-image-cloud-amd64", depends=needs),
            Recipe("amd-ucode", ("amd64-microcode",), maker="ucode", option="AuthenticAMD"),
            Recipe("intel-ucode", ("intel-microcode",), maker="ucode", option="GenuineIntel"),
            Recipe("archlinux-keyring", maker="keyring", option="archlinux", depends=("pacman",)),
            Recipe(
                "archlinuxcn-keyring",
                maker="keyring",
                option="archlinuxcn",
                repository="archlinuxcn",
                depends=("archlinux-keyring",),
            ),
            Recipe(
                "pacman-static",
                ("pacman-package-manager",),
                maker="static-pacman",
                repository="archlinuxcn",
            ),
            Recipe(
                "syslinux",
                ("syslinux", "syslinux-common", "extlinux"),
                drop=(
                    "usr/lib/SYSLINUX",
                    "usr/lib/EXTLINUX",
                    "usr/lib/syslinux/mbr/diag",
                    "usr/share/syslinux",
                ),
                move=(
                    ("usr/lib/syslinux/mbr", "usr/lib/syslinux/bios"),
                    ("usr/lib/syslinux/modules/bios", "usr/lib/syslinux/bios"),
                    ("usr/lib/syslinux/modules", "usr/lib/syslinux"),
                ),
            ),
        ]
    return [
        firmware,
        Recipe(
            "linux-aarch64",
            maker="alarm-kernel",
            option="linux-image-arm64",
            depends=("coreutils", "kmod", "mkinitcpio>=0.7"),
            conflicts=("linux",),
            provides=("linux",),
        ),
        Recipe(
            "linux-rpi",
            maker="rpi-kernel",
            option="linux-image-arm64",
            depends=("coreutils", "kmod", "mkinitcpio>=0.7", "raspberrypi-bootloader"),
            conflicts=("linux",),
            provides=("linux",),
            backup=("boot/config.txt", "boot/cmdline.txt"),
        ),
        Recipe(
            "raspberrypi-bootloader",
            ("raspi-firmware",),
            repository="alarm",
            description="Bootloader files for Raspberry Pi",
            keep=("usr/lib/raspi-firmware",),
            drop=("usr/lib/raspi-firmware/overlays",),
            move=(("usr/lib/raspi-firmware", "boot"),),
        ),
        Recipe("archlinuxarm-keyring", maker="keyring", option="archlinuxarm", depends=("pacman",)),
        Recipe("tree", ("tree",), repository="aur"),
        Recipe("htop", ("htop",), repository="alarm"),
    ]
