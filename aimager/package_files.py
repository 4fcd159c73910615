"""Packages' files: some of what is in one read, or those of several laid over one another."""

import errno
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from aimager import limits, tar_stream
from aimager.compression import OTHER_MIRROR, opened, recognized
from aimager.errors import ASK_PACKAGER, ImageError, not_unpacked

T = TypeVar("T")

_CHUNK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_MAX_LINKS = 40  # as path_resolution(7)


@contextmanager
def _members(package: Path) -> Iterator[tuple[tarfile.TarFile, Iterator[tarfile.TarInfo]]]:
    try:
        with opened(package) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            yield archive, iter(archive)
            while stream.read(_CHUNK):
                pass  # tarfile stops at the archive's end, before the compression's checksum
    except tarfile.TarError as error:
        raise ImageError(
            f"{package.name} is damaged: {error}", hint=f"remove {package} and build again"
        ) from error


def _inside(package: Path, name: str) -> str:
    """The path ``name`` relative to a root; empty is the root itself."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
        raise ImageError(f"{package.name} holds a file outside the root: {name}", hint=ASK_PACKAGER)
    return "/".join(parts)


def read_members(
    package: Path,
    wanted: Callable[[str], bool],
    *,
    limit: int = limits.KEYRING,
    unpacked: int = limits.KEYRING_UNPACKED,
    by_content: bool = False,
) -> dict[str, bytes]:
    """The regular files of ``package`` whose names ``wanted`` accepts, in the package's order.

    Nothing is written, so that it may be read before it is trusted: files have at most ``limit``
    bytes, of ``unpacked`` that are looked through. Names are as pacman lists them, without ``./``.
    Links are not regular files. ``by_content`` is to go by its first bytes, not by its name.

    :raises ImageError: when the package is damaged, or holds more
    """
    found: dict[str, bytes] = {}

    def most(name: str) -> int:
        left = limit - sum(map(len, found.values()))
        return max(left, 1) if wanted(_inside(package, name)) else 0

    try:
        with (recognized if by_content else opened)(package, limit=unpacked) as stream:
            for name, content in tar_stream.read_files(stream, most):
                found[_inside(package, name)] = content
            while stream.read(_CHUNK):
                pass  # for the compression's checksum comes last
    except ValueError as error:
        raise ImageError(f"{package.name} is damaged: {error}", hint=OTHER_MIRROR) from error
    return found


def unpack_packages(packages: Sequence[Path], root: Path, *, without: tuple[str, ...] = ()) -> None:
    """Lay the files of ``packages`` over one another in ``root``, made if missing.

    What ``without`` names is left out, and so are hard links to it: files or folders, or what lies
    below a folder that ends with a slash; ``*`` is any part of one name.

    No scriptlet is run and no metadata (``.PKGINFO`` and all other dot-files of the top) is
    written. All belongs to the caller, nothing is set-user-ID and no attribute is set: enough to
    run programs out of it. Symbolic links of directories, such as usr/sbin -> bin, are followed
    as after chroot(2) into ``root``, so that nothing escapes it.

    :raises HostError: when there is no room for them
    :raises ImageError: when a package is damaged or does not fit those before it
    """
    root.mkdir(parents=True, exist_ok=True)
    layers = _Layers(root)
    left_out = _named(without)
    for package in packages:
        with _members(package) as (archive, members):
            for member in members:
                name = _inside(package, member.name)
                if not name or left_out.match(name):
                    continue
                if member.islnk() and left_out.match(_inside(package, member.linkname)):
                    continue  # as glibc's usr/lib/getconf has links to usr/bin/getconf
                try:
                    layers.add(package, archive, member, name)
                except OSError as error:
                    raise not_unpacked(f"{name} of {package.name}", error) from error


def _named(without: Sequence[str]) -> re.Pattern[str]:
    """What the names of those that are left out begin with: they, and dot-files of the top."""
    paths = (re.escape(path).replace(r"\*", "[^/]*") for path in without)
    ends = (path if path.endswith("/") else f"{path}(?:/|$)" for path in paths)
    return re.compile("|".join((r"\.", *ends)))


class _Layers:
    """A root that packages' files are unpacked to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders: dict[str, str] = {}

    def add(
        self, package: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str
    ) -> None:
        """Make one file; one of its name is replaced, and never written through."""
        folder, _, last = name.rpartition("/")
        if member.isdir():
            os.chmod(self.folder(name), member.mode & 0o777 | 0o700)  # noqa: PTH101
            return
        path = f"{self.folder(folder)}/{last}"
        if member.islnk():
            to, _, last = _inside(package, member.linkname).rpartition("/")
            linked = f"{self.folder(to)}/{last}"
            if linked == path:
                return
            self._make(path, lambda: os.link(linked, path, follow_symlinks=False))
        elif member.issym():
            self._make(path, lambda: os.symlink(member.linkname, path))  # noqa: PTH211
        elif member.isreg():
            content = archive.extractfile(member)
            assert content, "a regular file has content"
            with os.fdopen(self._make(path, lambda: os.open(path, _NEW)), "wb") as stream:
                shutil.copyfileobj(content, stream, _CHUNK)
                stream.flush()  # which would change its time later
                os.fchmod(stream.fileno(), member.mode & 0o777)
                os.utime(stream.fileno(), (member.mtime, member.mtime))
        else:
            told = f"{package.name} holds a file that no package has: {name}"
            raise ImageError(told, hint=ASK_PACKAGER)

    def _make(self, path: str, make: Callable[[], T]) -> T:
        """Make what has the name ``path`` from now on, be there another of it or not."""
        try:
            return make()
        except FileExistsError:
            self.folders.clear()  # a path may lead elsewhere now
            os.unlink(path)  # noqa: PTH108
            return make()

    def folder(self, name: str) -> str:
        """The directory ``name`` of the root, links resolved within it; made if missing."""
        known = self.folders.get(name)
        if known is None:
            known = self.folders[name] = str(self._resolve(name.split("/")))
        return known

    def _resolve(self, parts: Sequence[str]) -> Path:
        path = self.root
        left = list(reversed(parts))
        links = 0
        while left:
            part = left.pop()
            if part == "..":
                path = path.parent if path != self.root else path
            elif part not in ("", "."):
                below = path / part
                if below.is_symlink():
                    links += 1
                    if links > _MAX_LINKS:
                        raise ImageError("/".join(parts) + " is a loop of links", hint=ASK_PACKAGER)
                    target = below.readlink()
                    path = self.root if target.is_absolute() else path
                    left.extend(reversed([part for part in target.parts if part != "/"]))
                else:
                    if not below.exists():
                        below.mkdir()
                        below.chmod(0o755)  # whatever the umask
                    elif not below.is_dir():
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                    path = below
        return path
