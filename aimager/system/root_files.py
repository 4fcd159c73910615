"""Files of an image's root, with modes that do not come from the umask."""

from pathlib import Path


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file of the image, and make the folders that it lies in, with mode 0755."""
    for folder in reversed([p for p in path.parents if not p.exists()]):
        folder.mkdir()
        folder.chmod(0o755)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
