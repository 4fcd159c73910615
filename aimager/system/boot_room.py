"""Updates on the device that its boot partition has no room for are refused before they begin."""

from aimager.resources import read_data
from aimager.sandbox.tree import Tree

HOOK = "etc/pacman.d/hooks/05-boot-room.hook"
"""It comes before all that packages bring, none of which is needed when it refuses."""

SCRIPT = "usr/local/lib/boot-room"


def watch_boot_room(tree: Tree) -> None:
    """Have pacman look, before it installs a kernel, whether /boot can hold it.

    Its own CheckSpace counts the files of packages alone (pacman.conf(5)); kernels that
    hooks copy and initramfs images are none.
    """
    tree.write(SCRIPT, read_data("aimager.system", "content/boot-room"), 0o755)
    tree.write(HOOK, read_data("aimager.system", "content/boot-room.hook"), 0o644)
