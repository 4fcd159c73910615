"""What a signed package's scriptlet gets when it is installed: nothing but its own image.

Each attack says on standard output, which lies in the image afterwards, what it ``got``. The test
looks from outside, too: at sockets that listen, a terminal, a home, and a cache.
"""

import ctypes
import os
import pty
import socket
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import AimagerError
from aimager.sandbox.supervisor import FORK_SERVER
from tests.support import looking
from tests.support.hostile_package import Maker, packager

SESSION = looking.KEY_SPEC_SESSION_KEYRING
ADD_KEY = {"x86_64": 248}.get(os.uname().machine, 217)
KEYCTL = {"x86_64": 250}.get(os.uname().machine, 219)
KEYCTL_UNLINK = 9


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Who makes the packages."""
    with packager(tmp_path_factory.mktemp("packager")) as made:
        yield made


@dataclass(frozen=True)
class Victim:
    """A user with a ``home`` and a ``cache``, who has the ``secret`` in every place."""

    home: Path
    cache: Path
    secret: str
    words: dict[str, str]

    def tell(self, code: str) -> str:
        """``code`` with the places filled in that an attacker may guess."""
        for name, text in self.words.items():
            code = code.replace(f"@{name}@", text)
        return code

    def kept(self) -> dict[str, str]:
        """All files of the cache's products."""
        found = (path for path in (self.cache / "product").rglob("*") if path.is_file())
        return {str(path): path.read_text(errors="replace")[:99] for path in found}


def listen(undo: ExitStack, address: str, secret: str) -> None:
    """Answer everybody who connects with the secret."""
    server = undo.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(address)
    server.listen()

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.sendall(secret.encode())

    threading.Thread(target=answer, daemon=True).start()
    undo.callback(server.shutdown, socket.SHUT_RDWR)


@pytest.fixture
def victim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Victim]:
    """The user, for one test."""
    secret = f"secret-{uuid.uuid4().hex}"
    with ExitStack() as undo:
        place = Path(undo.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp")))
        home, cache = place / "home", place / "home/cache"
        for name in (".ssh/id_ed25519", ".aws/credentials"):
            (home / name).parent.mkdir(parents=True)
            (home / name).write_text(secret)
        for name in ("rootfs.tar.zst", "record.json"):
            file = cache / "product/make-rootfs-archive/p/id" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("as it was")
        monkeypatch.setenv("HOME", str(home))
        for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK"):
            monkeypatch.setenv(name, secret)
        agent = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="ssh-", dir="/tmp")))
        multiplexer = Path(f"/tmp/tmux-{os.getuid()}")
        multiplexer.mkdir(mode=0o700, exist_ok=True)
        session = multiplexer / f"aimager-{secret}"
        undo.callback(session.unlink)
        abstract = f"aimager-{uuid.uuid4().hex}"
        listen(undo, f"{agent}/agent.1", secret)
        listen(undo, str(session), secret)
        listen(undo, f"\0{abstract}", secret)
        master, slave = pty.openpty()
        undo.callback(os.close, master)
        undo.callback(os.close, slave)
        os.write(master, f"{secret}\n".encode())
        _remember(undo, secret)
        FORK_SERVER.dismiss()  # which was started before all that
        words = {
            "home": str(home),
            "cache": str(cache),
            "agent": f"{agent}/agent.1",
            "session": str(session),
            "abstract": abstract,
            "terminal": os.ttyname(slave),
        }
        yield Victim(home, cache, secret, words)


def _remember(undo: ExitStack, secret: str) -> None:
    """Add a key to the session keyring."""
    libc = ctypes.CDLL(None, use_errno=True)
    text = secret.encode()
    key = libc.syscall(ADD_KEY, b"user", looking.SECRET_KEY, text, len(text), SESSION)
    if key > 0:
        undo.callback(libc.syscall, KEYCTL, KEYCTL_UNLINK, key, SESSION)


