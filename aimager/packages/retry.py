"""When a mirror that cannot answer now is asked again, and how long we wait for it.

urllib3 asks again, and obeys Retry-After (RFC 9110 10.2.3). What is added here is a limit: a
mirror that wants more time than that is not asked again, because an earlier request would be
refused, too.
"""

from typing import Any

from urllib3.exceptions import InvalidHeader, MaxRetryError, ResponseError
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

ATTEMPTS = 3
"""How often a mirror is asked for a file that it does not give."""

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that a mirror may not answer with a little later."""


class MirrorRetry(Retry):
    """Asks `ATTEMPTS` times, waits at most ``patience`` seconds before each, and returns what
    comes of the last one, whatever its status."""

    def __init__(self, patience: float, **words: Any) -> None:
        fixed = {"status_forcelist": TRANSIENT, "raise_on_status": False}
        super().__init__(**{"total": ATTEMPTS - 1, **fixed, **words})
        self.patience = patience

    def new(self, **words: Any) -> "MirrorRetry":
        """A copy with other counts, as urllib3 makes one for each attempt."""
        return super().new(**words, patience=self.patience)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> "MirrorRetry":
        """Count an attempt.

        :raises MaxRetryError: when it was the last, or the mirror asks for too much time
        """
        if response is not None and (self.get_retry_after(response) or 0) > self.patience:
            raise MaxRetryError(_pool, url or "", ResponseError("it asks for too much time"))
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """The seconds that a response asks to wait; None if it names no time, or not as a time."""
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None
