"""Functions that run inside a namespace, and run programs one level down, in a jail."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from aimager import process
from aimager.errors import CommandError
from aimager.sandbox import jail, syscalls
from aimager.sandbox.chroot import Chroot, chroot
from aimager.sandbox.mounts import Bind, Operation, Tmpfs, carry_out
from aimager.sandbox.privileges import Limits
from aimager.sandbox.tree import Tree
from aimager.sandbox.worker_root import code
from tests.support.namespaced import forbid, names
from tests.support.peak import peak

PROBE = (sys.executable, "-P", "-m", "tests.support.jail_probe")


def show_host(root: Path) -> None:
    """Make a root that has the host's programs, Python and this code, read-only."""
    root.mkdir()
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr"):
        there = Path("/", name)
        if there.is_symlink():
            (root / name).symlink_to(there.readlink())
        elif there.exists():
            carry_out([Bind(there, root / name, read_only=True)])
    (root / "etc").mkdir()
    for seen in code():
        carry_out([Bind(seen.target, root / seen.target.relative_to("/"), read_only=True)])


@dataclass(frozen=True)
class Jailed:
    """What to run in a jail: ``argv``, or with ``probe`` a function of `jail_probe`.

    ``tools`` is whether it is a jail of the tools', ``forbidden`` a system call that the worker is
    refused, ``bare`` whether the program keeps all its rights, ``init_killed`` whether somebody
    outside kills its process 1. Its limits are of the processes, of the bytes ``written``, and of
    the ``room`` for them.
    """

    work: Path
    argv: tuple[str, ...] = ()
    probe: str = ""
    tools: bool = False
    given: str = ""
    processes: int = 2048
    written: int | None = None
    room: int | None = None
    forbidden: int = 0
    bare: bool = False
    covered: bool = False
    init_killed: bool = False
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How it ended, what it said, and what there was afterwards."""

    status: int
    said: str
    processes: list[str]
    root: list[str]
    peak: int
    """Of the worker, in bytes."""


def run_jailed(request: Jailed) -> Ended:
    """Run it, and tell what came of it."""
    root = request.work / "root"
    show_host(root)
    for name, content in request.files.items():
        (root / name).write_bytes(bytes.fromhex(content))
        (root / name).chmod(0o755)
    if request.covered:
        syscalls.mount("tmpfs", "/proc/fs", "tmpfs")
    if request.forbidden:
        forbid(request.forbidden)
    if request.bare:
        vars(jail)["give_up_privileges"] = lambda limits: None
    with _image(request, root) as image:
        enclosure = image.jail_of_tools(None, *_python()) if request.tools else image.jail()
        words = [*PROBE, request.probe] if request.probe else list(request.argv)
        env = {"PYTHONPATH": os.environ["PYTHONPATH"]}
        given = request.given.encode()
        if request.init_killed:
            threading.Thread(target=_kill_init, daemon=True).start()
        try:
            said = process.run(words, within=enclosure, env=env, input=given)
            status = 0
        except CommandError as error:
            status, said = error.status, error.tail
    return Ended(status, said, _processes(), names(root), peak())


@contextmanager
def _image(request: Jailed, root: Path) -> Iterator[Chroot]:
    folder = None
    if request.room is not None:
        folder = root / "room"
        carry_out([Tmpfs(folder, mode=0o1777, size=request.room)])
    elif request.written is not None:
        folder = root / "room"
        folder.mkdir(mode=0o1777)
    with chroot(Tree(root), Limits(request.processes, folder, written=request.written)) as image:
        yield image


def _kill_init() -> None:
    """Wait for a process 1 that is not this namespace's own, and kill it."""
    while True:
        for number in _processes():
            with suppress(OSError):
                status = Path("/proc", number, "status").read_text()
                if re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE):
                    os.kill(int(number), signal.SIGKILL)
                    return
        time.sleep(0.01)


def _python() -> list[Operation]:
    return [Bind(seen.target, seen.target, read_only=True) for seen in code()]


def _processes() -> list[str]:
    return [name for name in names(Path("/proc")) if name.isdigit()]
