"""What a program in a jail finds, printed as JSON: ``python -m tests.support.jail_probe NAME``."""

import ctypes
import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from aimager.model.architecture import host_architecture
from aimager.sandbox.forbidden_syscalls import ABIS, forbidden, partly_forbidden

_libc = ctypes.CDLL(None, use_errno=True)


def tell_status() -> dict[str, str]:
    """The lines of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def tell_processes() -> dict[str, str]:
    """Every process that /proc shows, with its arguments."""
    return {
        path.name: (path / "cmdline").read_bytes().decode().replace("\0", " ")
        for path in Path("/proc").iterdir()
        if path.name.isdigit()
    }


def look_into_process_1() -> dict[str, str]:
    """What can be opened of process 1, and how that is refused."""
    found = {}
    for name in ("environ", "exe", "root", "cwd", "root/..", "mem", "maps", "auxv", "fdinfo/0"):
        place = f"/proc/1/{name}"
        for flags in (os.O_RDONLY, os.O_RDWR, os.O_PATH | os.O_DIRECTORY):
            found[f"{name} {flags:o}"] = _attempt(os.open, place, flags)
    return found


def _attempt(function: Callable[..., object], *arguments: object) -> str:
    try:
        function(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def make_forbidden_calls() -> dict[str, str]:
    """How each forbidden call of this machine's own ABI ends, made with zeros."""
    abi = ABIS[host_architecture()][0]
    return {name: _call(number) for name, number in forbidden(abi).items()}


def _call(number: int, *arguments: int) -> str:
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) for word in (*arguments, *[0] * (6 - len(arguments)))]
    result = _libc.syscall(ctypes.c_long(number), *words)
    return "done" if result != -1 else errno.errorcode[ctypes.get_errno()]


def make_partly_forbidden_calls() -> dict[str, str]:
    """How calls end that are refused with some arguments only."""
    abi = ABIS[host_architecture()][0]
    ioctl, clone = partly_forbidden("ioctl", abi), partly_forbidden("clone", abi)
    tiocsti, newuser = 0x5412, 0x10000000
    found = {
        "TIOCSTI": _call(ioctl, 0, tiocsti),
        "TIOCSTI, upper bits": _call(ioctl, 0, tiocsti | 1 << 40),
        "TIOCLINUX": _call(ioctl, 0, 0x541C),
        "TCGETS": _call(ioctl, 0, 0x5401),
        "clone into a user namespace": _call(clone, newuser | 17),
        "x32": _call(0x40000000 | 39),
    }
    for name in ("AF_VSOCK", "AF_ALG", "AF_PACKET", "AF_KEY", "AF_BLUETOOTH", "AF_UNIX"):
        family = getattr(socket, name, 15)  # AF_KEY
        found[name] = _attempt(socket.socket, family, socket.SOCK_STREAM)
    return found


def work_with_threads() -> dict[str, str]:
    """That threads and programs start although clone3 is refused."""
    said: list[str] = []
    threads = [threading.Thread(target=said.append, args=("thread",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    program = subprocess.run(["sh", "-c", "echo program"], capture_output=True, text=True)
    spawned = os.posix_spawn("/bin/true", ["true"], {})
    status = os.waitstatus_to_exitcode(os.waitpid(spawned, 0)[1])
    return {"threads": " ".join(said), "program": program.stdout, "spawned": str(status)}


def change_mounts() -> dict[str, str]:
    """Whether what is read-only can be made writable, or taken away to see what is below."""
    bind, remount, read_only = 0x1000, 0x20, 0x1
    found = {}
    for place in ("/usr", "/proc/sys", "/sys"):
        here = place.encode()
        remounted = _libc.mount(None, here, None, ctypes.c_ulong(bind | remount), None)
        found[f"remount {place}"] = "done" if not remounted else errno.errorcode[_errno()]
        gone = _libc.umount2(here, 2)
        found[f"umount {place}"] = "done" if not gone else errno.errorcode[_errno()]
        found[f"write {place}"] = _attempt(os.open, f"{place}/new", os.O_CREAT | os.O_WRONLY)
    again = _libc.mount(None, b"/usr", None, ctypes.c_ulong(bind | remount | read_only), None)
    found["is it mount(2) that is refused"] = "no" if not again else errno.errorcode[_errno()]
    return found


def _errno() -> int:
    return ctypes.get_errno()


def change_the_machine() -> dict[str, str]:
    """What of the machine's settings and devices can be opened for writing, or read."""
    found = {}
    for name in (
        *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger"),
        *(
            "/proc/sys/fs/binfmt_misc/register",
            "/proc/sys/vm/drop_caches",
            "/proc/irq/0/smp_affinity",
        ),
        *("/sys/kernel/uevent_helper", "/sys/power/state", "/sys/fs/cgroup/cgroup.procs"),
        *(
            "/proc/1/oom_score_adj",
            "/dev/mem",
            "/dev/kmsg",
            "/dev/console",
            "/dev/tty",
            "/dev/tty0",
        ),
    ):
        found[name] = _attempt(os.open, name, os.O_WRONLY)
    for name in ("/proc/kcore", "/proc/keys", "/proc/kallsyms", "/proc/timer_list"):
        found[f"read {name}"] = _attempt(_read_one, name)
    for kind, word in ((0o060000, "block"), (0o020000, "character")):
        found[f"mknod {word}"] = _attempt(os.mknod, f"/tmp/{kind}", kind | 0o600, 0x103)
    found["chroot"] = _attempt(os.chroot, "/tmp")
    found["sethostname"] = _attempt(socket.sethostname, "x")
    found["nice"] = _attempt(os.nice, -5)
    return found


def _read_one(name: str) -> None:
    with Path(name).open("rb") as stream:
        if not stream.read(1):
            raise OSError(errno.ENODATA, "")


def steal_descriptors() -> dict[str, str]:
    """What this program has inherited."""
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return {str(n): os.readlink(f"/proc/self/fd/{n}") for n in numbers if _is_open(n)}  # noqa: PTH115


def _is_open(number: int) -> bool:
    try:
        fcntl.fcntl(number, fcntl.F_GETFD)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
