"""What an image does at its first boot, and what it must not do then.

Its machine-id says ``uninitialized``, so that systemd takes the first boot for one
(machine-id(5)): it makes the id, applies the presets to all units, and runs what we leave here.
"""

from aimager.model.partition import Role
from aimager.resources import read_data
from aimager.sandbox.drop_ins import drop_ins
from aimager.sandbox.tree import Tree

_UNITS = "etc/systemd/system"
_PRESETS = "etc/systemd/system-preset"
_QUESTIONS = ("systemd-firstboot.service", "systemd-homed-firstboot.service")


def enable(tree: Tree, unit: str, target: str) -> None:
    """Let ``target`` want ``unit``, as ``systemctl enable`` does, without running it."""
    folder = _UNITS if tree.exists(f"{_UNITS}/{unit}") else "usr/lib/systemd/system"
    tree.symlink(f"{_UNITS}/{target}.wants/{unit}", f"/{folder}/{unit}")


def prepare_first_boot(tree: Tree, *, grow: Role | None) -> None:
    """Have the first boot make the pacman keyring and grow a partition, and ask nothing.

    ``grow`` is what that partition is for; None: none does.
    """
    tree.write("etc/machine-id", "uninitialized\n", 0o444)
    preset = read_data("aimager.system", "content/image.preset")
    tree.write(f"{_PRESETS}/50-image.preset", preset, 0o644)
    if not _disables_by_default(tree):
        # Else the first boot would enable every unit there is (systemd.preset(5)).
        tree.write(f"{_PRESETS}/99-default.preset", "disable *\n", 0o644)
    for unit in _QUESTIONS:
        tree.symlink(f"{_UNITS}/{unit}", "/dev/null")
    if tree.exists("usr/bin/pacman-key"):
        unit = read_data("aimager.system", "content/pacman-keyring.service")
        _install_unit(tree, "pacman-keyring.service", unit, "multi-user.target")
    if grow and grow.mount_point:
        script = read_data("aimager.system", "content/grow-root")
        tree.write("usr/local/lib/grow-root", script, 0o755)
        unit = read_data("aimager.system", "content/grow-root.service")
        unit = unit.replace("@MOUNT_POINT@", grow.mount_point)
        _install_unit(tree, "grow-root.service", unit, "sysinit.target")


def _install_unit(tree: Tree, name: str, unit: str, target: str) -> None:
    tree.write(f"{_UNITS}/{name}", unit, 0o644)
    enable(tree, name, target)


def _disables_by_default(tree: Tree) -> bool:
    paths = drop_ins(tree, ("usr/lib/systemd/system-preset", _PRESETS), "*.preset")
    lines = (line.strip() for path in paths for line in tree.read_text(path).split("\n"))
    return "disable *" in lines
