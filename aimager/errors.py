"""What can go wrong, in kinds by who must act."""

import errno
import shlex
from collections.abc import Sequence


class AimagerError(Exception):
    """Something the user, the host or a mirror caused; a bug is never one of these.

    ``message`` is one sentence that names what is wrong, ``hint`` one that says what to do.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class ConfigError(AimagerError):
    """The user asked for something that does not exist or does not go together."""


class HostError(AimagerError):
    """The building machine lacks a program, a kernel feature or a permission."""


class DownloadError(AimagerError):
    """A mirror did not give what was asked of it."""


class TrustError(AimagerError):
    """A package, a key or a keyring is not what the pinned keys vouch for."""


class ImageError(AimagerError):
    """The image cannot be made as described, or would be unsafe to ship."""


def explain_system_error(error: OSError) -> HostError | None:
    """What the user can mend of what the kernel refuses: space, permissions; None is a bug."""
    if error.errno not in _MENDABLE:
        return None
    place = error.filename or "a file"
    return HostError(f"{place}: {error.strerror}", hint=_MENDABLE[error.errno])


_MENDABLE = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "the file system cannot hold a file of that size",
    errno.EACCES: "make it readable and writable for you, or use another folder",
    errno.EPERM: "make it readable and writable for you, or use another folder",
    errno.EROFS: "it cannot be written to: use another folder",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file",
}


class CommandError(AimagerError):
    """A program failed: ``argv``, its exit ``status`` and the ``tail`` of its output."""

    def __init__(self, argv: Sequence[str], status: int, tail: str, *, hint: str = "") -> None:
        ended = f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"
        message = f"{shlex.join(argv[:1])} {ended}"
        last_lines = tail.strip()
        if last_lines:
            message += ":\n" + "\n".join(f"    {line}" for line in last_lines.splitlines())
        super().__init__(message, hint=hint)
        self.argv = tuple(argv)
        self.status = status
        self.tail = tail
