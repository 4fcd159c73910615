"""Trees as archives that have the same bytes wherever they are packed, and packages' files."""

import io
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from aimager import files, limits, tar_stream
from aimager.compression import OTHER_MIRROR, opened, recognized, zstd_argv
from aimager.digests import Sums, summed_meanwhile
from aimager.errors import ASK_PACKAGER, CommandError, ConfigError, ImageError, not_unpacked
from aimager.toolbox import Heed, Toolbox

LEVEL = 1
"""zstd's default compression level: the cache is written and read on one machine, and a higher one
costs more time than the few bytes that it saves are worth."""
_CHUNK = 1 << 20
_MAX_LINKS = 40  # as path_resolution(7)

XATTRS = ("--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*", "--acls")
"""Only what belongs to the files: a host adds security.selinux, overlayfs trusted.overlay.*."""


def pack_tree(
    tools: Toolbox,
    root: Path,
    target: Path,
    *,
    epoch: int,
    exclude: tuple[str, ...] = (),
    level: int = LEVEL,
    mode: int = files.FILE,
    sums: Sums | None = None,
) -> None:
    """Publish ``target``, a ``.tar`` or ``.tar.zst`` of all below ``root``, by GNU tar.

    It keeps owners as numbers, modes, hard links, capabilities, ``user.*`` attributes and access
    control lists. Sockets are left out, and so is what one of the patterns of ``exclude``
    matches: shell wildcards that match no slash, relative to ``root``, so ``tmp/*`` leaves an
    empty tmp. Times after ``epoch`` (seconds since 1970) become it. ``sums`` computes its checksum
    meanwhile.

    :raises CommandError: when tar or zstd fails; tar also does when a file changes under it
    :raises ConfigError: when the name of ``target`` tells no known compression
    """
    if not target.name.endswith((".tar", ".tar.zst")):
        raise ConfigError(
            f"{target.name} does not end as an archive that can be made",
            hint="use a name that ends in .tar or .tar.zst",
        )
    argv = _create_argv(root, epoch, exclude)
    with (
        files.publish(target, mode=mode) as temporary,
        temporary.open("wb") as stream,
        summed_meanwhile(sums, temporary, target) if sums else nullcontext(),
    ):
        if target.suffix == ".zst":
            with tools.pipe_out(argv) as tree:
                tools.pipe_through(zstd_argv(tools, level), tree, stream)
        else:
            tools.pipe_through(argv, None, stream)


def tar_size(root: Path) -> int:
    """About how many bytes an archive of ``root`` has: a header each, and blocks of content."""
    return files.tree_size(root, block=512, each=512)


def _create_argv(root: Path, epoch: int, exclude: tuple[str, ...]) -> list[str]:
    return [
        "tar",
        "--create",
        "--file=-",
        f"--directory={root}",
        "--sort=name",
        "--format=posix",
        # Else the names of the extended headers hold tar's process id.
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
        f"--mtime=@{epoch}",
        "--clamp-mtime",
        "--numeric-owner",
        *XATTRS,
        "--anchored",
        "--wildcards",
        "--no-wildcards-match-slash",
        *(f"--exclude=./{pattern}" for pattern in exclude),
        ".",
    ]


