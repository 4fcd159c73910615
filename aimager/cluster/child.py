"""Doing an errand: one process of doit's for it, which ends when it is no longer wanted."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from aimager import process
from aimager.cluster.errand import ERRAND, Errand, Outcome
from aimager.errors import HostError
from aimager.files import guard_folder, publish_text
from aimager.graph.console.events import CHANNEL
from aimager.graph.console.monitor import RELAYED
from aimager.graph.killed import told_signal
from aimager.places import search_path
from aimager.products.run_folder import remove_run_folder
from aimager.progress import HEARD
from aimager.shown import shown

ENDS_WITH = "AIMAGER_ENDS_WITH"
"""In the environment of a process that ends with the one of this number, which has made it."""

SHARE = "AIMAGER_SHARE"
"""In a worker's environment: how many there are, among which memory and cores are shared."""

_LOOK = 0.1
_PATIENCE = 1.2
"""Seconds between two looks whether it is wanted, and for it to clean up when it is not."""

_LONGEST_LOG = 1 << 20
"""Bytes of a log that come back: its end."""

_COMMAND = "aimager.commands.errand"

Tell = Callable[[Mapping[str, Any]], object]


@dataclass(frozen=True)
class Place:
    """A worker: what errands are called to be done on, its cache, and the words that are its own.

    They are of the store, its keys and how trees are held, and go before those of an errand.
    """

    name: str
    cache: Path
    words: Mapping[str, str] = field(default_factory=dict)


def own_words(sent: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The words of an errand with those of the worker, who alone says whom it trusts.

    :raises HostError: when neither names a store
    """
    trusts = {name for name in own if name.startswith("remote-")}
    words = {n: text for n, text in sent.items() if not (trusts and n == "remote-unsigned")} | {
        **own
    }
    if "remote" not in words:
        raise HostError(
            "the address of the store holds credentials, which are not sent, and the worker has"
            " none of its own",
            hint="start it with doit worker remote=ADDRESS",
        )
    return words


def do_errand(
    errand: Errand, place: Place, tell: Tell, is_wanted: Callable[[], bool]
) -> Outcome | None:
    """Do it, and tell what it says, in records; None: it was no longer wanted."""
    try:
        words = own_words(errand.build.words, place.words)
        errand = replace(errand, build=replace(errand.build, words=words))
        with _folder(place.cache) as folder:
            return _do(errand, place, folder, tell, is_wanted)
    except HostError as error:
        return Outcome(place.name, str(error))
    except OSError as error:
        return Outcome(place.name, f"{error.filename or 'a file'}: {error.strerror}")


def _do(
    errand: Errand, place: Place, folder: Path, tell: Tell, is_wanted: Callable[[], bool]
) -> Outcome | None:
    publish_text(folder / ERRAND, errand.to_text())
    task = errand.expected.task
    with tempfile.TemporaryFile() as stderr, _started(place, folder, stderr) as child:
        heard = _Heard(task, tell)
        listening = threading.Thread(target=heard.listen, args=(child.stdout,), daemon=True)
        listening.start()
        while child.poll() is None:
            if not is_wanted():
                return None
            with suppress(subprocess.TimeoutExpired):
                child.wait(_LOOK)
        listening.join()
        stderr.seek(0)
        last = stderr.read().decode(errors="replace").strip()
    logs = place.cache / "log"
    fault = ""
    if child.returncode:
        fault = heard.fault or _told_end(task, child.returncode, last)
    names = dict.fromkeys(filter(None, (task, heard.failed)))
    read = {name: _end_of(logs / f"{name}.log") for name in names}
    return Outcome(place.name, fault, {n: text for n, text in read.items() if text}, str(logs))


@contextmanager
def _started(place: Place, folder: Path, stderr: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the process, which has ended after the block, and has left nothing."""
    left_out = {CHANNEL, HEARD, ENDS_WITH, "SOURCE_DATE_EPOCH"}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "AIMAGER_CACHE": str(place.cache),
        "PYTHONPATH": search_path(),
        ENDS_WITH: str(os.getpid()),
        RELAYED: "yes",
    }
    child = subprocess.Popen(
        [sys.executable, "-m", _COMMAND, str(folder)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,  # a Ctrl-C is the worker's to pass on
    )
    try:
        yield child
    finally:
        process.end(child, _PATIENCE)
        remove_left(place.cache / "work", child.pid)


def remove_left(work: Path, process: int) -> None:
    """Remove the run's folder, should that have been killed, once nothing is at work in it."""
    end = time.monotonic() + _PATIENCE
    while left := list(work.glob(f"{process}-*")):
        for folder in left:
            remove_run_folder(folder)
        if time.monotonic() > end:
            return
        time.sleep(_LOOK / 2)


@dataclass
class _Heard:
    """What the process says of its tasks; ``failed`` is the one that failed, if one did."""

    task: str
    tell: Tell
    fault: str = ""
    failed: str = ""

    def listen(self, stream: IO[bytes]) -> None:
        """Pass on what comes, to its end."""
        with stream:
            for line in stream:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            record = json.loads(line)
        except ValueError:
            record = {"event": "text", "task": self.task, "text": line.decode(errors="replace")}
        if record.get("event") == "failed":
            self.fault, self.failed = record.get("fault", ""), record.get("task", "")
        self.tell(record)


def _told_end(task: str, status: int, last: str) -> str:
    """What to say of a process that ended without a word, but perhaps ``last`` ones."""
    if status < 0:
        return str(told_signal(task, -status))
    *_, line = last.splitlines() or [""]
    sentence = last.removeprefix("ERROR: ") if last.startswith("ERROR: ") else shown(line)
    return sentence or f"the process of {task} ended with status {status}"


def _end_of(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - _LONGEST_LOG, 0))
        return stream.read().decode(errors="replace")


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    """A folder for one errand, which is gone after the block, if the process has not removed it."""
    guard_folder(cache)
    guard_folder(cache / "errands")
    folder = Path(tempfile.mkdtemp(dir=cache / "errands"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
