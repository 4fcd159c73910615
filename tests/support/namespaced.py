"""Functions that the tests run inside a namespace, and what they are asked and answer."""

import ctypes
import errno
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import CommandError, TrustError
from aimager.model.architecture import Architecture
from aimager.sandbox import binfmt_mount as emulation
from aimager.sandbox import syscalls
from aimager.sandbox.binfmt import Emulation
from aimager.sandbox.namespace import call
from tests.support import nested

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2


@dataclass(frozen=True)
class Place:
    """A directory, and a word by which processes are found."""

    path: Path
    word: str = ""


@dataclass(frozen=True)
class Facts:
    """What a process in a namespace knows of itself."""

    pid: int
    uid: int
    gid: int
    groups: tuple[int, ...]
    hostname: str
    umask: int
    descriptors: tuple[str, ...]
    processes: tuple[str, ...]
    interfaces: tuple[str, ...]
    environment: dict[str, str]
    gpg_sockets: bool


def tell_facts(place: Place) -> Facts:
    """Describe this process, and what a program that it starts inherits."""
    umask = os.umask(0)
    os.umask(umask)
    code = (
        "import os\nfor n in os.listdir('/proc/self/fd'):\n"
        "    try: print(n, os.readlink('/proc/self/fd/' + n))\n    except OSError: pass"
    )
    listed = subprocess.run(
        [sys.executable, "-c", code], close_fds=False, capture_output=True, text=True, check=True
    )
    return Facts(
        pid=os.getpid(),
        uid=os.getuid(),
        gid=os.getgid(),
        groups=tuple(os.getgroups()),
        hostname=socket.gethostname(),
        umask=umask,
        descriptors=tuple(listed.stdout.splitlines()),
        processes=tuple(path.name for path in Path("/proc").iterdir() if path.name.isdigit()),
        interfaces=tuple(name for _, name in socket.if_nameindex()),
        environment=dict(os.environ),
        gpg_sockets=Path("/run/user/0").stat().st_mode & 0o777 == 0o700,
    )


@dataclass(frozen=True)
class Swap:
    """A file to read, and one through which both sides tell how far they are."""

    path: Path
    turns: Path


def read_twice(swap: Swap) -> list[str]:
    """What the file has now, and when the other side has said that another has its name."""
    first = swap.path.read_text()
    swap.turns.write_text("read")
    while swap.turns.read_text() != "swapped":
        time.sleep(0.01)
    return [first, swap.path.read_text()]


def write_files(place: Place) -> list[str]:
    """Make files of several owners, one below a directory that nobody may enter."""
    for uid, gid in ((0, 0), (11, 50), (65534, 65534), (65535, 65535)):
        directory = place.path / f"of-{uid}" / "nested" / "deep"
        directory.mkdir(parents=True)
        (directory / "file").write_text("content")
        for path in (directory / "file", directory, directory.parent):
            os.chown(path, uid, gid)
        directory.chmod(0)
    return names(place.path)


def write_and_wait(place: Place) -> None:
    """Write files, start a daemon that is on its own, say so, and wait."""
    write_files(place)
    daemon = [sys.executable, "-c", "import time; time.sleep(600)", place.word]
    subprocess.Popen(daemon, start_new_session=True)
    print("ready", flush=True)
    time.sleep(600)


def try_to_write(place: Place) -> bool:
    """Whether a file can be made at that place."""
    try:
        (place.path / "written").write_text("content")
    except OSError:
        return False
    return True


def fill(place: Place) -> str:
    """Write until the place is full and say which error that is."""
    try:
        with (place.path / "big").open("wb") as stream:
            for _ in range(64):
                stream.write(bytes(1 << 20))
                stream.flush()
    except OSError as error:
        return str(error.strerror)
    return "it all fitted"


def raise_trust_error(place: Place) -> None:
    """Raise an error of ours."""
    raise TrustError("the key is another", hint="get the right one")


def raise_command_error(place: Place) -> None:
    """Raise an error that has more than a message."""
    raise CommandError(["false", "-x"], 3, "last\nlines", hint="do better")


def raise_bug(place: Place) -> None:
    """Raise what nobody foresaw."""
    raise ZeroDivisionError("a bug")


def leave(place: Place) -> None:
    """End without an answer."""
    os._exit(7)


def echo(text: str) -> str:
    """Answer what was asked."""
    return text


