"""HTTP to a checked file: conditional, resumable, complete or not at all."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter

from aimager import files
from aimager.errors import DownloadError, about
from aimager.locks import locked
from aimager.packages.http_diagnosis import (
    explain_connection,
    explain_status,
    reason,
    refuse_authorities,
    refuse_page,
)
from aimager.packages.remembered import note_asked, recall
from aimager.packages.retry import ATTEMPTS, PATIENCE, TRANSIENT, MirrorRetry

_CHUNK = 1 << 18
_LOOK = 512
_TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
_PAUSE = 1.5  # seconds before the second attempt, twice as many before the third
# The last two: a host name that cannot be one.
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError)
_CONDITIONS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}

Report = Callable[[int], object]
"""Called with how many more bytes have arrived."""


Check = Callable[[bytes], object]
"""Raises DownloadError for content that is not what was asked for."""


class NotFoundError(DownloadError):
    """The mirror answers, and has no such file."""


class SilentError(DownloadError):
    """The mirror does not answer, or says that it cannot now; others may give the next file."""


class BusyError(SilentError):
    """The mirror asks to come again later (Retry-After)."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did."""


class Client:
    """Downloads over connections that are kept open; for use by one thread.

    ``patience`` is how many seconds a busy mirror may ask to wait (Retry-After).
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._adapter = HTTPAdapter()
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, self._adapter)
        self._session.headers["User-Agent"] = "aimager"
        # Packages are compressed; if a mirror did it again, sizes would no longer fit.
        self._session.headers["Accept-Encoding"] = "identity"

    def fetch_if_changed(
        self, url: str, target: Path, check: Check = lambda _: None, *, run: Path | None = None
    ) -> bytes:
        """Make ``target`` what ``url`` is now, if ``check`` agrees, and return it.

        The mirror is asked only whether it changed (If-None-Match, If-Modified-Since), by what
        it said last time, which is kept beside ``target`` with the hash of what it was said of:
        they are two files, and a crash may come between. Two builds that ask at once wait for
        each other, and what was asked in the folder ``run``, which remembers it, is not again.

        :raises DownloadError: when the mirror does not give it, or gives something else
        """
        memory = target.with_name(f".{target.name}.json")
        lock = target.with_name(f".{target.name}.lock")
        with locked(lock):
            known = recall(memory, url, target)
            asked = run / hashlib.sha256(url.encode()).hexdigest() if run else None
            if known and asked and asked.exists():
                return target.read_bytes()
            conditions = {name: known[name] for name in _CONDITIONS if name in known}
            with self._get(url, conditions) as response:
                if conditions and response.status_code == requests.codes.not_modified:
                    note_asked(asked)
                    return target.read_bytes()
                for unfinished in files.temporaries(target):  # of a killed run
                    if unfinished not in (memory, lock):
                        unfinished.unlink(missing_ok=True)
                with files.publish(target) as temporary:
                    with about(target), temporary.open("wb") as stream:
                        self._receive(response, stream.write)
                    content = temporary.read_bytes()
                    check(content)
            said = {name: response.headers.get(told) for name, told in _CONDITIONS.items()}
            kept = {name: value for name, value in said.items() if value}
            digest = hashlib.sha256(content).hexdigest()
            files.publish_text(memory, json.dumps({"url": url, "sha256": digest, **kept}))
            note_asked(asked)
            return content

    def fetch(
        self, url: str, target: Path, *, size: int, sha256: str, report: Report = lambda _: None
    ) -> None:
        """Make ``target`` the file of ``size`` bytes with this hash that is at ``url``.

        What an interrupted download left is resumed, whichever mirror it came from. Two builds
        that want the same file wait for each other, and the second finds it there.

        :raises DownloadError: when the mirror does not give it, or gives something else; what
            was reported is then taken back
        """
        reported = 0

        def count(more: int) -> None:
            nonlocal reported
            reported += more
            report(more)

        part = target.with_name(f"{target.name}.part")
        with locked(part.with_name(f".{target.name}.lock")):
            if target.exists() and files.sha256(target) == sha256:
                report(size)
                return
            try:
                self._fetch_part(url, part, size, sha256, count)
            except DownloadError:
                report(-reported)
                raise
            with files.publish(target) as temporary:
                part.replace(temporary)

    def fetch_small(self, url: str, *, limit: int) -> bytes:
        """The bytes at ``url``, at most ``limit`` of them.

        :raises DownloadError: when the mirror does not give them, or gives more
        """
        content = bytearray()
        with self._get(url, {}) as response:
            self._receive(response, content.extend, limit=limit, as_it_is=True)
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
            part.unlink()
        kept = _size(part)
        report(kept)
        while True:
            self._complete(url, part, size, report)
            try:
                return _check(url, part, size, sha256)
            except DownloadError:
                report(-_size(part))
                part.unlink()
                if not kept:
                    raise
                kept = 0  # The fault may be that of what was there, from another mirror.

    def _complete(self, url: str, part: Path, size: int, report: Report) -> None:
        for attempt in range(ATTEMPTS):
            try:
                if _size(part) < size:
                    self._resume(url, part, _size(part), report)
                return
            except BrokenOffError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE * 2**attempt)

    def _resume(self, url: str, part: Path, have: int, report: Report) -> None:
        response = self._get(url, {"Range": f"bytes={have}-"} if have else {})
        with response:
            resumes = response.status_code == requests.codes.partial_content
            if have and not resumes:
                report(-have)
            with about(part), part.open("ab" if resumes else "wb") as stream:

                def keep(chunk: bytes) -> None:
                    stream.write(chunk)
                    report(len(chunk))

                self._receive(response, keep, as_it_is=True)

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
        as_it_is: bool = False,
    ) -> None:
        """Give ``keep`` all that arrives, with ``as_it_is`` without undoing a Content-Encoding.

        Some mirrors name a package's own compression as one.
        """
        received = 0
        try:
            for chunk in response.raw.stream(_CHUNK, decode_content=not as_it_is):
                if not received:
                    refuse_page(response, chunk)
                received += len(chunk)
                if limit is not None and received > limit:
                    raise DownloadError(f"{response.url} is larger than {limit} bytes")
                keep(chunk)
        except _FAILURES as error:
            raise BrokenOffError(
                f"{response.url} broke off: {reason(error)}",
                hint="run the same command again: complete files are kept",
            ) from error


def _check(url: str, part: Path, size: int, sha256: str) -> None:
    got = _size(part)
    if got != size:
        raise DownloadError(
            f"{url} has {got} bytes, its database says {size}",
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
        f"{url}: the mirror says {response.status_code} {response.reason}",
        hint=explain_status(response),
    )
