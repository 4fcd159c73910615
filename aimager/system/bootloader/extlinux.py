"""U-Boot's configuration in the format of EXTLINUX, which names kernels as a menu.

U-Boot looks for it as /extlinux/extlinux.conf, and in the folder /boot, on the partition that is
marked for booting (its doc/develop/distro.rst). All paths are relative to the top of that
partition, which has /boot as a folder where that is not a partition of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import BOOT, copy_tree, write
from aimager.system.kernels import Kernel

CONFIGURATION = "extlinux.conf"

TIMEOUT = 30
"""Tenths of a second that the menu waits."""


def install(
    tree: Tree,
    kernels: Sequence[Kernel],
    *,
    command_line: Callable[[str], str],
    title: str,
    devicetree: str = "",
    folder: str = "",
) -> None:
    """Put the configuration for ``kernels`` into /boot, and device trees where they are missing.

    /boot already holds the kernels' files; ``folder`` is where its partition has it, ``/boot`` in
    that of the root, and empty where it becomes a partition itself. RISC-V's kernels keep
    their device trees beside their modules; U-Boot needs them in /boot. With ``devicetree`` each
    kernel's one of that name is used, else U-Boot chooses.

    :raises ImageError: when there is no kernel, or one has no such device tree
    """
    if not kernels:
        raise ImageError(
            "there is no kernel for U-Boot to start",
            hint="add one, such as linux, to the packages",
        )
    kernels = [_with_devicetrees(tree, kernel) for kernel in kernels]
    if devicetree:
        for kernel in kernels:
            if kernel.devicetrees is None:
                raise ImageError(
                    f"the kernel {kernel.name} has no device trees in /boot",
                    hint="its package should bring them: choose another kernel with"
                    " install-pkgs=, or another board=",
                )
    text = configuration(
        kernels, command_line=command_line, title=title, devicetree=devicetree, folder=folder
    )
    write(tree, f"extlinux/{CONFIGURATION}", text)


def _with_devicetrees(tree: Tree, kernel: Kernel) -> Kernel:
    own = f"usr/lib/modules/{kernel.version}/dtb"
    if kernel.devicetrees is not None or not tree.is_dir(own):
        return kernel
    folder = Path("dtbs", kernel.name)
    tree.remove(f"{BOOT}/{folder}")
    copy_tree(tree, own, str(folder))
    return replace(kernel, devicetrees=folder)


def configuration(
    kernels: Sequence[Kernel],
    *,
    command_line: Callable[[str], str],
    title: str,
    devicetree: str = "",
    folder: str = "",
) -> str:
    """The text of extlinux.conf; the first kernel is the default."""
    lines = [f"DEFAULT {kernels[0].name}", f"TIMEOUT {TIMEOUT}", f"MENU TITLE {title}"]
    for kernel in kernels:
        lines += [
            "",
            f"LABEL {kernel.name}",
            f"    MENU LABEL {title} ({kernel.name} {kernel.version})",
            f"    LINUX {folder}/{kernel.image}",
            f"    INITRD {folder}/{kernel.initramfs}",
            *_devicetree_lines(kernel, devicetree, folder),
            f"    APPEND {command_line(kernel.name)}",
        ]
    return "\n".join(lines) + "\n"


def _devicetree_lines(kernel: Kernel, devicetree: str, folder: str) -> list[str]:
    if devicetree:
        return [f"    FDT {folder}/{kernel.devicetrees}/{devicetree}"]
    return [f"    FDTDIR {folder}/{kernel.devicetrees}"] if kernel.devicetrees else []
