"""Archives of programs to borrow, which Python packs and unpacks without any program."""

import os
import tarfile
from pathlib import Path

from aimager.errors import ImageError, not_unpacked
from aimager.files import publish
from aimager.package_files import unpack_packages

_OTHER = (
    "doit forget make-rootfs-archive has the borrowed programs made again; keyring-helper= names an"
    " archive of your own"
)


def pack_programs(root: Path, target: Path, *, epoch: int) -> None:
    """Publish ``target``, a ``.tar`` of what `unpack_packages` laid in ``root``.

    All belongs to root, and times after ``epoch``, in seconds since 1970, become it.
    """

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = min(int(member.mtime), epoch)
        return member

    with (
        publish(target) as temporary,
        tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive,
    ):
        # In sorted order, as add() lists a folder.
        archive.add(root, ".", filter=plain)


def unpack_programs(archive: Path, root: Path) -> None:
    """Unpack an archive of programs (.tar, or that in zst, xz or gz) to ``root``.

    All belongs to the caller and nothing is set-user-ID, as `unpack_packages` has it.

    :raises HostError: when there is no room for it
    :raises ImageError: when it is damaged, or leads outside the root
    """
    if archive.suffix != ".tar":
        unpack_packages([archive], root)
        return
    root.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as members:
            inside = _Inside(archive, root)
            for member in members:
                _unpack(member, stream.fileno(), inside)
    except (tarfile.TarError, OSError) as error:
        raise not_unpacked(str(archive), error) from error


class _Inside:
    """Where the names in an archive lie below a root, which no link leads out of."""

    def __init__(self, archive: Path, root: Path) -> None:
        self.archive = archive
        self.root = root.resolve()
        self.known: dict[str, Path] = {}

    def path(self, name: str) -> Path:
        """The path of a name, whose folder is made if it is missing."""
        folder, _, last = os.path.normpath(name).rpartition("/")
        if folder not in self.known:
            found = (self.root / folder.lstrip("/")).resolve()
            if not found.is_relative_to(self.root):
                last = ".."
            else:
                found.mkdir(parents=True, exist_ok=True)
            self.known[folder] = found
        if last == "..":
            raise ImageError(f"{self.archive} holds a file outside the root: {name}", hint=_OTHER)
        return self.known[folder] / last


def _unpack(member: tarfile.TarInfo, archive: int, inside: _Inside) -> None:
    """Make one file, its content being copied by the kernel."""
    path = inside.path(member.name)
    if member.isdir():
        path.mkdir(exist_ok=True)
        path.chmod(member.mode & 0o777 | 0o700)
        return
    path.unlink(missing_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)
    elif member.islnk():
        os.link(inside.path(member.linkname), path, follow_symlinks=False)
    elif member.isreg():
        with path.open("xb", buffering=0) as target:
            _copy(archive, member.offset_data, member.size, target.fileno())
        path.chmod(member.mode & 0o777)
    else:
        raise ImageError(
            f"{inside.archive} holds a file that no package has: {member.name}", hint=_OTHER
        )


def _copy(source: int, start: int, size: int, target: int) -> None:
    end = start + size
    while start < end:
        copied = os.sendfile(target, source, start, end - start)
        if not copied:
            raise tarfile.ReadError("it is cut off")
        start += copied
