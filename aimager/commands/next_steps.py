"""What can be done with the products of a build."""

import shlex

from aimager.commands.boot.qemu import check
from aimager.errors import HostError
from aimager.graph import artifacts
from aimager.model.build import Build
from aimager.model.partition import Role
from aimager.model.product import Product

_COMMANDS = {
    Product.oci: "for podman: podman load -i {file} && podman run --rm -it {build.image_name}",
    Product.wsl: "on Windows: wsl --install --from-file root.wsl, or open the file {file}",
    Product.nspawn: "for systemd-nspawn: machinectl import-tar {file} {build.platform.distro.id}",
    Product.qcow2: "for libvirt: virt-install --import --boot uefi --osinfo archlinux --memory 2048"
    " --disk {file}",
}


def next_steps(build: Build, boot_words: str) -> list[str]:
    """The commands for each product; ``boot_words`` are those by which ``doit boot`` finds it."""
    lines = _disk_steps(build, boot_words) if Product.disk in build.products else []
    for product in build.products:
        if product in _COMMANDS:
            file = shlex.quote(str(artifacts.product(build, product)))
            lines.append(_COMMANDS[product].format(file=file, build=build))
    return lines


def _disk_steps(build: Build, boot_words: str) -> list[str]:
    image = shlex.quote(str(artifacts.product(build, Product.disk)))
    lines = [
        "to write it to a card, whose data is lost; doit flash lists those that are there:",
        f"   doit flash {boot_words} device=/dev/YOUR-CARD",
    ]
    lines += _growth(build, image)
    if not _boots_here(build):
        return lines
    return [*lines, f"to boot it in QEMU: doit boot {boot_words}"]


def _growth(build: Build, image: str) -> list[str]:
    """What becomes of the disk's room at the first boot."""
    table = build.board.partition_table
    assert table, "there is an image of a disk"
    root, growing = table.with_role(Role.root), table.growing
    if growing is None:
        last = table.partitions[-1]
        why = f"the last, for {last.role}, cannot"
        if last.role is Role.raw:
            why = "the last is left empty"
        if last.file_system.read_only:
            why = f"{last.file_system} never changes"
        return [f"no partition grows at the first boot: {why}"]
    if growing.role is not Role.root:
        return [
            f"at the first boot {growing.role} grows to the end of the disk, and the root does not"
        ]
    if build.root_size or (root and root.size):
        return []
    return [
        "the root is hardly larger than what it holds, and grows to its disk at the first boot;",
        f"   for a virtual machine: qemu-img resize -f raw {image} 16G, or build with"
        " root-size=16G",
    ]


def _boots_here(build: Build) -> bool:
    """Whether this host has a machine of QEMU's and a firmware for it."""
    if not build.board.firmware:
        return False
    try:
        check(build.platform.architecture, build.board.firmware[0])
    except HostError:
        return False
    return True
