"""What firmware and boot loaders find by the names that they look for."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import BOOT


@dataclass(frozen=True)
class BootNames:
    """Finds what lies in /boot of ``tree``; ``on_fat`` is whether case makes no difference."""

    tree: Tree
    on_fat: bool

    def find(self, path: str, prefix: str = "") -> str:
        """The path by which the tree has what is named so; empty: it does not have it.

        ``prefix`` may come before the path's part below /boot, where the path itself leads nowhere.
        """
        below = path.removeprefix(f"{BOOT}/")
        for candidate in (path, *([f"{BOOT}/{prefix}{below}"] if prefix else [])):
            if self.tree.exists(candidate):
                return candidate
            if other := self._find_on_fat(candidate):
                return other
        return ""

    def file(self, path: str) -> str:
        """The same of a regular file."""
        found = self.find(path)
        return found if found and self.tree.is_file(found) else ""

    def files(self, folder: str, suffix: str) -> list[str]:
        """The regular files of a folder whose names end so, sorted."""
        found = self.find(folder)
        names = self.tree.names(found) if found else []
        paths = (f"{found}/{name}" for name in names if self._same(name).endswith(suffix))
        return [path for path in paths if self.tree.is_file(path)]

    def _find_on_fat(self, path: str) -> str:
        if not self.on_fat or not path.startswith(f"{BOOT}/"):
            return ""
        folder = BOOT
        for part in PurePosixPath(path).parts[1:]:
            same = [n for n in self.tree.names(folder) if self._same(n) == self._same(part)]
            if not same:
                return ""
            folder = f"{folder}/{same[0]}"
        return folder

    def _same(self, name: str) -> str:
        return name.lower() if self.on_fat else name
