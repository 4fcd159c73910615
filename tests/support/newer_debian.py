"""Programs of a newer Debian than the host, unpacked and run where they lie."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.stand_in.apt import open_archive


def unpack(suite: str, packages: Sequence[str], folder: Path) -> Path:
    """A root with these packages and all that they need, below ``folder``, which keeps it.

    :raises AimagerError: when they cannot be fetched, or would not run here
    """
    if host_architecture() is not Architecture.x86_64:
        raise HostError("they are fetched for x86_64 only")
    root = folder / f"{suite}-{packages[0]}"
    if not (root / "done").exists():
        archive = open_archive("amd64", [suite], folder / f"apt-{suite}")
        for deb in archive.download(packages).values():
            subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
        (root / "done").touch()
    return root


def make_runner(root: Path, program: str, *words: str | Path) -> Path:
    """A script that runs a program of ``root``, ``words`` first, with its loader and libraries."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    (path,) = root.glob(f"usr/*bin/{program}")
    loader = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries]
    script = root / "run" / program
    script.parent.mkdir(exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, [*loader, path, *words]))} "$@"\n')
    script.chmod(0o755)
    return script