STOLEN = {
    "a socket of the host's": 'unix("@session@"); unix("@agent@"); leave; unix("@session@");'
    ' unix("@agent@"); unix($_) for everywhere("@agent@", "@session@")',
    "an environment": 'look("$_/environ") for processes; leave;'
    ' look("$_/environ") for processes, map { list("$_/task") } processes',
    "what is typed": 'look("@terminal@"); leave; look($_) for everywhere("@terminal@");'
    ' look($_) for list("/dev/pts")',
    "a key": "my ($type, $name) = ('user', 'aimager-test');"
    " my $key = syscall(@keyctl@, 10, -3, $type, $name, 0);"
    " my $data = ' ' x 99; syscall(@keyctl@, 11, $key, $data, 99) if $key > 0;"
    " got 'key' if index($data, $secret) >= 0",
    "a file of the home's": 'my @f = ("@home@/.ssh/id_ed25519", "@home@/.aws/credentials");'
    " look($_) for everywhere(@f); leave; look($_) for everywhere(@f)",
    "a file by /proc/1": 'leave; look("/proc/1/$_@home@/.ssh/id_ed25519") for qw(root cwd);'
    ' look("/proc/1/root/proc/$_/root@home@/.ssh/id_ed25519") for 1 .. 30;',
    "process 1": "if (syscall(@ptrace@, 16, 1, 0, 0) == 0)"
    " { waitpid(1, 0x40000000); got 'ptrace'; syscall(@ptrace@, 17, 1, 0, 0) }",
    "memory of process 1": 'leave; sysopen(my $f, "/proc/1/mem", 2) and got "memory"',
    "a new user namespace": "leave; got 'namespace' if syscall(@unshare@, 0x10000000) == 0",
    "mounts": 'my $at = "/m"; mkdir $at; for (qw(tmpfs proc binfmt_misc)) { my $type = "$_";'
    " got $type if syscall(@mount@, $type, $at, $type, 0, 0) == 0 }",
    "a socket to the hypervisor": "socket(my $s, 40, 1, 0) and got 'vsock'",
    "a setting of the kernel's": "leave; for (qw(kernel/core_pattern kernel/modprobe"
    ' fs/binfmt_misc/register)) { sysopen(my $f, "/proc/sys/$_", 1) and got $_ }'
    ' sysopen(my $f, "/proc/sysrq-trigger", 1) and got "sysrq"',
}
"""Attacks that got something before a worker had a root of its own, and programs a jail."""

HELD = {
    "an abstract socket": 'ask(1, pack("S x a*", 1, "@abstract@"))',
    "a block device": 'my $at = "/b"; syscall(@mknod@, $at, 060666, 0x800) == 0'
    ' and sysopen(my $f, "/b", 0) and got "device"',
    "a network": "ask(2, pack('S n C4 x8', 2, 22, 127, 0, 0, 1))",
    "events of the kernel's": "my $s; socket($s, 16, 3, 15)"
    " and bind($s, pack('S x2 L L', 16, 0, 1)) and do { local $SIG{ALRM} = sub { die }; alarm 1;"
    " eval { sysread($s, my $d, 9) and got 'event' }; alarm 0 }",
}
"""Attacks that got nothing before either."""

NUMBERS = {
    "x86_64": {"ptrace": 101, "unshare": 272, "mount": 165, "mknod": 133, "keyctl": 250},
}.get(os.uname().machine, {"ptrace": 117, "unshare": 97, "mount": 40, "mknod": 33, "keyctl": 219})


def steal(maker: Maker, victim: Victim, code: str) -> str:
    for name, number in NUMBERS.items():
        code = code.replace(f"@{name}@", str(number))
    return maker.install(victim.cache, victim.tell(code), victim.secret)


@pytest.mark.parametrize("code", [*STOLEN.values(), *HELD.values()], ids=[*STOLEN, *HELD])
def test_a_scriptlet_gets_nothing(maker: Maker, victim: Victim, code: str) -> None:
    before = victim.kept()
    assert steal(maker, victim, code) == "tried\n"
    after = victim.kept()
    assert {name: after[name] for name in before} == before