def make_program(path: Path, architecture: Architecture) -> None:
    """Write a static ELF program that ends with status 42, and starts with `exit(42)`."""
    code = {
        # mov x0, #42; mov x8, #93; svc #0
        Architecture.aarch64: bytes.fromhex("400580d2 a80b80d2 010000d4"),
        # mov edi, 42; mov eax, 60; syscall
        Architecture.x86_64: bytes.fromhex("bf2a000000 b83c000000 0f05"),
    }[architecture]
    base, start = 0x400000, 64 + 56
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = base + start
    header = struct.pack(
        "<HHIQQQIHHHHHH", 2, architecture.elf_machine, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    size = start + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    path.write_bytes(ident + header + segment + code)
    path.chmod(0o755)


@dataclass(frozen=True)
class Foreign:
    """A place for a tree, and the architecture of the program in it."""

    path: Path
    architecture: Architecture


def run_foreign(foreign: Foreign) -> int:
    """Run a program of another architecture in a root that holds nothing else."""
    root = foreign.path / "root"
    root.mkdir()
    make_program(root / "program", foreign.architecture)
    # subprocess's preexec_fn would do too, but this shows the kernel's own answer.
    child = os.fork()
    if not child:
        try:
            os.chroot(root)
            os.chdir("/")
            os.execv("/program", ["program"])
        except OSError as error:
            os._exit(error.errno or 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def register_what_is_missing(foreign: Foreign) -> None:
    """Register an interpreter that does not exist."""
    emulation.start_emulation(Emulation(foreign.architecture, Path("/nonexistent"), True))


def nest(place: Place) -> Facts:
    """Describe a process in a namespace in this one, whose /proc is partly covered."""
    syscalls.mount("tmpfs", "/proc/fs", "tmpfs")
    work = place.path / "inner"
    return call(tell_facts, Place(work), work=work)


@dataclass(frozen=True)
class Forbidden:
    """A place, and the number of a system call that the kernel is to refuse there."""

    path: Path
    syscall: int


def nest_without(forbidden: Forbidden) -> bool:
    """Whether a namespace in this one can write its work, the system call being refused."""
    forbid(forbidden.syscall)
    work = forbidden.path / "inner"
    return call(try_to_write, Place(work), work=work)


def nest_elsewhere(forbidden: Forbidden) -> bool:
    """The same on a machine of another name."""
    socket.sethostname("elsewhere")
    return nest_without(forbidden)


def names(directory: Path) -> list[str]:
    """The names in a directory, in order."""
    return sorted(path.name for path in directory.iterdir())


def forbid(syscall: int) -> None:
    """Have the kernel refuse a system call with EPERM, as a container's seccomp filter does."""
    load_number = struct.pack("HBBI", 0x20, 0, 0, 0)  # BPF_LD|BPF_W|BPF_ABS
    if_equal = struct.pack("HBBI", 0x15, 0, 1, syscall)  # BPF_JMP|BPF_JEQ|BPF_K
    refuse = struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | 1)  # SECCOMP_RET_ERRNO, EPERM
    allow = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
    program = ctypes.create_string_buffer(load_number + if_equal + refuse + allow)
    filter_ = struct.pack("HxxxxxxP", 4, ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    one = ctypes.c_ulong(1)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) == 0
    assert libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), filter_, zero, zero) == 0


def enter_outer(user: int) -> None:
    """Be ``user`` in a user namespace that has no other id, with mounts of its own."""
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{user} {gid} 1")


def cover(path: str, by: str) -> None:
    """Have ``by`` seen where ``path`` is, in this mount namespace."""
    syscalls.mount(by, path, None, syscalls.MS_BIND)


def tell_machine(place: Place) -> str:
    """Answer what ``uname -m`` prints to programs here."""
    return os.uname().machine


def nest_folders(place: Place) -> None:
    """Make more folders in one another than Python recurses, of a path that is too long."""
    place.path.mkdir()
    nested.nest(place.path)


def fail_about_paths(place: Place) -> None:
    """Fail in the way that the first of its words says, about the second and other paths."""
    kind, product = place.word.split()
    said = f"{place.path}/root/etc/x, /run/image/etc/y and {product} are bad"
    match kind:
        case "trust":
            raise TrustError(said, hint=f"remove {place.path}/root/etc/x")
        case "command":
            raise CommandError(["false", str(place.path)], 3, f"first\n{said}", hint="look there")
        case _:
            raise OSError(errno.EACCES, "Permission denied", f"{place.path}/root/etc/x")
