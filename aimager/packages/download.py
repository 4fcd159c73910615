"""HTTP to a file that is given: conditional, resumable, within limits. It knows of no cache."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import requests
import urllib3

from aimager import files, limits
from aimager.errors import DownloadError, about
from aimager.packages.download_errors import (
    PATIENCE,
    BrokenOffError,
    BusyError,
    NotFoundError,
    Report,
    SilentError,
)
from aimager.packages.http_diagnosis import (
    explain_connection,
    explain_status,
    printable_words,
    reason,
    refuse_authorities,
    refuse_page,
)
from aimager.packages.mirror_connection import PunctualAdapter
from aimager.packages.retry import ATTEMPTS, TRANSIENT, MirrorRetry

_CHUNK = 1 << 18
_LOOK = 512
_TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
_PAUSE = 1.5  # seconds before the second attempt, twice as many before the third
# The last two: a host name that cannot be one.
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError)
_TOLD = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
_LONGEST_TOLD = 1000
"""Characters of what a mirror says of a file, which is said back to it the next time."""


class _EnoughError(Exception):
    """More has come than was asked for."""


class Client:
    """Downloads over connections that are kept open; for use by one thread.

    ``patience`` is how many seconds a busy mirror may ask to wait (Retry-After).
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._adapter = PunctualAdapter()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        self._session.headers["User-Agent"] = "aimager"
        # Packages are compressed; if a mirror did it again, sizes would no longer fit.
        self._session.headers["Accept-Encoding"] = "identity"

    def fetch_into(
        self, url: str, target: Path, *, limit: int, known: Mapping[str, str] | None = None
    ) -> dict[str, str] | None:
        """Write what is at ``url``, at most ``limit`` bytes, to the file ``target``, in its place.

        Returns what the mirror says of it, to be given as ``known`` the next time; None: what it
        said then still holds, and nothing is written.

        :raises DownloadError: when the mirror does not give it, or gives more
        """
        conditions = {name: value for name, value in (known or {}).items() if name in _TOLD}
        with self._get(url, conditions) as response:
            if conditions and response.status_code == requests.codes.not_modified:
                return None
            with about(target), target.open("wb") as stream:
                self._receive(response, stream.write, limit=limit)
        said = {name: response.headers.get(told, "") for name, told in _TOLD.items()}
        return {name: value for name, value in said.items() if 0 < len(value) <= _LONGEST_TOLD}

    def complete(
        self, url: str, part: Path, *, size: int, sha256: str, report: Report = lambda _: None
    ) -> None:
        """Make the file ``part`` that of ``size`` bytes with this hash that is at ``url``.

        What an interrupted download left is resumed, whichever mirror it came from.

        :raises DownloadError: when the mirror does not give it, or gives something else; what
            was reported is then taken back, and of something else nothing is left
        """
        reported = 0

        def count(more: int) -> None:
            nonlocal reported
            reported += more
            report(more)

        try:
            self._fetch_part(url, part, size, sha256, count)
        except DownloadError:
            report(-reported)
            raise

    def fetch_small(self, url: str, *, limit: int) -> bytes:
        """The bytes at ``url``, at most ``limit`` of them.

        :raises DownloadError: when the mirror does not give them, or gives more
        """
        content = bytearray()
        with self._get(url, {}) as response:
            self._receive(response, content.extend, limit=limit)
        return bytes(content)

    def look(self, url: str) -> str:
        """See that ``url`` can be fetched, without fetching it; returns the mirror's time (Date).

        :raises DownloadError: when the mirror does not give it, or something else
        """
        with self._get(url, {}) as response:
            for chunk in response.iter_content(_LOOK):
                refuse_page(response, chunk)
                break
            return response.headers.get("Date", "")

    def _fetch_part(self, url: str, part: Path, size: int, sha256: str, report: Report) -> None:
        """Complete ``part`` and check it; a wrong file is not left to be resumed."""
        if _size(part) > size:
            os.truncate(part, 0)
        kept = _size(part)
        report(kept)
        while True:
            self._complete(url, part, size, report)
            try:
                return _check(url, part, size, sha256)
            except DownloadError:
                report(-_size(part))
                os.truncate(part, 0)
                if not kept:
                    raise
                kept = 0  # The fault may be that of what was there, from another mirror.

    def _complete(self, url: str, part: Path, size: int, report: Report) -> None:
        for attempt in range(ATTEMPTS):
            try:
                if _size(part) < size:
                    self._resume(url, part, _size(part), size, report)
                return
            except BrokenOffError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE * 2**attempt)

    def _resume(self, url: str, part: Path, have: int, size: int, report: Report) -> None:
        response = self._get(url, {"Range": f"bytes={have}-"} if have else {})
        with response:
            resumes = response.status_code == requests.codes.partial_content
            if have and not resumes:
                report(-have)
            with about(part), part.open("ab" if resumes else "wb") as stream:
                stream.seek(0, os.SEEK_END)

                def keep(chunk: bytes) -> None:
                    kept = chunk[: size + 1 - stream.tell()]  # one more shows that it is larger
                    stream.write(kept)
                    report(len(kept))
                    if stream.tell() > size:
                        raise _EnoughError

                with suppress(_EnoughError):
                    self._receive(response, keep)

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        response = self._ask(url, headers)
        if response.status_code == requests.codes.requested_range_not_satisfiable and headers:
            response.close()
            response = self._ask(url, {})
        if response.status_code >= requests.codes.bad_request:
            response.close()
            _refuse(url, response)
        return response

    def _ask(self, url: str, headers: dict[str, str]) -> requests.Response:
        self._adapter.max_retries = MirrorRetry(self.patience, backoff_factor=_PAUSE)
        try:
            return self._session.get(
                quote(url, safe=":/?=&%+~@[]"), headers=headers, stream=True, timeout=_TIMEOUT
            )
        except _FAILURES as error:
            message, hint = explain_connection(error)
            raise SilentError(f"{url} cannot be reached: {message}", hint=hint) from error
        except OSError as error:
            refuse_authorities(url, error)
            raise

    def _receive(
        self,
        response: requests.Response,
        keep: Callable[[bytes], object],
        *,
        limit: int | None = None,
    ) -> None:
        """Give ``keep`` all that arrives, without undoing a Content-Encoding.

        Some mirrors name a file's own compression as one.
        """
        received, pace = 0, _Pace(response.url)
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                if not received:
                    refuse_page(response, chunk)
                received += len(chunk)
                pace.look(received)
                if limit is not None and received > limit:
                    raise DownloadError(
                        f"{response.url} is larger than {limit} bytes",
                        hint="a mirror has no such file: name another with repo-url-parent=",
                    )
                keep(chunk)
        except _FAILURES as error:
            raise BrokenOffError(
                f"{response.url} broke off: {reason(error)}",
                hint="run the same command again: complete files are kept",
            ) from error