CACHE = """
leave;
for my $base ("", map { ("$_/root", "$_/cwd") } processes) {
    my $product = "$base@cache@/product/make-rootfs-archive/p/id";
    put "$product/rootfs.tar.zst"; put "$product/record.json"; put "$base@cache@/product/suid";
    chmod 04755, "$base@cache@/product/suid";
    put "$base@cache@/$_" for qw(doit.json lock.json log/y.log keyring pkg/new);
}
"""


def test_it_writes_nothing_into_the_cache(maker: Maker, victim: Victim) -> None:
    before = victim.kept()
    assert steal(maker, victim, CACHE) == "tried\n"
    after = victim.kept()
    assert {name: after[name] for name in before} == before
    made = {path.relative_to(victim.cache) for path in victim.cache.rglob("*") if path.is_file()}
    assert {str(path.name) for path in made} == {
        *("rootfs.tar.zst", "record.json", "root.tar.zst", "lock.json", "x.log"),
        *("hostile-1-1-x86_64.pkg.tar.zst", "hostile-1-1-x86_64.pkg.tar.zst.sig"),
    }
    assert "put" not in (victim.cache / "lock.json").read_text()
    modes = {path: path.lstat().st_mode & 0o6000 for path in victim.cache.rglob("*")}
    assert not any(modes.values()), "no set-uid file of the user's is left"


TOOLS = """
leave;
my @roots = ("", map { ($_, "$_/run/lender", "$_/run/borrowed") } "", map { "$_/root" } processes);
for my $base (@roots) {
    for (qw(usr/bin/pacman usr/bin/gpg usr/bin/tar usr/bin/evil run/evil kit/evil)) {
        my $path = "$base/$_"; unlink $path; put $path; chmod 0755, $path;
    }
    put "$base/run/packages/evil"; put "$base/run/pacman/hooks/evil.hook";
    put "$base/run/pacman/pacman.conf"; put "$base/run/pacman/gnupg/evil";
    unlink list("$base/run/packages");
}
"""

FIND = """
leave;
for my $base ("", map { "$_/root" } processes) {
    for (qw(usr/bin/pacman usr/bin/gpg usr/bin/tar usr/bin/evil kit/evil run/evil
            run/packages/evil run/pacman/hooks/evil.hook run/pacman/pacman.conf
            run/pacman/gnupg/evil)) {
        open(my $f, "<", "$base/$_") or next; read($f, my $d, 3); got "$base/$_" if $d eq "put";
    }
}
"""


def test_the_next_call_has_nothing_of_it(maker: Maker, victim: Victim) -> None:
    """Tools are kept in memory from one call to the next."""
    assert steal(maker, victim, TOOLS) == "tried\n"
    (victim.cache / "lock.json").unlink()
    (victim.cache / "made").rmdir()
    assert steal(maker, victim, FIND) == "tried\n"


SIGNALS = {
    "all of them": "leave; kill 9, -1; sleep 1; kill 15, -1",
    "process 1": "kill 9, 1; kill 15, 1; kill 2, 1; kill 19, 1; print qq(alive\\n)",
    "its parents": "kill 9, getppid; sleep 1; kill 9, getppid",
}


@pytest.mark.parametrize("code", SIGNALS.values(), ids=SIGNALS)
def test_signals_reach_no_further_than_pacman(maker: Maker, victim: Victim, code: str) -> None:
    try:
        said = steal(maker, victim, code)
    except AimagerError as error:
        assert "Traceback" not in str(error)
        assert "\n" not in error.message.split(":\n")[0]
    else:
        assert "got" not in said


def test_what_is_left_running_is_ended(maker: Maker, victim: Victim) -> None:
    mark = f"daemon-{uuid.uuid4().hex}"
    code = (
        f"for (1 .. 3) {{ fork or exec '/usr/bin/perl', '-e', 'sleep 600', '{mark}' }}"
        " syscall(112) if 0;"
    )
    assert steal(maker, victim, code) == "tried\n"
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(mark.encode() in path.read_bytes())
        except OSError:
            continue
    assert not any(found)
