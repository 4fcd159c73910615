"""Starting programs by the dispatcher, in a root whose kit only tells how it was called."""

import io
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from aimager.model.architecture import Architecture
from aimager.model.lock import Lock
from aimager.process import attempt
from aimager.sandbox.binfmt_mount import emulate, has_own_binfmt
from aimager.sandbox.chroot import chroot
from aimager.sandbox.mounts import Bind, Proc, carry_out, device_mounts
from aimager.sandbox.native_programs import lending
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from tests.support.namespaced import make_program

TELL = r"""#!/bin/sh
printf '%s\0' "$0" "$@"
for file in /proc/$$/fd/*; do printf 'open %s\0' "$(readlink "$file")"; done
"""


@dataclass(frozen=True)
class Start:
    """What is started, ``path`` with ``words``, in a root with ``opt/program`` and links to it.

    ``dispatcher`` is registered as the interpreter of ``architecture``, or, where ``emulator``
    runs it, called as the kernel would. ``lent`` is whether the kit has the program, ``user`` who
    starts it, and ``set_uid`` whether it is root's and made for others.
    """

    work: Path
    dispatcher: Path
    architecture: Architecture
    path: str
    words: tuple[str, ...]
    lent: bool = True
    model: str = "model"
    environment: dict[str, str] = field(default_factory=dict)
    emulator: Path | None = None
    user: int = 0
    set_uid: bool = False


@dataclass(frozen=True)
class Started:
    """With which words the loader or QEMU was called, its open files, and the record."""

    words: tuple[str, ...]
    files: tuple[str, ...]
    record: str


def start(request: Start) -> Started:
    """Start what is asked for, and tell what came of it; for use inside a namespace."""
    root = request.work / "root"
    _make_root(root, request)
    carry_out([*device_mounts(root / "dev"), Proc(root / "proc")])
    _make_kit(root / "dev/kit", request)
    record = root / "dev/kit.record"
    record.touch()
    words, executable = request.words, request.path
    if request.emulator:
        (root / "opt/emulator").write_bytes(request.emulator.read_bytes())
        (root / "opt/emulator").chmod(0o755)
        words = ("emulator", "/opt/dispatch", request.path, *request.words)
        executable = "/opt/emulator"
    else:
        emulate(request.architecture, root / "opt/dispatch")
    done = subprocess.run(
        words,
        executable=executable,
        preexec_fn=lambda: _enter(root, request.user),
        stdout=subprocess.PIPE,
        env=request.environment,
        check=True,
    )
    told = done.stdout.decode().split("\0")[:-1]
    files = tuple(word.removeprefix("open ") for word in told if word.startswith("open "))
    called = tuple(word for word in told if not word.startswith("open "))
    return Started(called, files, record.read_text())


def _enter(root: Path, user: int) -> None:
    os.chroot(root)
    os.chdir("/opt")
    os.setuid(user)


def _make_root(root: Path, request: Start) -> None:
    """The host's shell, and what is to be started."""
    root.mkdir()
    for name in ("bin", "lib", "lib64", "usr", "etc"):
        there = Path("/") / name
        if there.is_symlink():
            (root / name).symlink_to(there.readlink())
        elif there.exists():
            carry_out([Bind(there, root / name, read_only=True)])
    (root / "opt").mkdir()
    make_program(root / "opt/program", request.architecture)
    (root / "opt/program").chmod(0o4755 if request.set_uid else 0o755)
    (root / "opt/link").symlink_to("program")
    (root / "opt/script").write_text("#!/opt/link -e\n")
    (root / "opt/dispatch").write_bytes(request.dispatcher.read_bytes())
    for name in ("script", "dispatch"):
        (root / "opt" / name).chmod(0o755)


def _make_kit(kit: Path, request: Start) -> None:
    (kit / "programs/opt").mkdir(parents=True)
    tellers = ["ld.so", "qemu", *(["programs/opt/program"] if request.lent else [])]
    for name in tellers:
        (kit / name).write_text(TELL)
        (kit / name).chmod(0o755)
    if request.model:
        (kit / "cpu").symlink_to(request.model)


@dataclass(frozen=True)
class Lending:
    """A borrowed root, with ``emulator`` as its QEMU, if that is one, and a program to run.

    ``hidden`` is whether no program of the host's is found.
    """

    work: Path
    architecture: Architecture
    emulator: Path | None
    borrow: bool
    hidden: bool = False


def run_lent(request: Lending) -> str:
    """Run a foreign program that ends with 42, with the kit if that is wanted; answer the log."""
    borrowed, root = request.work / "tools", request.work / "root"
    if request.hidden:
        os.environ["PATH"] = str(request.work)
    (borrowed / "usr/bin").mkdir(parents=True)
    (borrowed / "usr/lib").mkdir()
    root.mkdir()
    make_program(root / "program", request.architecture)
    if request.emulator:
        copy = borrowed / f"usr/bin/qemu-{request.architecture.qemu}-static"
        copy.write_bytes(request.emulator.read_bytes())
        copy.chmod(0o755)
    log, tools = io.BytesIO(), Toolbox(borrowed)
    none = Lock("", (), ())
    with (
        chroot(Tree(root)) as bare,
        lending(tools, bare, request.architecture, none, borrow=request.borrow, log=log) as image,
    ):
        status, _ = attempt(["/program"], within=image.jail())
        assert status == 42
        assert len(image.devices) == (2 if request.borrow else 0)
    return log.getvalue().decode()


def lend_to_an_old_kernel(request: Lending) -> bool:
    """Whether something is lent where the kernel gives no binfmt_misc of our own."""
    root, none = request.work / "root", Lock("", (), ())
    root.mkdir()
    tools = Toolbox(request.work / "tools")
    with (
        chroot(Tree(root)) as bare,
        lending(tools, bare, request.architecture, none, borrow=True, log=io.BytesIO()) as image,
    ):
        return image != bare or has_own_binfmt()
