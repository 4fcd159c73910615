"""A whole build with an XFS root, by the xfsprogs of a newer Debian than the stand-in mirror's."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from aimager.errors import AimagerError
from tests.support import newer_debian, quick_init
from tests.support.runs import Doit

PLACE = "opt/xfsprogs"
RUNNER = f"""\
#!/usr/bin/sh
exec /{PLACE}/ld-linux-x86-64.so.2 --library-path /{PLACE} /{PLACE}/mkfs.xfs "$@"
"""
"""The libraries are a newer Debian's, too."""


def with_newer(programs: Path, debian: Path, target: Path) -> Path:
    """The archive of programs with another mkfs.xfs in it."""
    (made,) = debian.glob("usr/*bin/mkfs.xfs")
    libraries = [p for p in (debian / "usr/lib/x86_64-linux-gnu").iterdir() if ".so" in p.name]
    with tarfile.open(programs) as old, tarfile.open(target, "w") as new:
        for member in old:
            if member.name != "./usr/bin/mkfs.xfs":
                new.addfile(member, old.extractfile(member) if member.isreg() else None)
        runner = tarfile.TarInfo("./usr/bin/mkfs.xfs")
        runner.size, runner.mode = len(RUNNER), 0o755
        new.addfile(runner, io.BytesIO(RUNNER.encode()))
        for path in (made, *(path for path in libraries if path.is_file())):
            new.add(path.resolve(), f"./{PLACE}/{path.name}")
    return target


def test_it_is_whole_and_boots(doit: Doit, test_cache: Path, tmp_path: Path) -> None:
    try:
        debian = newer_debian.unpack("sid", ["xfsprogs"], test_cache / "newer")
    except AimagerError as error:
        pytest.skip(f"there is no newer xfsprogs: {error}")
    words = (*quick_init.words(tmp_path), "root-fs=xfs", "hostname=probe")
    doit.build(*words, "create=keyring-helper.tar")
    folder = doit.out / "archlinux-x86_64-quick"
    programs = with_newer(folder / "keyring-helper.tar", debian, tmp_path / "programs.tar")
    shutil.rmtree(folder)
    doit.build(*words, f"keyring-helper={programs}", "create=disk.img,part-root.img")
    repair = newer_debian.make_runner(debian, "xfs_repair")
    subprocess.run([repair, "-n", "-f", folder / "part-root.img"], check=True)
    told = quick_init.boot(folder / "disk.img", doit.cache / "log/boot-xfs.log")
    assert told[0].split()[:2] == ["/", "xfs"]
    assert told[1:] == ["probe", "it can be written to"]
