"""What is put into a shared store is had from it, or, if it was changed, nothing."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from aimager.model.remote import Remote
from aimager.products.remote import transport as remote_files
from aimager.products.remote.store import find, is_exposed, put, take
from tests.support.cells import delete, flip_byte, truncate
from tests.support.entries import (
    FOLDER,
    NAMES,
    connect_anew,
    entry_of,
    fill,
    make_source,
    shared_folder,
    take_all,
)
from tests.support.stores import BUCKET, serving_gs, serving_s3, serving_ssh
from tests.support.webserver import Site


@pytest.fixture(autouse=True)
def _anew() -> None:
    """Connections of its own for each test."""
    connect_anew()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is put there."""
    return make_source(tmp_path)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    """The environment of a server that speaks S3."""
    with serving_s3() as settings:
        yield settings


@pytest.fixture(scope="module")
def gs() -> Iterator[dict[str, str]]:
    """The environment of a server that speaks as Google's."""
    with serving_gs() as settings:
        yield settings


@pytest.fixture(params=["folder", "s3", "gs"])
def remote(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Remote:
    """An empty store of each kind that this machine can serve."""
    if request.param == "folder":
        return shared_folder(tmp_path)
    for name, value in request.getfixturevalue(request.param).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fsspec.config, "conf", {})
    fsspec.config.set_conf_env(fsspec.config.conf)
    return Remote(f"{request.param}://{BUCKET}/{request.node.name}", tmp_path / "run")


def test_what_is_put_is_had(
    remote: Remote, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find(remote, FOLDER) is None
    entry = fill(remote, source)
    assert take_all(remote, entry, tmp_path / "got") == [True, True]
    for name in NAMES:
        assert (tmp_path / "got" / name).read_bytes() == (source / name).read_bytes()
    put(remote, FOLDER, entry, source)  # as two machines do that make the same
    assert find(remote, FOLDER) == entry
    assert capsys.readouterr().out == ""
    assert not remote.notes.exists()


def test_an_entry_without_a_record_is_none(remote: Remote, source: Path) -> None:
    fill(remote, source)
    remote_files.write(remote, f"{FOLDER}/record.json", b'{"files": [{"na')
    assert find(remote, FOLDER) is None


def lengthen(path: Path) -> None:
    """Let it have a TiB more, as a hole."""
    os.truncate(path, path.stat().st_size + (1 << 40))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (flip_byte, "is damaged: it has sha256 "),
        (truncate, f"is damaged: it has {(17 << 20) // 2} bytes and not {17 << 20}"),
        (delete, "is missing"),
        (lengthen, "is damaged: it has at least "),
    ],
)
def test_what_is_damaged_is_told_of_and_made_void(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[Path], None],
    said: str,
) -> None:
    remote = shared_folder(tmp_path)
    entry = fill(remote, source)
    harm(tmp_path / "store" / FOLDER / NAMES[0])
    target = tmp_path / "got" / NAMES[0]
    assert not take(remote, FOLDER, entry.files[0], target)
    assert not target.exists()
    assert list(target.parent.iterdir()) == []
    assert capsys.readouterr().out.startswith(f"   the remote store's {FOLDER}/{NAMES[0]} {said}")
    assert find(remote, FOLDER) is None
    fill(remote, source)
    assert take_all(remote, entry, tmp_path / "got") == [True, True]


@pytest.mark.parametrize("text", ["", "gibberish", "5", "[]", "[" * 200_000, '{"files": 5}'])
def test_a_record_that_is_none(source: Path, tmp_path: Path, text: str) -> None:
    remote = shared_folder(tmp_path)
    fill(remote, source)
    (tmp_path / "store" / FOLDER / "record.json").write_text(text)
    assert find(remote, FOLDER) is None


def test_a_folder_that_is_full(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = shared_folder(tmp_path)
    full = tmp_path / "store" / FOLDER / NAMES[0]
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    put(remote, FOLDER, entry_of(source), source)
    assert "cannot be written: [Errno 28] No space left on device" in capsys.readouterr().out
    assert find(remote, FOLDER) is None


def test_a_flipped_byte_in_a_bucket(
    s3: dict[str, str], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    remote = Remote(f"s3://{BUCKET}/flipped", tmp_path / "run")
    entry = fill(remote, source)
    wrong = tmp_path / "wrong"
    wrong.write_bytes((source / NAMES[0]).read_bytes())
    flip_byte(wrong)
    remote_files.send(remote, f"{FOLDER}/{NAMES[0]}", wrong)
    assert take_all(remote, entry, tmp_path / "got") == [False, True]
    assert find(remote, FOLDER) is None


def test_by_ssh_the_host_must_be_known(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with serving_ssh(home) as port:
        remote = Remote(f"ssh://alice@127.0.0.1:{port}{tmp_path}/store", tmp_path / "run")
        assert find(remote, FOLDER) is None
        entry = fill(remote, source)
        assert take_all(remote, entry, tmp_path / "got") == [True, True]
        assert capsys.readouterr().out == ""
        (home / ".ssh/known_hosts").write_text("")
        connect_anew()
        assert find(remote, FOLDER) is None
        assert "failed: Host key is not trusted" in capsys.readouterr().out


def test_a_web_server_is_read_and_never_written(
    site: Site, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local = shared_folder(tmp_path)
    entry = fill(local, source)
    store = tmp_path / "store"
    for path in (path for path in store.rglob("*") if path.is_file()):
        site.content[f"/{path.relative_to(store)}"] = path.read_bytes()
    remote = Remote(site.url, tmp_path / "run")
    assert find(remote, FOLDER) == entry
    assert take_all(remote, entry, tmp_path / "got") == [True, True]
    put(remote, "pkg/ab/cd", entry, source)
    assert find(remote, "pkg/ab/cd") is None
    assert capsys.readouterr().out == ""
    assert not is_exposed(remote)


def test_plain_http_of_another_machine_is_exposed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = Remote("http://192.0.2.1/x", tmp_path / "run")
    assert is_exposed(remote)
    assert is_exposed(remote)
    assert capsys.readouterr().out == (
        "   the remote store http://192.0.2.1/x is read by plain http, which anybody on the way"
        " can change; only packages are taken from there\n"
    )
    for url in ("https://192.0.2.1/x", "http://localhost/x", "http://127.0.0.1:80", "s3://b"):
        assert not is_exposed(Remote(url, tmp_path / "run"))


def test_a_record_is_plain_json(source: Path, tmp_path: Path) -> None:
    remote = shared_folder(tmp_path)
    fill(remote, source)
    record = json.loads((tmp_path / "store" / FOLDER / "record.json").read_text())
    assert [file["name"] for file in record["files"]] == list(NAMES)
    assert record["made_from"] == {"lock": "f" * 64}
