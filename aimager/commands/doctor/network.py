"""Whether mirrors answer, and whether they and this machine agree on the time."""

import email.utils
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aimager.errors import DownloadError, HostError
from aimager.shown import without_passwords

if TYPE_CHECKING:
    from aimager.packages.download import Client

_AGREED = 300  # seconds between two clocks that do not matter
_DAY = 86400

SET_THE_CLOCK = "as root: timedatectl set-ntp true, or date --set='YYYY-MM-DD HH:MM'"


def check_mirrors(urls: Sequence[str], client: "Client", dates: list[float]) -> str:
    """Which of ``urls``, of one file at several mirrors, answers; ``dates`` gets its times.

    :raises DownloadError: of the last, when none does
    """
    failed: DownloadError | None = None
    for url in urls:
        try:
            said = client.look(url)
        except DownloadError as error:
            failed = error
            continue
        if parsed := email.utils.parsedate_tz(said):
            dates.append(email.utils.mktime_tz(parsed))
        return f"{without_passwords(url)} answers"
    if failed:
        raise failed
    return "none is asked"


def check_clock(dates: Sequence[float], newest: float, now: float | None = None) -> str:
    """Check that this machine's clock agrees with mirrors' ``dates``, and is not before ``newest``.

    ``newest`` is when the newest package was built. All times are in seconds since 1970.

    :raises HostError: when it is wrong by more than a day, which TLS and gpg take for expired or
        future
    """
    now = time.time() if now is None else now
    told = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    if now + _DAY < newest:
        built = time.strftime("%Y-%m-%d", time.gmtime(newest))
        raise HostError(
            f"the clock says {told}, and a package was built on {built}", hint=SET_THE_CLOCK
        )
    apart = max((abs(date - now) for date in dates), default=0.0)
    if apart > _DAY:
        theirs = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(dates[0]))
        raise HostError(f"the clock says {told}, a mirror {theirs}", hint=SET_THE_CLOCK)
    return told + (f", {apart:.0f} s from a mirror's" if apart > _AGREED else "")
