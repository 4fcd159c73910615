"""What can go wrong, in kinds by who must act."""

import errno
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from aimager.shown import shown, shown_lines, without_passwords


class AimagerError(Exception):
    """Something that the user, the host or a mirror caused, not a bug.

    ``message`` is one sentence that names what is wrong, ``hint`` one that says what to do. No kind
    has a hint of its own: it would be shown for causes that it does not fit. Passwords in addresses
    are not shown, and what a terminal would obey is escaped, whatever is quoted (`aimager.shown`):
    here, so that no message can forget it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        message = shown_lines(without_passwords(message))
        super().__init__(message)
        self.message = message
        # Ours, and of several lines where they are to be typed.
        self.hint = "\n".join(map(shown, without_passwords(hint).split("\n")))

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ConfigError(AimagerError):
    """The user asked for something that does not exist or does not go together."""


class HostError(AimagerError):
    """The building machine lacks a program, a kernel feature or a permission."""


class SuppliedError(AimagerError):
    """What a mirror gave, or did not give.

    ``repository`` is the one that it is of, where that is known: another mirror of it is not named
    by the same variable for all (`aimager.packages.mirrors.naming_mirror`).
    """

    def __init__(self, message: str, *, hint: str = "", repository: str = "") -> None:
        super().__init__(message, hint=hint)
        self.repository = repository


class DownloadError(SuppliedError):
    """A mirror did not give what was asked of it."""


class TrustError(SuppliedError):
    """A package, a key or a keyring is not what the pinned keys vouch for.

    ``refused`` are files of the store, relative to it, that are to be fetched again, with the
    SHA-256 of what was refused.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        repository: str = "",
        refused: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, repository=repository)
        self.refused = dict(refused or {})


class KeyTroubleError(TrustError):
    """A key is not trusted, or no longer valid; a newer keyring may say otherwise."""


class ImageError(AimagerError):
    """The image cannot be made as described, or would be unsafe to ship."""


MAKE_ROOM = (
    "make room on the disk; or, where trees are held in memory, tmpfs-root=no holds them on the"
    " disk"
)
"""The hint where a disk, or a tmpfs, is full."""

OUT_OF_MEMORY = (
    "the machine has probably run out of memory: end other programs; or, where trees are held in"
    " memory, tmpfs-root=no holds them on the disk"
)
"""The hint where the kernel has ended something without being asked by anybody who is known."""

ASK_PACKAGER = "tell its packager; another version of it, or a build without it, may do"
"""The hint where a package is not as packages are, whoever has signed it."""

_FULL = "No space left on device"
"""strerror(ENOSPC), as programs say it in the locale in which they are run."""


@contextmanager
def about(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an OSError of the block that names no file, such as one of writing, name ``path``."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _MENDABLE:
            error.filename = os.fspath(path)
        raise


def explain_system_error(error: OSError) -> HostError | None:
    """The error for what the user can mend: space, permissions; None if it is a bug."""
    if error.errno not in _MENDABLE:
        return None
    place = error.filename or ("this machine" if error.errno in _OF_ALL else "a file")
    return HostError(f"{place}: {error.strerror}", hint=_MENDABLE[error.errno])


def not_unpacked(what: str, error: Exception) -> HostError | ImageError:
    """The error to raise where ``error`` kept something from being unpacked."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return HostError(f"{what} cannot be unpacked: {error.strerror}", hint=MAKE_ROOM)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return ImageError(
        f"{what} cannot be unpacked: {reason}",
        hint="it is damaged, or no archive of its kind: tar --list shows what can be read",
    )


_MENDABLE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "the file system cannot hold a file of that size",
    errno.EACCES: "make it readable and writable for you, or use another folder",
    errno.EPERM: "make it readable and writable for you, or use another folder",
    errno.EROFS: "it cannot be written to: use another folder",
    errno.EMFILE: "allow more open files: ulimit -n 1024",
    errno.ENFILE: "end other programs: they have opened all files that the kernel allows",
    errno.ENOMEM: OUT_OF_MEMORY,
    errno.ENAMETOOLONG: "name it shorter: most file systems take 255 bytes",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file",
}


_OF_ALL = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Of these, no file is the reason."""


class CommandError(AimagerError):
    """A program failed: ``argv``, its exit ``status`` and the ``tail`` of its output."""

    def __init__(self, argv: Sequence[str], status: int, tail: str, *, hint: str = "") -> None:
        ended = f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"
        message = f"{shlex.join(argv[:1])} {ended}"
        last_lines = tail.strip()
        if last_lines:
            message += ":\n" + "\n".join(f"    {line}" for line in last_lines.splitlines())
        if _FULL in tail and not hint:
            hint = MAKE_ROOM
        super().__init__(message, hint=hint)
        self.argv = tuple(argv)
        self.status = status
        self.tail = tail
