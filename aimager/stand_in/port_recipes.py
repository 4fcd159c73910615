"""The packages that differ between the ports: kernels, keyrings, firmware, boot loaders."""

from aimager.stand_in.ports import Port
from aimager.stand_in.recipe import Recipe

_KERNEL_NEEDS = ("coreutils", "initramfs", "kmod")
_ALARM_KERNEL_NEEDS = ("coreutils", "kmod", "mkinitcpio>=0.7")

_NEWEST_AND_LTS = {
    "amd64": ("linux-image-amd64", "linux-image-cloud-amd64"),
    "i386": ("linux-image-686-pae", "linux-image-686"),
    "riscv64": ("linux-image-riscv64", ""),
    "loong64": ("linux-image-loong64", ""),
}
"""What ``linux`` and ``linux-lts`` are made of; where Debian has one flavour only, ``linux-lts`` is
the oldest version of it that is there, if that is another one."""

_GZIPPED = ("riscv64",)
"""Whose kernels are ``Image.gz``, without the EFI zboot image's header."""

_EMULATING = ("x86_64", "aarch64")
"""The ports whose machines build for others, by QEMU, which is large."""


def list_port_recipes(port: Port) -> list[Recipe]:
    """The recipes of what only this port has, or has in its own way."""
    common = [
        Recipe(
            "linux-firmware",
            ("firmware-linux-free",),
            description="Firmware files for Linux",
        ),
        *_keyring_recipes(port),
        *(_emulator_recipes() if port.arch in _EMULATING else ()),
    ]
    match port.distro:
        case "archlinux":
            only = [*_pc_recipes(), *_gpu_recipes(), *_archlinuxcn_recipes()]
            return [*common, *_arch_kernels(port.debian), *only]
        case "archlinux32":
            community = Recipe("tree", ("tree",), repository="community")
            return [*common, *_arch_kernels(port.debian), *_pc_recipes(), community]
        case "archlinuxarm":
            only = _aarch64_recipes() if port.arch == "aarch64" else _armv7h_recipes()
            return [*common, *only, *_alarm_recipes()]
        case "archriscv":
            u_boot = _u_boot("qemu-riscv64_smode", repository="extra")
            return [*common, *_arch_kernels(port.debian), u_boot]
        case _:
            return [*common, *_arch_kernels(port.debian)]


def _emulator_recipes() -> list[Recipe]:
    qemus = ("aarch64", "arm", "i386", "loongarch64", "riscv64", "x86_64")
    return [
        Recipe(
            "qemu-user-static",
            ("qemu-user",),
            repository="extra",
            keep=tuple(f"usr/bin/qemu-{name}" for name in qemus),
            move=tuple((f"usr/bin/qemu-{name}", f"usr/bin/qemu-{name}-static") for name in qemus),
        )
    ]


def _keyring_recipes(port: Port) -> list[Recipe]:
    return [
        Recipe(
            f"{name}-keyring",
            (port.real_keys,) if port.real_keys else (),
            maker="keyring",
            option=name,
            depends=("pacman",),
        )
        for name in port.keyrings
    ]


def _arch_kernels(debian: str) -> list[Recipe]:
    newest, lts = _NEWEST_AND_LTS[debian]
    gzipped = debian in _GZIPPED
    return [
        Recipe("linux", maker="kernel", option=newest, gzipped=gzipped, depends=_KERNEL_NEEDS),
        Recipe(
            "linux-lts",
            maker="kernel",
            option=lts or newest,
            older=not lts,
            gzipped=gzipped,
            depends=_KERNEL_NEEDS,
        ),
    ]


def _pc_recipes() -> list[Recipe]:
    return [
        Recipe("amd-ucode", ("amd64-microcode",), maker="ucode", option="AuthenticAMD"),
        Recipe("intel-ucode", ("intel-microcode",), maker="ucode", option="GenuineIntel"),
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


def _gpu_recipes() -> list[Recipe]:
    """A kernel that has the drivers of graphics cards, and firmware of the real size for some.

    It is made of the same Debian package as ``linux``, so they are in each other's way.
    """
    return [
        Recipe(
            "linux-zen",
            maker="kernel",
            option="linux-image-amd64",
            gpus=True,
            depends=_KERNEL_NEEDS,
            conflicts=("linux",),
        ),
        Recipe(
            "linux-firmware-amdgpu",
            ("firmware-amd-graphics",),
            maker="firmware",
            description="Firmware files for AMD Radeon GPUs",
        ),
    ]


def _archlinuxcn_recipes() -> list[Recipe]:
    return [
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
    ]


def _alarm_recipes() -> list[Recipe]:
    return [
        Recipe("tree", ("tree",), repository="aur"),
        Recipe("htop", ("htop",), repository="alarm"),
    ]


def _armv7h_recipes() -> list[Recipe]:
    return [
        _alarm_kernel("linux-armv7", option="linux-image-armmp"),
        _u_boot("qemu_arm", repository="alarm"),
        *_rpi_recipes("linux-image-armmp"),
    ]


def _aarch64_recipes() -> list[Recipe]:
    return [
        _alarm_kernel("linux-aarch64", option="linux-image-arm64"),
        _u_boot("qemu_arm64", repository="alarm"),
        *_rpi_recipes("linux-image-arm64"),
        Recipe(
            "uboot-raspberrypi",
            ("u-boot-rpi",),
            repository="alarm",
            description="U-Boot for Raspberry Pi",
            keep=("usr/lib/u-boot/rpi_arm64/u-boot.bin",),
            move=(("usr/lib/u-boot/rpi_arm64/u-boot.bin", "boot/kernel8.img"),),
            conflicts=("linux-rpi",),
            backup=("boot/config.txt",),
        ),
    ]


def _rpi_recipes(option: str) -> list[Recipe]:
    return [
        Recipe(
            "linux-rpi",
            maker="rpi-kernel",
            option=option,
            depends=(*_ALARM_KERNEL_NEEDS, "firmware-raspberrypi", "raspberrypi-bootloader"),
            conflicts=("linux", "uboot-raspberrypi"),
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
        Recipe(
            "firmware-raspberrypi",
            ("firmware-brcm80211",),
            repository="alarm",
            description="Firmware for the wireless chips of Raspberry Pi",
            keep=("usr/lib/firmware",),
        ),
    ]


def _alarm_kernel(name: str, option: str) -> Recipe:
    return Recipe(
        name,
        maker="alarm-kernel",
        option=option,
        depends=_ALARM_KERNEL_NEEDS,
        conflicts=("linux",),
        provides=("linux",),
    )


def _u_boot(board: str, *, repository: str) -> Recipe:
    """U-Boot for QEMU's machine ``virt``, as a port packages a board's: its image is in /boot."""
    folder = f"usr/lib/u-boot/{board}"
    return Recipe(
        "uboot-qemu",
        ("u-boot-qemu",),
        repository=repository,
        description="U-Boot for QEMU's virt machine",
        keep=(f"{folder}/u-boot.bin",),
        move=((folder, "boot"),),
    )
