"""Asking one mirror after another until one gives what is wanted."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from aimager.errors import DownloadError
from aimager.packages.download_errors import PATIENCE, BusyError, NotFoundError, SilentError
from aimager.progress import say
from aimager.shown import without_passwords

if TYPE_CHECKING:
    from aimager.packages.download import Client

T = TypeVar("T")


class NoMirrorError(DownloadError):
    """No mirror gives a file; ``reasons`` are the errors of those that were asked, in order.

    The message is that of the last.
    """

    def __init__(self, reasons: Sequence[DownloadError], *, repository: str = "") -> None:
        last = reasons[-1]
        count = f" ({len(reasons)} mirrors were tried)" if len(reasons) > 1 else ""
        super().__init__(f"{last.message}{count}", hint=last.hint, repository=repository)
        self.reasons = tuple(reasons)

    @property
    def is_certain(self) -> bool:
        """Whether every mirror answers, and has no such file."""
        return all(isinstance(reason, NotFoundError) for reason in self.reasons)

    @property
    def is_missed(self) -> bool:
        """Whether at least one mirror answers that it has no such file."""
        return any(isinstance(reason, NotFoundError) for reason in self.reasons)


class Fallback:
    """For all downloads of one stage, which share what they learn of mirrors that do not answer.

    ``tell`` is given the lines that say which mirror is tried in place of another.
    """

    def __init__(self, tell: Callable[[str], object] = say) -> None:
        self._tell = tell
        self._silent: dict[str, DownloadError] = {}
        self._lock = threading.Lock()

    def ask(
        self,
        client: "Client",
        urls: Sequence[str],
        fetch: Callable[[str], T],
        *,
        archive: str = "",
    ) -> T:
        """What ``fetch`` makes of the first of ``urls`` for which it raises no DownloadError.

        A mirror that did not answer before is not asked while there are others, and ``client``
        waits for one that asks to wait (Retry-After) only when no other gives it. ``archive`` is
        asked where a mirror answers that it has no such file, and none gives it.

        :raises NoMirrorError: when no mirror gives it
        """
        reasons = {url: self._silent[_host(url)] for url in urls if _host(url) in self._silent}
        waiting = [url for url in urls if url not in reasons]
        if not waiting:
            reasons, waiting = {}, list(urls)
        further = archive if archive not in urls else ""
        busy: list[str] = []
        is_patient = False
        while waiting:
            url = waiting.pop(0)
            is_patient = is_patient or not waiting
            client.patience = PATIENCE if is_patient else 0
            try:
                return fetch(url)
            except DownloadError as error:
                reasons.pop(url, None)
                reasons[url] = failed = error
            if isinstance(failed, BusyError) and not is_patient:
                busy.append(url)
            if further and not waiting and NoMirrorError(tuple(reasons.values())).is_missed:
                waiting, further = [further], ""
            if not waiting:
                waiting, busy = busy, []
            self._learn(url, failed, waiting)
        raise NoMirrorError(tuple(reasons.values()))

    def _learn(self, url: str, error: DownloadError, waiting: Sequence[str]) -> None:
        host = _host(url)
        with self._lock:
            is_known = host in self._silent
            if isinstance(error, SilentError):
                self._silent[host] = error
        if waiting and not is_known:
            self._tell(tell_of(url, error, waiting[0]))


def tell_of(url: str, error: DownloadError, other: str) -> str:
    """The line that says why ``other`` is tried in place of the mirror ``url``."""
    reason = error.message.replace(f"{without_passwords(url)}/", "")
    return f"   {_host(url)}: {reason}; trying {_host(other)}"


def _host(url: str) -> str:
    """The mirror's name, without the password that its address may hold."""
    return urlsplit(url).netloc.rpartition("@")[2]
