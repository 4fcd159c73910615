"""What exists where a stage works: what its call needs, and nothing else of the host's."""

import ctypes
import os
import pty
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.process import ENVIRONMENT
from aimager.progress import HEARD
from aimager.sandbox import worker_root
from aimager.sandbox.namespace import call
from aimager.sandbox.worker_root import CERTIFICATES
from tests.support import looking
from tests.support.looking import SECRET_KEY, Inheritance, Look, Room
from tests.support.places import ROOT

OWN = {"dev", "etc", "proc", "root", "run", "sys", "tmp"}
DEVICES = (
    *("fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout"),
    *("urandom", "zero"),
)
SETTINGS = (*worker_root._SETTINGS, "passwd", "group")
WITH_NETWORK = (*SETTINGS, *worker_root._NETWORK_SETTINGS)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "work"


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that is not below /tmp."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def look(work: Path, *paths: str | Path, **how: object) -> Room:
    return call(looking.look, Look(tuple(map(os.fspath, paths))), work=work, **how)  # type: ignore[arg-type]


def firsts(paths: list[Path]) -> set[str]:
    """The names in the top folder that lead to these."""
    return {path.parts[1] for path in paths}


def test_the_top(work: Path) -> None:
    programs = {name for name in worker_root._PROGRAMS if Path("/", name).exists()}
    places = [work, Path.cwd(), *(seen.target for seen in worker_root.code())]
    found = look(work, "/").folders["/"]
    assert set(found) == OWN | firsts([Path("/", name) for name in programs]) | firsts(places)


@pytest.mark.parametrize("network", [False, True])
def test_the_settings(work: Path, network: bool) -> None:
    found = set(look(work, "/etc", network=network).folders["/etc"])
    wanted = WITH_NETWORK if network else SETTINGS
    there = {"passwd", "group", *(n for n in wanted if Path("/etc", n).exists())}
    assert found == {name.split("/")[0] for name in there}
    keys = (
        "/etc/shadow",
        "/etc/ssh",
        "/etc/ssl/private",
        "/etc/pki/tls/private",
        "/etc/machine-id",
    )
    assert look(work, *keys, network=network).folders == {}


def test_devices_and_folders_of_its_own(work: Path) -> None:
    room = look(work, "/dev", "/dev/pts", "/dev/shm", "/run", "/run/user/0", "/proc", "/root")
    assert room.folders["/dev"] == sorted(DEVICES)
    assert room.folders["/dev/pts"] == ["ptmx"]
    assert room.folders["/dev/shm"] == room.folders["/run/user/0"] == []
    assert room.folders["/run"] == ["user"]
    assert [name for name in room.folders["/proc"] if name.isdigit()] == ["1"]
    homes = [seen.target for seen in worker_root.code() if seen.target.is_relative_to("/root")]
    assert room.folders["/root"] == sorted({path.parts[2] for path in [*homes] if path.parts[2:]})


def test_the_hosts_temporary_files_are_not_there(work: Path, elsewhere: Path) -> None:
    with tempfile.NamedTemporaryFile(dir="/tmp") as file:
        room = look(work, "/tmp", file.name, elsewhere, "/var/tmp")
    assert room.files == {}
    assert str(elsewhere) not in room.folders
    assert set(room.folders["/tmp"]) <= firsts([Path("/", *work.parts[2:])])


def test_only_inputs_of_the_cache(work: Path, elsewhere: Path) -> None:
    cache = elsewhere / "cache"
    for name in ("product/a/b/one", "product/a/b/record.json", "product/a/c/other", "doit.json"):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("content")
    one = cache / "product/a/b/one"
    room = look(cache / "work/x", cache, one.parent, one, one.parent.parent, reads=[one])
    assert room.folders == {
        str(cache): ["product", "work"],
        str(one.parent): ["one"],
        str(one.parent.parent): ["b"],
    }
    assert room.files == {str(one): "content"}
    assert str(one) not in look(cache / "work/x", one, reads=[one]).written


def inherited(work: Path, monkeypatch: pytest.MonkeyPatch, **how: object) -> Inheritance:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "GNUPGHOME", "PS1"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("https_proxy", "http://user:secret@proxy")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "77")
    monkeypatch.setenv("TERM", "xterm")
    return call(looking.tell_inheritance, "", work=work, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [False, True])
def test_the_environment_is_a_fixed_list(
    work: Path, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("no_proxy", "NO_PROXY", HEARD, *CERTIFICATES):
        monkeypatch.delenv(name, raising=False)
    found = inherited(work, monkeypatch, network=network)
    fixed = {*ENVIRONMENT, "TMPDIR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    passed = {"SOURCE_DATE_EPOCH", "TERM"}
    proxies = {"https_proxy"} if network else set()
    assert set(found.environment) == fixed | passed | proxies
    assert found.environment["SOURCE_DATE_EPOCH"] == "77"
    # What starts supervisors was itself started before the call was known, perhaps while another
    # test was heard: its environment has no proxy.
    assert set(found.of_process_1) <= fixed | passed | {HEARD}
    assert "secret" not in str(found.of_process_1)


def test_a_supervisor_of_a_server_that_was_there_knows_no_more(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited(work, monkeypatch)  # after which what starts them is there
    assert "secret" not in str(inherited(work, monkeypatch))


def test_no_descriptor_of_the_users(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = pty.openpty()
    kept = [os.dup(number) for number in range(3)]
    opened = os.open(tmp_path / "mine", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(opened, True)
    try:
        for number in range(3):
            os.dup2(slave, number)
        found = inherited(work, monkeypatch)
    finally:
        for number, old in enumerate(kept):
            os.dup2(old, number)
        for number in (*kept, master, slave, opened):
            os.close(number)
    assert found.terminals == []
    kinds = {text.split(":")[0] for text in found.descriptors if text}
    assert kinds <= {"pipe", "socket", "/dev/null", "anon_inode", str(work), "/proc/1/fd", "/"}
    assert [line.split()[0] for line in found.of_program] == ["0", "1", "2"]
    assert found.of_program[0] == "0 /dev/null"


def test_the_session_keyring_is_new(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    add_key = {"x86_64": 248}.get(os.uname().machine, 217)
    made = libc.syscall(
        add_key, b"user", SECRET_KEY, b"secret", 6, looking.KEY_SPEC_SESSION_KEYRING
    )
    if made < 0:
        pytest.skip("there are no keys here")
    assert looking.find_key()
    assert not inherited(work, monkeypatch).finds_key


def test_what_is_missing_is_left_out(work: Path, tmp_path: Path) -> None:
    assert look(work, tmp_path / "no", reads=[tmp_path / "no"]).files == {}
    (tmp_path / "dangling").symlink_to("nowhere")
    assert look(work, tmp_path / "dangling", reads=[tmp_path / "dangling"]).files == {}


def test_nothing_that_is_seen_can_be_written(work: Path, elsewhere: Path) -> None:
    (elsewhere / "folder").mkdir()
    paths: list[str | Path] = [
        "/usr",
        "/etc/nsswitch.conf",
        ROOT / "aimager",
        elsewhere / "folder",
        "/sys",
    ]
    room = look(work, *paths, "/tmp", "/run", work, reads=[elsewhere / "folder"])
    assert room.written == ["/tmp", "/run", str(work)]
