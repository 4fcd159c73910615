"""What an image does at its first boot, and what it must not do then.

Its machine-id says ``uninitialized``, so that systemd takes the first boot for one
(machine-id(5)): it makes the id, applies the presets to all units, and runs what we leave here.
"""

from pathlib import Path

from aimager.resources import read_data
from aimager.system.root_files import write_file

_UNITS = Path("etc/systemd/system")
_PRESETS = Path("etc/systemd/system-preset")
_QUESTIONS = ("systemd-firstboot.service", "systemd-homed-firstboot.service")


def enable(root: Path, unit: str, target: str) -> None:
    """Let ``target`` want ``unit``, as ``systemctl enable`` does, without running it."""
    wants = root / _UNITS / f"{target}.wants"
    folder = _UNITS if (root / _UNITS / unit).exists() else Path("usr/lib/systemd/system")
    wants.mkdir(parents=True, exist_ok=True)
    link = wants / unit
    link.unlink(missing_ok=True)
    link.symlink_to(f"/{folder / unit}")


def prepare_first_boot(root: Path, *, grow: bool) -> None:
    """Have the first boot make the pacman keyring and grow the root, and ask nothing.

    ``grow`` is for images that have partitions.
    """
    write_file(root / "etc/machine-id", "uninitialized\n", 0o444)
    preset = read_data("aimager.system", "content/image.preset")
    write_file(root / _PRESETS / "50-image.preset", preset)
    if not _disables_by_default(root):
        # Else the first boot would enable every unit there is (systemd.preset(5)).
        write_file(root / _PRESETS / "99-default.preset", "disable *\n")
    for unit in _QUESTIONS:
        link = root / _UNITS / unit
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    if (root / "usr/bin/pacman-key").exists():
        unit = read_data("aimager.system", "content/pacman-keyring.service")
        _install_unit(root, "pacman-keyring.service", unit, "multi-user.target")
    if grow:
        script = read_data("aimager.system", "content/grow-root")
        write_file(root / "usr/local/lib/grow-root", script, 0o755)
        unit = read_data("aimager.system", "content/grow-root.service")
        _install_unit(root, "grow-root.service", unit, "sysinit.target")


def _install_unit(root: Path, name: str, unit: str, target: str) -> None:
    write_file(root / _UNITS / name, unit)
    enable(root, name, target)


def _disables_by_default(root: Path) -> bool:
    folders = (root / "usr/lib/systemd/system-preset", root / _PRESETS)
    texts = (path.read_text() for folder in folders for path in folder.glob("*.preset"))
    return any("disable *" in (line.strip() for line in text.splitlines()) for text in texts)
