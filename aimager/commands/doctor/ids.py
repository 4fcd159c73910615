"""Whether this user may have the ids that a root file system needs."""

import os
import shutil
from pathlib import Path

from aimager import process
from aimager.errors import HostError
from aimager.sandbox import id_map
from aimager.sandbox.restrictions import Setting, read_setting


def check_ids(kind: str) -> str:
    """How many ids there are of ``kind``, which is uid or gid.

    :raises HostError: when they are too few, with the line to add
    """
    if os.geteuid() == 0:
        count = sum(extent.count for extent in id_map.own_map(kind))
        return f"root has {count} {kind}s"
    count = sum(count for _, count in id_map.granted(kind))
    return f"/etc/sub{kind} grants {count}"


def check_map_program(kind: str, setting: Setting = read_setting) -> str:
    """Where the set-uid program is that writes this user's map.

    :raises HostError: when it is missing, or would not have its rights
    """
    if os.geteuid() == 0:
        return "root does without"
    name = f"new{kind}map"
    if not shutil.which(name):
        check_path((name,))
    if setting("status:NoNewPrivs") == "1":
        raise HostError(f"{name} has no rights here: no_new_privs is set", hint=id_map.NO_NEW)
    found = id_map.find_map_program(name)
    if os.statvfs(found).f_flag & os.ST_NOSUID:
        raise HostError(
            f"{found} has no rights: its file system is mounted nosuid",
            hint=f"as root: mount -o remount,suid {_mount_point(Path(found))}",
        )
    return found


def check_path(programs: tuple[str, ...]) -> str:
    """Check that PATH has the folders of ``programs``, as far as they are installed.

    :raises HostError: when one is only where PATH does not look
    """
    for name in programs:
        found = shutil.which(name, path=process.ENVIRONMENT["PATH"])
        if found and not shutil.which(name):
            folder = Path(found).parent
            raise HostError(
                f"{name} is in {folder}, which is not in PATH", hint=f"export PATH=$PATH:{folder}"
            )
    return os.environ.get("PATH", "")


def _mount_point(path: Path) -> Path:
    return next(parent for parent in path.resolve().parents if parent.is_mount())
