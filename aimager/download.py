"""HTTP to a checked file: conditional, resumable, whole or not at all."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import requests
import urllib3

from aimager import files
from aimager.errors import DownloadError

_CHUNK = 1 << 18
_TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
_ATTEMPTS = 3
_PAUSE = 1.0  # seconds before the second attempt, twice as many before the third
# The last two: a host name that cannot be one.
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError)
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

Report = Callable[[int], object]
"""Is told how many more bytes have arrived."""


class NotFoundError(DownloadError):
    """The mirror answers, and has no such file."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did."""


class Client:
    """Downloads over connections that are kept open; for use by one thread."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "aimager"
        # Packages are compressed; a mirror must not do it again, or sizes stop to fit.
        self._session.headers["Accept-Encoding"] = "identity"

    def fetch_if_changed(self, url: str, target: Path) -> bool:
        """Make ``target`` what ``url`` is now, and tell whether that is something new.

        The mirror is asked only whether it changed (If-None-Match, If-Modified-Since), by what
        it said last time, which is kept beside ``target``.

        :raises DownloadError: when the mirror does not give it
        """
        memory = target.with_name(f".{target.name}.json")
        headers = {}
        if target.exists() and memory.exists():
            said = json.loads(memory.read_text())
            if said.pop("url") == url:
                headers = said
        response = self._get(url, headers)
        with response:
            if response.status_code == requests.codes.not_modified:
                return False
            for unfinished in files.temporaries(target):  # of a killed run
                if unfinished != memory:
                    unfinished.unlink(missing_ok=True)
            with files.publish(target) as temporary, temporary.open("wb") as stream:
                self._receive(response, stream.write)
        said = {
            "If-None-Match": response.headers.get("ETag"),
            "If-Modified-Since": response.headers.get("Last-Modified"),
        }
        kept = {name: value for name, value in said.items() if value}
        files.publish_text(memory, json.dumps({"url": url, **kept}))
        return True

    def fetch(
        self, url: str, target: Path, *, size: int, sha256: str, report: Report = lambda _: None
    ) -> None:
        """Make ``target`` the file of ``size`` bytes with this hash that is at ``url``.

        What an interrupted download left is gone on with. Two builds that want the same file
        wait for each other, and the second finds it there.

        :raises DownloadError: when the mirror does not give it, or gives something else
        """
        part = target.with_name(f"{target.name}.part")
        with files.locked(part.with_name(f".{target.name}.lock")):
            if target.exists() and files.sha256(target) == sha256:
                report(size)
                return
            if _size(part) > size:
                part.unlink()
            report(_size(part))
            for attempt in range(_ATTEMPTS):
                try:
                    if _size(part) < size:
                        self._resume(url, part, _size(part), report)
                    break
                except BrokenOffError:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    time.sleep(_PAUSE * 2**attempt)
            self._check(url, part, size, sha256)
            with files.publish(target) as temporary:
                part.replace(temporary)
            part.with_name(f".{target.name}.lock").unlink(missing_ok=True)

    def fetch_small(self, url: str, *, limit: int) -> bytes:
        """The bytes at ``url``, at most ``limit`` of them.

        :raises DownloadError: when the mirror does not give them, or gives more
        """
        content = bytearray()
        with self._get(url, {}) as response:
            self._receive(response, content.extend, limit=limit)
        return bytes(content)

    def _resume(self, url: str, part: Path, have: int, report: Report) -> None:
        response = self._get(url, {"Range": f"bytes={have}-"} if have else {})
        with response:
            resumes = response.status_code == requests.codes.partial_content
            if have and not resumes:
                report(-have)
            with part.open("ab" if resumes else "wb") as stream:

                def keep(chunk: bytes) -> None:
                    stream.write(chunk)
                    report(len(chunk))

                self._receive(response, keep)

    def _check(self, url: str, part: Path, size: int, sha256: str) -> None:
        got = part.stat().st_size
        if got != size:
            if got > size:
                part.unlink()
            raise DownloadError(
                f"{url} has {got} bytes, its database says {size}",
                hint="the mirror is being updated or a proxy interferes: try again later, or"
                " another mirror with repo-url-parent=",
            )
        digest = files.sha256(part)
        if digest != sha256:
            part.unlink()
            raise DownloadError(
                f"{url} has sha256 {digest}, its database says {sha256}",
                hint="the file or the database was changed: try another mirror with"
                " repo-url-parent=",
            )

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                response = self._session.get(
                    quote(url, safe=":/?=&%+~@[]"), headers=headers, stream=True, timeout=_TIMEOUT
                )
            except _FAILURES as error:
                if last:
                    raise DownloadError(
                        f"{url} cannot be reached: {_reason(error)}",
                        hint="check the network, or name another mirror with repo-url-parent=",
                    ) from error
            else:
                if response.status_code < requests.codes.bad_request:
                    return response
                response.close()
                unfit = response.status_code == requests.codes.requested_range_not_satisfiable
                if last or not (unfit or response.status_code in _TRANSIENT):
                    _refuse(url, response)
                if unfit:
                    headers = {}
            time.sleep(_PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _receive(
        self, response: requests.Response, keep: Callable[[bytes], object], limit: int | None = None
    ) -> None:
        received = 0
        try:
            for chunk in response.iter_content(_CHUNK):
                received += len(chunk)
                if limit is not None and received > limit:
                    raise DownloadError(f"{response.url} is larger than {limit} bytes")
                keep(chunk)
        except _FAILURES as error:
            raise BrokenOffError(
                f"{response.url} broke off: {_reason(error)}",
                hint="run the same command again: what is whole is kept",
            ) from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _refuse(url: str, response: requests.Response) -> None:
    kind = NotFoundError if response.status_code == requests.codes.not_found else DownloadError
    raise kind(
        f"{url}: the mirror says {response.status_code} {response.reason}",
        hint="its database is newer or older than its files: try again later, or another mirror"
        " with repo-url-parent=",
    )


def _reason(error: Exception) -> str:
    """The innermost of the reasons that requests and urllib3 wrap into one another."""
    cause: BaseException = error
    while inner := (cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)):
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return str(cause).rpartition(": ")[2] or type(cause).__name__
