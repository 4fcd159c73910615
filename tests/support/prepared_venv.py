"""The Python environment of a checkout, made of what is installed here."""

import site
import subprocess
from pathlib import Path


def make_venv(checkout: Path, python: str) -> None:
    """Make what setup.sh then finds done, so that it asks no package index."""
    venv = checkout / ".venv"
    subprocess.run([python, "-m", "venv", venv], check=True)
    (folder,) = venv.glob("lib/python3*/site-packages")
    (folder / "installed.pth").write_text("\n".join([str(checkout), *site.getsitepackages()]))
    doit = venv / "bin/doit"
    doit.write_text(f"#!{venv}/bin/python\nfrom doit.__main__ import main\nmain()\n")
    doit.chmod(0o755)
    with (checkout / "pyproject.toml").open() as project:
        told = subprocess.run(["cksum"], stdin=project, capture_output=True, text=True, check=True)
    (venv / "aimager-setup").write_text(f"{checkout} {told.stdout.strip()} [dev,remote,cluster]\n")
