"""Connections to mirrors that are not waited for without an end.

The timeouts of sockets begin anew with each byte: a mirror that sends one a minute may take years
for the header of its answer.
"""

import socket
import threading
from contextlib import suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

ANSWER_TIME = 90.0
"""Seconds until an answer's header is complete: more than one read may last."""


class _Punctual(HTTPConnection):
    def getresponse(self) -> Any:
        """Read the header of the answer.

        :raises TimeoutError: when it does not come in time
        """
        is_late = threading.Event()
        waiting = threading.Timer(ANSWER_TIME, _end, [self.sock, is_late])
        waiting.daemon = True
        waiting.start()
        try:
            response = super().getresponse()
        finally:
            waiting.cancel()
        if is_late.is_set():  # then what had come by then was taken for all of it
            raise TimeoutError
        return response


class _PunctualSecure(_Punctual, HTTPSConnection):
    """The same with TLS."""


def _end(connection: Any, is_late: threading.Event) -> None:
    """Let whoever reads from a connection come to its end."""
    is_late.set()
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Punctual


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _PunctualSecure


class PunctualAdapter(HTTPAdapter):
    """requests' own, with such connections."""

    def init_poolmanager(self, *arguments: Any, **words: Any) -> None:
        """Make the pools of connections."""
        super().init_poolmanager(*arguments, **words)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *arguments: Any, **words: Any) -> Any:
        """The same for connections by a proxy."""
        manager = super().proxy_manager_for(*arguments, **words)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
