"""Whether a whole namespace, as builds make it, can hold a tree on the cache's file system."""

import os
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import HostError
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree

_CAPABILITY = "security.capability"
# VFS_CAP_REVISION_2 with CAP_NET_RAW permitted and effective (linux/capability.h); what is kept is
# of revision 3, with the id that root of the namespace has outside.
_NET_RAW = bytes.fromhex("01000002 00200000 00000000 00000000 00000000")


@dataclass(frozen=True)
class Place:
    """A folder in the namespace."""

    path: Path


def check_whole(work: Path) -> str:
    """Make a namespace, and in it a file of another owner with capabilities, as packages have.

    :raises HostError: when it cannot be made, or the file is not what it should be
    """
    refused = call(keep_owner, Place(work.absolute()), work=work)
    if refused:
        raise HostError(
            f"the file system of {work.parent} does not keep owners and capabilities: {refused}",
            hint="AIMAGER_CACHE=FOLDER names another one, on ext4, btrfs or xfs, say; or"
            " tmpfs-root=yes holds trees in memory",
        )
    return "a file keeps another owner and its capabilities"


def keep_owner(place: Place) -> str:
    """Why a file below ``place`` cannot be another's, with capabilities; empty: it can.

    :raises HostError: when what packages run cannot be jailed
    """
    root, path = place.path.resolve() / "root", place.path.resolve() / "file"
    try:
        root.mkdir()
        _enter_jail(root)
        path.touch()
        os.chown(path, 65534, 65535)
        os.setxattr(path, _CAPABILITY, _NET_RAW)
        status = path.stat()
    except OSError as error:
        return str(error.strerror)
    return "" if (status.st_uid, status.st_gid) == (65534, 65535) else "another owner was kept"


def _enter_jail(root: Path) -> None:
    with chroot(Tree(root)) as image, image.jail().entering() as enter:
        process = os.fork()
        if not process:
            enter()
            os._exit(0)
        os.waitpid(process, 0)
