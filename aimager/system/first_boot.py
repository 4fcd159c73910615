"""What an image does at its first boot, and what it must not do then.

Its machine-id says ``uninitialized``, so that systemd takes the first boot for one
(machine-id(5)): it makes the id, applies the presets to all units, and runs what we leave here.
"""

from importlib import resources
from pathlib import Path

_CONTENT = resources.files("aimager.system") / "content"

_UNITS = Path("etc/systemd/system")
_PRESETS = Path("etc/systemd/system-preset")
_QUESTIONS = ("systemd-firstboot.service", "systemd-homed-firstboot.service")


def content(name: str) -> str:
    """The text of a file that goes to every image."""
    return (_CONTENT / name).read_text()


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file of the image, with folders whose modes do not come from the umask."""
    for folder in reversed([p for p in path.parents if not p.exists()]):
        folder.mkdir()
        folder.chmod(0o755)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


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
    write_file(root / _PRESETS / "50-image.preset", content("image.preset"))
    if not _disables_by_default(root):
        # Else the first boot would enable every unit there is (systemd.preset(5)).
        write_file(root / _PRESETS / "99-default.preset", "disable *\n")
    for unit in _QUESTIONS:
        link = root / _UNITS / unit
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    if (root / "usr/bin/pacman-key").exists():
        _install_unit(root, "pacman-keyring.service", "multi-user.target")
    if grow:
        write_file(root / "usr/local/lib/grow-root", content("grow-root"), 0o755)
        _install_unit(root, "grow-root.service", "sysinit.target")


def _install_unit(root: Path, unit: str, target: str) -> None:
    write_file(root / _UNITS / unit, content(unit))
    enable(root, unit, target)


def _disables_by_default(root: Path) -> bool:
    folders = (root / "usr/lib/systemd/system-preset", root / _PRESETS)
    texts = (path.read_text() for folder in folders for path in folder.glob("*.preset"))
    return any("disable *" in (line.strip() for line in text.splitlines()) for text in texts)
