"""A web server for the tests that can misbehave in every way that mirrors do."""

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What is served, how, and what was asked for.

    The first of ``plan`` is what the next request gets: a status, ``STATUS after WHEN`` with a
    Retry-After, ``cut N`` to break off after N bytes, ``whole`` to ignore Range, ``slow``, ``late
    N`` to answer when N were asked, and with at most 50 kB in a second; when it is empty, all is
    well.
    """

    url: str = ""
    content: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    tags: bool = False
    """Whether the ETag of all content is made of it."""

    def conditions(self) -> dict[str, str]:
        """What of the last request's headers the tests are about."""
        names = ("If-None-Match", "If-Modified-Since", "Range")
        return {name: value for name, value in self.asked[-1][1].items() if name in names}


def tag(content: bytes) -> str:
    """The ETag of content, where a site tags it."""
    return f'"{hashlib.sha256(content).hexdigest()}"'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.site.asked.append((self.path, dict(self.headers)))
        plan = self.site.plan.pop(0) if self.site.plan else ""
        content = self.site.content.get(self.path)
        while plan.startswith("late") and len(self.site.asked) < int(plan.split()[1]):
            time.sleep(0.01)
        self.headers_sent = dict(self.site.headers)
        if self.site.tags and content is not None:
            self.headers_sent["ETag"] = tag(content)
        status, _, when = plan.partition(" after ")
        if when:
            self.headers_sent["Retry-After"] = when
        if status.isdigit():
            self._answer(int(status))
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
                return self.headers[condition] == self.headers_sent.get(name)
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
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if plan.startswith("cut "):
            content = content[: int(plan.removeprefix("cut "))]
            self.close_connection = True
        if plan.startswith("late"):
            for start in range(0, len(content), 1000):
                self.wfile.write(content[start : start + 1000])
                time.sleep(0.02)
        else:
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


@contextmanager
def silence() -> Iterator[str]:
    """The address of a server on 127.0.0.1 that is not there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
