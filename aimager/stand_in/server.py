"""A quiet HTTP server for a mirror, with the conditional and partial requests that clients make."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@contextmanager
def serve(mirror: Path) -> Iterator[str]:
    """Serve the folder on a free port of 127.0.0.1, and yield the base address."""
    handler = partial(_MirrorHandler, mirror.resolve())
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _MirrorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A response is a header and a body in two writes: with Nagle's algorithm the second
    # would wait for the client's delayed acknowledgement.
    disable_nagle_algorithm = True

    def __init__(self, mirror: Path, *args: object) -> None:
        self._mirror = mirror
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, with_body: bool) -> None:
        file = (self._mirror / unquote(urlsplit(self.path).path).lstrip("/")).resolve()
        if not file.is_relative_to(self._mirror) or not file.is_file():
            self._send_empty(HTTPStatus.NOT_FOUND)
            return
        size, modified = file.stat().st_size, int(file.stat().st_mtime)
        if _is_unchanged(self.headers.get("If-Modified-Since"), modified):
            self._send_empty(HTTPStatus.NOT_MODIFIED)
            return
        span = parse_range(self.headers.get("Range"), size)
        if span is None:
            self._send_empty(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"bytes */{size}")
            return
        start, end = span
        partial_answer = "Range" in self.headers and (start, end) != (0, size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial_answer else HTTPStatus.OK)
        if partial_answer:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Last-Modified", formatdate(modified, usegmt=True))
        self.end_headers()
        if with_body:
            self._send_span(file, start, end)

    def _send_span(self, file: Path, start: int, end: int) -> None:
        with file.open("rb") as stream:
            stream.seek(start)
            if end == file.stat().st_size:
                shutil.copyfileobj(stream, self.wfile, 1 << 20)
            else:
                self.wfile.write(stream.read(end - start))

    def _send_empty(self, status: HTTPStatus, content_range: str = "") -> None:
        self.send_response(status)
        if content_range:
            self.send_header("Content-Range", content_range)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", "0")
        self.end_headers()


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and end of a single ``Range``; None if it lies outside the file (RFC 9110, 14)."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (header or "").strip())
    if match is None or match.groups() == ("", ""):
        return 0, size
    first, last = match.groups()
    if not first:
        return (max(0, size - int(last)), size) if int(last) else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    return (start, end) if start < end else None


def _is_unchanged(header: str | None, modified: int) -> bool:
    if not header:
        return False
    try:
        return modified <= parsedate_to_datetime(header).timestamp()
    except ValueError:
        return False
