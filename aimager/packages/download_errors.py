"""What a download ends in, and what is said of it on the way.

Apart from the downloads themselves, for which libraries are read that take their time.
"""

from collections.abc import Callable

from aimager.errors import DownloadError

PATIENCE = 60.0
"""Seconds that a mirror may ask to wait (Retry-After) before each further attempt."""

Report = Callable[[int], object]
"""Called with how many more bytes have arrived."""


class NotFoundError(DownloadError):
    """The mirror answers, and has no such file."""


class SilentError(DownloadError):
    """The mirror does not answer, or says that it cannot now; others may give the next file."""


class BusyError(SilentError):
    """The mirror asks to come again later (Retry-After)."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did."""
