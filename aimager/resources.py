"""The data files that lie in our packages beside the code that reads them.

`aimager.products.derivation` finds in the code of a module which of them it reads, so the package
and the name are written out where they are read; only what stands in braces is known later.
"""

from importlib import resources
from pathlib import Path


def read_data(package: str, name: str) -> str:
    """The text of the file ``name``, a path inside the folder of ``package``."""
    return locate_data(package, name).read_text(encoding="utf-8")


def locate_data(package: str, name: str) -> Path:
    """The path of the file or folder ``name`` in the folder of ``package``.

    :raises FileNotFoundError: when the installation lacks the package's folder
    """
    folder = resources.files(package)
    if not isinstance(folder, Path):
        raise FileNotFoundError(f"{package} is not installed as files")
    return folder / name
