"""Where a path of a Debian package lies in Arch's file system layout.

Arch has one directory for programs and one for libraries; bin, sbin, lib, lib64, usr/sbin and
usr/lib64 are links that its ``filesystem`` package owns.
"""

import posixpath

_MOVED = (
    ("usr/sbin", "usr/bin"),
    ("usr/lib64", "usr/lib"),
    ("bin", "usr/bin"),
    ("sbin", "usr/bin"),
    ("lib64", "usr/lib"),
    ("lib", "usr/lib"),
)


def relocate_path(path: str) -> str | None:
    """The path's new place, or None for the directories that are links on Arch."""
    path = posixpath.normpath(path.lstrip("/"))
    for old, new in _MOVED:
        if path == old:
            return None
        if path.startswith(old + "/"):
            return new + path[len(old) :]
    return None if path == "." else path


def relocate_target(path: str, target: str) -> str | None:
    """What the symbolic link that was at ``path`` has to say, or None if it would name itself."""
    place = relocate_path(path)
    if place is None:
        return None
    old = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), target)).lstrip("/")
    new = relocate_path(old) or _directory_target(old)
    if new == place:
        return None
    if target.startswith("/"):
        return "/" + new if new else "/"
    if new == old and place == posixpath.normpath(path):
        return target
    return posixpath.relpath("/" + new, "/" + posixpath.dirname(place))


def _directory_target(path: str) -> str:
    return dict(_MOVED).get(path, path)
