"""Trees as archives that have the same bytes wherever they are packed."""

import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from aimager import files
from aimager.compression import opened, zstd_argv
from aimager.digests import Sums, summed_meanwhile
from aimager.errors import CommandError, ConfigError
from aimager.toolbox import Heed, Toolbox

LEVEL = 1
"""zstd's default compression level: the cache is written and read on one machine, and a higher one
costs more time than the few bytes that it saves are worth."""
_CHUNK = 1 << 20

_FROM_LIST = ("--no-recursion", "--null", "--verbatim-files-from", "--files-from=-")

XATTRS = ("--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*", "--acls")
"""Only what belongs to the files: a host adds security.selinux, overlayfs trusted.overlay.*."""


GZIP_LEVEL = 6
"""gzip's default: its best takes three times as long, and gains one part in a hundred."""


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
    """Publish ``target``, a ``.tar``, ``.tar.zst`` or ``.wsl`` of all below ``root``, by GNU tar.

    It keeps owners as numbers, modes, hard links, capabilities, ``user.*`` attributes and access
    control lists. Sockets are left out, and so is what one of the patterns of ``exclude``
    matches: shell wildcards that match no slash, relative to ``root``, so ``tmp/*`` leaves an
    empty tmp. Times after ``epoch`` (seconds since 1970) become it. ``sums`` computes its checksum
    meanwhile.

    :raises CommandError: when tar or zstd fails; tar also does when a file changes under it
    :raises ConfigError: when the name of ``target`` tells no known compression
    """
    if not target.name.endswith((".tar", ".tar.zst", ".wsl")):
        raise ConfigError(
            f"{target.name} does not end as an archive that can be made",
            hint="use a name that ends in .tar or .tar.zst",
        )
    excluding = ("--anchored", "--wildcards", "--no-wildcards-match-slash")
    patterns = (f"--exclude=./{pattern}" for pattern in exclude)
    argv = [*_create_argv(epoch), *excluding, *patterns, f"--directory={root}", "."]
    _pack(tools, argv, None, target, level=level, mode=mode, sums=sums)


def pack_paths(
    tools: Toolbox,
    root: Path,
    paths: Iterable[str],
    target: Path,
    *,
    head: Path,
    epoch: int,
    sums: Sums | None = None,
) -> None:
    """The same of single ``paths`` below ``root``, none with what lies in it, in their order.

    Before them comes the file ``head``, by its own name; theirs begin with ``./``.
    """
    argv = [*_create_argv(epoch), f"--directory={head.parent}", head.name, f"--directory={root}"]
    argv += _FROM_LIST
    with _listed(paths) as names:
        _pack(tools, argv, names, target, level=LEVEL, mode=files.FILE, sums=sums)


def _pack(
    tools: Toolbox,
    argv: Sequence[str],
    names: IO[bytes] | None,
    target: Path,
    *,
    level: int,
    mode: int,
    sums: Sums | None,
) -> None:
    with (
        files.publish(target, mode=mode) as temporary,
        temporary.open("wb") as stream,
        summed_meanwhile(sums, temporary, target) if sums else nullcontext(),
    ):
        if compressing := _compressing(tools, target, level):
            with tools.pipe_out(argv, names) as tree:
                tools.pipe_through(compressing, tree, stream)
        else:
            tools.pipe_through(argv, names, stream)


def _compressing(tools: Toolbox, target: Path, level: int) -> list[str]:
    """The program that makes what ``target`` is called; empty: none.

    WSL recommends gzip. That of GNU has its own deflate, which has given the same bytes for long,
    unlike the several zlibs, and with ``-n`` it tells neither a name nor a time.
    """
    if target.suffix == ".wsl":
        return ["gzip", "-n", f"-{GZIP_LEVEL}"]
    return zstd_argv(tools, level) if target.suffix == ".zst" else []


@contextmanager
def tree_stream(tools: Toolbox, root: Path, *, epoch: int) -> Iterator[IO[bytes]]:
    """What `pack_tree` writes to a ``.tar``; what the block leaves of it is passed over.

    :raises CommandError: after the block, when tar failed, also where that cut the archive off
    """
    damage = None
    with tools.pipe_out([*_create_argv(epoch), f"--directory={root}", "."]) as stream:
        try:
            yield stream
        except tarfile.ReadError as error:
            damage = error
        while stream.read(_CHUNK):
            pass
    if damage:
        raise damage


def add_paths(
    tools: Toolbox, root: Path, paths: Iterable[str], stream: IO[bytes], *, epoch: int
) -> None:
    """Write single ``paths`` below ``root`` to ``stream`` and end the archive, as `pack_paths`.

    :raises CommandError: when tar fails
    """
    argv = [*_create_argv(epoch), f"--directory={root}", *_FROM_LIST]
    stream.flush()
    with _listed(paths) as names:
        tools.pipe_through(argv, names, stream)


@contextmanager
def _listed(paths: Iterable[str]) -> Iterator[IO[bytes]]:
    with TemporaryFile() as names:
        names.write(b"".join(os.fsencode(f"./{path}") + b"\0" for path in paths))
        names.seek(0)
        yield names


def tar_size(root: Path) -> int:
    """About how many bytes an archive of ``root`` has: a header each, and blocks of content."""
    return files.tree_size(root, block=512, each=512)


def _create_argv(epoch: int) -> list[str]:
    return [
        "tar",
        "--create",
        "--file=-",
        "--sort=name",
        "--format=posix",
        # Else the names of the extended headers hold tar's process id.
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
        f"--mtime=@{epoch}",
        "--clamp-mtime",
        "--numeric-owner",
        *XATTRS,
    ]


def unpack_tree(
    tools: Toolbox,
    archive: Path,
    root: Path,
    *,
    without: tuple[str, ...] = (),
    heed: Heed | None = None,
) -> None:
    """Unpack ``archive`` (.tar, or that in zst, xz or gz) to ``root``, made if missing.

    Restores all that `pack_tree` keeps, the mode and time of ``root`` itself included. Device
    nodes make it fail: the kernel refuses them to a user namespace, so no tree has any. Members
    that are named in ``without`` are left out. ``heed`` is given what tar complains of and goes on
    after.

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
        "--delay-directory-restore",  # a link to a file may come after its folder's end
        "--warning=no-timestamp",  # the clock may be behind the archive's times
        "--anchored",
        "--no-wildcards",
        *(f"--exclude={name}" for name in without),
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
