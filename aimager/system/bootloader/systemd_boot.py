"""systemd-boot on the removable-media path of an EFI system partition.

Entries follow the Boot Loader Specification, type #1, without machine-id: there is none yet in an
image. No random seed is made: one that is the same on all machines is worse than none.
"""

from collections.abc import Callable, Sequence

from aimager.errors import ImageError
from aimager.model.architecture import Architecture
from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import copy, write
from aimager.system.bootloader.efi_kernels import make_startable
from aimager.system.kernels import Kernel

TIMEOUT = 3
"""Seconds that the menu is shown."""


def install(
    tree: Tree,
    architecture: Architecture,
    kernels: Sequence[Kernel],
    *,
    command_line: Callable[[str], str],
    title: str,
) -> None:
    """Put systemd-boot of ``tree`` and an entry for each of ``kernels`` into its /boot.

    That becomes the EFI system partition and already holds the kernels' files; ``command_line``
    gives the one for a kernel's name; the first kernel is the default.

    :raises ImageError: when there is no kernel, or one that is not an EFI program, or ``tree``
        holds no systemd-boot
    """
    if not kernels:
        raise ImageError(
            "there is no kernel for systemd-boot to start",
            hint="add one, such as linux, to the packages",
        )
    program = f"usr/lib/systemd/boot/efi/systemd-boot{architecture.efi}.efi"
    if not tree.is_file(program):
        raise ImageError(
            f"the boot loader /{program} is missing",
            hint="the package systemd should have brought it: is it of the right architecture?",
        )
    make_startable(tree, kernels)
    # The second is what ``bootctl update`` looks for in the running system.
    for target in (removable(architecture), f"EFI/systemd/systemd-boot{architecture.efi}.efi"):
        copy(tree, program, target)
    write(tree, "loader/loader.conf", loader_text(kernels[0]))
    write(tree, "loader/entries.srel", "type1\n")
    for kernel in kernels:
        text = entry_text(kernel, title=title, command_line=command_line(kernel.name))
        write(tree, f"loader/entries/{kernel.name}.conf", text)


def removable(architecture: Architecture) -> str:
    """Where firmware looks for a boot loader on a disk that it does not know (UEFI 3.5.1.1)."""
    return f"EFI/BOOT/BOOT{architecture.efi.upper()}.EFI"


def loader_text(default: Kernel) -> str:
    """The text of loader.conf(5)."""
    return f"default {default.name}.conf\ntimeout {TIMEOUT}\nconsole-mode keep\n"


def entry_text(kernel: Kernel, *, title: str, command_line: str) -> str:
    """The text of a kernel's entry; microcode comes before the initramfs, as the kernel wants.

    The sort key keeps the menu in the order of the names: without it, the newest version leads.
    """
    lines = [
        f"title {title}",
        f"sort-key {kernel.name}",
        f"version {kernel.version}",
        f"linux /{kernel.image}",
        *(f"initrd /{image}" for image in (*kernel.microcode, kernel.initramfs)),
        f"options {command_line}",
    ]
    return "\n".join(lines) + "\n"