def unpack_tree(tools: Toolbox, archive: Path, root: Path, *, heed: Heed | None = None) -> None:
    """Unpack ``archive`` (.tar, or that in zst, xz or gz) to ``root``, made if missing.

    Restores all that `pack_tree` keeps, the mode and time of ``root`` itself included. Device
    nodes make it fail: the kernel refuses them to a user namespace, so no tree has any. ``heed`` is
    given what tar complains of and goes on after.

    :raises CommandError: when tar fails
    :raises ImageError: when the archive's compression is damaged
    """
    root.mkdir(parents=True, exist_ok=True)
    argv = [
        "tar",
        "--extract",
        "--file=-",
        f"--directory={root}",
        "--preserve-permissions",
        "--same-owner",
        "--numeric-owner",
        *XATTRS,
        "--warning=no-timestamp",  # the clock may be behind the archive's times
    ]
    if archive.suffix in (".gz", ".xz"):
        with opened(archive) as stream, tools.pipe_in(argv, heed=heed) as tree:
            shutil.copyfileobj(stream, tree, _CHUNK)
        return
    try:
        with archive.open("rb") as packed, Path(os.devnull).open("wb") as nowhere:
            if archive.suffix != ".zst":
                tools.pipe_through(argv, packed, nowhere, heed=heed)
                return
            with tools.pipe_out(["zstd", "-dcq"], packed) as tree:
                tools.pipe_through(argv, tree, nowhere, heed=heed)
    except CommandError:
        with opened(archive) as stream:  # which says so where damage is the reason
            while stream.read(_CHUNK):
                pass
        raise


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


def pack_members(members: Iterable[tuple[str, bytes]], *, epoch: int = 0) -> bytes:
    """A ``.tar`` of files by name, root's and of the time ``epoch``, in the order given.

    Made here and not by tar, whose versions differ in what they write.
    """
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), epoch
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def unpack_packages(packages: Sequence[Path], root: Path, *, without: tuple[str, ...] = ()) -> None:
    """Lay the files of ``packages`` over one another in ``root``, made if missing.

    What lies below the folders ``without``, which end with a slash, is left out.

    No scriptlet is run and no metadata (``.PKGINFO`` and all other dot-files of the top) is
    written. All belongs to the caller, nothing is set-user-ID and no attribute is set: enough to
    run programs out of it. Symbolic links of directories, such as usr/sbin -> bin, are followed
    as after chroot(2) into ``root``, so that nothing escapes it.

    :raises HostError: when there is no room for them
    :raises ImageError: when a package is damaged or does not fit those before it
    """
    root.mkdir(parents=True, exist_ok=True)
    layers = _Layers(root)
    for package in packages:
        with _members(package) as (archive, members):
            for member in members:
                name = _inside(package, member.name)
                if not name or name.startswith((".", *without)):
                    continue
                try:
                    layers.add(package, archive, member, name)
                except OSError as error:
                    raise not_unpacked(f"{name} of {package.name}", error) from error


class _Layers:
    """A root that packages' files are unpacked to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders: dict[tuple[str, ...], Path] = {}

    def add(
        self, package: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, name: str
    ) -> None:
        """Make one file; one of its name is replaced, and never written through."""
        *folder, last = name.split("/")
        if member.isdir():
            path = self.folder((*folder, last))
            path.chmod(member.mode & 0o777 | 0o700)
            return
        path = self.folder(tuple(folder)) / last
        link = self._link_target(package, member) if member.islnk() else None
        if link == path:
            return
        if path.is_symlink() or member.issym():
            self.folders.clear()  # a path may lead elsewhere now
        path.unlink(missing_ok=True)
        if link:
            os.link(link, path, follow_symlinks=False)
        elif member.issym():
            path.symlink_to(member.linkname)
        elif member.isreg():
            content = archive.extractfile(member)
            assert content, "a regular file has content"
            with path.open("xb") as stream:
                shutil.copyfileobj(content, stream, _CHUNK)
            path.chmod(member.mode & 0o777)
            os.utime(path, (member.mtime, member.mtime))
        else:
            told = f"{package.name} holds a file that no package has: {name}"
            raise ImageError(told, hint=ASK_PACKAGER)

    def _link_target(self, package: Path, member: tarfile.TarInfo) -> Path:
        *folder, last = _inside(package, member.linkname).split("/")
        return self.folder(tuple(folder)) / last

    def folder(self, parts: tuple[str, ...]) -> Path:
        """The directory ``parts`` of the root, links resolved within it; made if missing."""
        known = self.folders.get(parts)
        if known is None:
            known = self.folders[parts] = self._resolve(parts)
        return known

    def _resolve(self, parts: tuple[str, ...]) -> Path:
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
                    path = below
        return path
