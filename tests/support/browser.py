"""A real browser, which is asked what it made of a page."""

import functools
import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")

HARNESS = """<!DOCTYPE html><html lang="en"><title>harness</title>
<style>body {{ margin: 0 }}</style>
<iframe src="page.html" style="border: 0; width: {width}px; height: 2000px"></iframe>
<pre id="answer"></pre>
<script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  const ask = (page) => {{ {script} }};
  document.getElementById("answer").textContent = JSON.stringify(ask(page));
}});
</script></html>
"""


class Browser:
    """Shows pages; what it complains of in its console is a failure."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    def ask(self, page: str, script: str, *, width: int, dark: bool = False) -> Any:
        """What ``script``, a function's body, returns of the document ``page``."""
        (self._folder / "page.html").write_text(page)
        (self._folder / "index.html").write_text(HARNESS.format(width=width, script=script))
        with _served(self._folder) as url:
            shown = self._run(f"--window-size={width},2000", "--dump-dom", url, dark=dark)
        answer = re.search(r'<pre id="answer">(.*?)</pre>', shown, re.DOTALL)
        assert answer and answer[1], shown
        return json.loads(html.unescape(answer[1]))

    def _run(self, *words: str, dark: bool) -> str:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        options += ["--enable-logging=stderr", "--virtual-time-budget=5000"]
        options += [f"--user-data-dir={self._folder}/profile"]
        options += ["--disable-background-networking", "--disable-component-update"]
        options += ["--no-first-run", "--no-proxy-server"]
        options += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # asks nobody else
        options += ["--blink-settings=preferredColorScheme=0"] if dark else []
        done = subprocess.run(
            [self._program, *options, *words], capture_output=True, timeout=900, check=False
        )
        told = done.stderr.decode(errors="replace")
        assert done.returncode == 0, told
        assert not [line for line in told.splitlines() if ":CONSOLE" in line], told
        return done.stdout.decode()


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/index.html"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give a file, and for what every browser asks by itself an answer without content."""
        if self.path == "/favicon.ico":
            self.send_response(204)
            self.end_headers()
        else:
            super().do_GET()


def find_browser(folder: Path) -> Browser:
    """The browser of this machine; the test is skipped where there is none."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("NO BROWSER: ./setup.sh installs chromium, to look at the report page with")
    return Browser(program, folder)
