"""Functions that look around in a worker's root, and tell what they find."""

import ctypes
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aimager.files import publish

KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING = 10, -3  # linux/keyctl.h
SECRET_KEY = b"aimager-test"


@dataclass(frozen=True)
class Look:
    """Paths to look at, as text that need not be UTF-8."""

    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """What is found: ``folders`` by name, what ``files`` hold, and which may be ``written``."""

    folders: dict[str, list[str]]
    files: dict[str, str]
    written: list[str]
    directory: str


def look(request: Look) -> Room:
    """Tell what there is at each path; what there is not is left out."""
    room = Room({}, {}, [], str(Path.cwd()))
    for name in request.paths:
        path = Path(name)
        if path.is_dir():
            room.folders[name] = sorted(os.listdir(path))  # noqa: PTH208 - names of any bytes
        elif path.exists():
            room.files[name] = path.read_bytes().decode(errors="surrogateescape")
        if os.access(path, os.W_OK):
            room.written.append(name)
    return room


@dataclass(frozen=True)
class Inheritance:
    """What a worker, and a program of its, have from outside."""

    environment: dict[str, str]
    of_process_1: dict[str, str]
    descriptors: list[str]
    of_program: list[str]
    terminals: list[int]
    finds_key: bool
    session: int
    umask: int


_LIST = """
import os
for n in sorted(map(int, os.listdir('/proc/self/fd'))):
    try: print(n, os.readlink(f'/proc/self/fd/{n}'))
    except OSError: pass
"""


def tell_inheritance(_: str) -> Inheritance:
    """Describe this process, and a program that it starts without closing anything."""
    said = Path("/proc/1/environ").read_text().split("\0")
    listed = subprocess.run(
        [sys.executable, "-c", _LIST], close_fds=False, capture_output=True, text=True, check=True
    )
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    umask = os.umask(0)
    os.umask(umask)
    return Inheritance(
        environment=dict(os.environ),
        of_process_1=dict(word.split("=", 1) for word in said if "=" in word),
        descriptors=[_describe(number) for number in numbers],
        of_program=listed.stdout.splitlines(),
        terminals=[
            number
            for number in numbers
            if Path(f"/proc/self/fd/{number}").exists() and os.isatty(number)
        ],
        finds_key=find_key(),
        session=os.getsid(0),
        umask=umask,
    )


def _describe(number: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    except OSError:  # the one by which they were listed
        return ""


def find_key() -> bool:
    """Whether the session keyring has the key of the test."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 250}.get(os.uname().machine, 219)
    found: int = libc.syscall(
        number, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, b"user", SECRET_KEY, 0
    )
    return found > 0


@dataclass(frozen=True)
class Writing:
    """What to write to which files, and how to end."""

    content: dict[str, str]
    mode: int = 0
    owner: int = 0
    fails: bool = False
    waits: bool = False


def write(request: Writing) -> list[str]:
    """Publish each file as a stage does, and change what can be changed of it."""
    for name, content in request.content.items():
        with publish(Path(name)) as temporary:
            temporary.write_text(content)
        if request.mode:
            os.chmod(name, request.mode)  # noqa: PTH101
        if request.owner:
            os.chown(name, request.owner, request.owner)
    if request.fails:
        raise ZeroDivisionError("it fails")
    if request.waits:
        print("ready", flush=True)
        time.sleep(600)
    return sorted(str(p) for n in request.content for p in Path(n).parent.iterdir())
