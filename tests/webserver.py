"""A web server for the tests that can misbehave in every way that mirrors do."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What is served, how, and what was asked for.

    The first of ``plan`` is what the next request gets: a status, ``cut N`` to break off after
    N bytes, ``whole`` to ignore Range, ``slow``; when it is empty, all is well.
    """

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def conditions(self) -> dict[str, str]:
        """What of the last request's headers the tests are about."""
        names = ("If-None-Match", "If-Modified-Since", "Range")
        return {name: value for name, value in self.asked[-1][1].items() if name in names}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append((self.path, dict(self.headers)))
        plan = self.site.plan.pop(0) if self.site.plan else ""
        content = self.site.content.get(self.path)
        if plan.isdigit():
            self._answer(int(plan))
        elif content is None:
            self._answer(404)
        elif self._is_known():
            self._answer(304)
        else:
            if plan == "slow":
                time.sleep(0.3)
            self._send(content, plan)

    def _is_known(self) -> bool:
        answers = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
        for condition, name in answers:
            if condition in self.headers:
                return self.headers[condition] == self.site.headers.get(name)
        return False

    def _send(self, content: bytes, plan: str) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not asked or plan == "whole":
            self._answer(200, content, plan)
        elif int(asked[1]) >= len(content):
            self._answer(416)
        else:
            self._answer(206, content[int(asked[1]) :], plan)

    def _answer(self, status: int, content: bytes = b"", plan: str = "") -> None:
        self.send_response(status)
        for name, value in self.site.headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if plan.startswith("cut "):
            content = content[: int(plan.removeprefix("cut "))]
            self.close_connection = True
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Site]:
    """Serve a site on 127.0.0.1 while in the block."""
    site = Site()
    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        site.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