class _Pace:
    """Watches that what comes from ``url`` does not come so slowly that it never ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._since, self._before = time.monotonic(), 0

    def look(self, received: int) -> None:
        """See how much has come by now, in bytes.

        :raises SilentError: when it was too little since the last time
        """
        seconds = time.monotonic() - self._since
        if seconds < limits.SLOW_TIME:
            return
        rate = (received - self._before) / seconds
        if rate < limits.SLOWEST:
            raise SilentError(
                f"{self._url} comes too slowly: {rate:.0f} bytes in a second",
                hint="try again later, or another mirror with repo-url-parent=",
            )
        self._since, self._before = time.monotonic(), received


def _check(url: str, part: Path, size: int, sha256: str) -> None:
    got = _size(part)
    if got != size:
        raise DownloadError(
            f"{url} has {'at least ' * (got > size)}{got} bytes, its database says {size}",
            hint="the mirror is being updated or a proxy interferes: try again later, or"
            " another mirror with repo-url-parent=",
        )
    digest = files.sha256(part)
    if digest != sha256:
        raise DownloadError(
            f"{url} has sha256 {digest}, its database says {sha256}",
            hint="the file or the database was changed: try another mirror with repo-url-parent=",
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _refuse(url: str, response: requests.Response) -> None:
    kind = DownloadError
    if response.status_code == requests.codes.not_found:
        kind = NotFoundError
    elif response.status_code in TRANSIENT:
        kind = BusyError if "Retry-After" in response.headers else SilentError
    raise kind(
        f"{url}: the mirror says {response.status_code} {printable_words(response.reason or '')}",
        hint=explain_status(response),
    )
