"""A shared store that fails is told of once, and no build waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.model.remote import Remote
from aimager.products.remote import transport as remote_files
from aimager.products.remote.store import find, is_given_to, put
from tests.support.entries import (
    FOLDER,
    connect_anew,
    entry_of,
    fill,
    make_source,
    shared_folder,
    take_all,
)
from tests.support.stores import SETTINGS, hanging, serving_s3
from tests.support.webserver import Site, serving, silence


@pytest.fixture(autouse=True)
def _anew() -> None:
    """Connections of its own for each test."""
    connect_anew()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is put there."""
    return make_source(tmp_path)


@pytest.fixture
def s3() -> Iterator[dict[str, str]]:
    """The environment of a server that speaks S3."""
    with serving_s3() as settings:
        yield settings


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.mark.parametrize("kind", ["http", "s3"])
def test_a_store_that_is_not_there_is_told_of_once(
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    with silence() as url:
        for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        remote = Remote("s3://nowhere/x" if kind == "s3" else f"{url}/x", tmp_path / "run")
        assert find(remote, FOLDER) is None
        said = capsys.readouterr().out
        assert said.startswith(f"   the remote store {remote.url} failed: ")
        assert said.endswith("; the build goes on without it\n")
        assert find(remote, FOLDER) is None
        assert take_all(remote, entry_of(source), tmp_path / "got") == [False, False]
        put(remote, FOLDER, entry_of(source), source)
        assert capsys.readouterr().out == ""
        assert not is_given_to(remote)


@pytest.mark.parametrize("kind", ["http", "s3"])
def test_a_store_that_hangs_holds_nobody_up(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setattr(remote_files, "_ANSWER", 1.0)
    with hanging() as url:
        for name, value in {**SETTINGS, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        remote = Remote("s3://hangs/x" if kind == "s3" else f"{url}/x", tmp_path / "run")
        assert find(remote, FOLDER) is None
        assert capsys.readouterr().out == (
            f"   the remote store {remote.url} failed: it does not answer;"
            " the build goes on without it\n"
        )


def test_what_cannot_be_written_is_read(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remote = shared_folder(tmp_path)
    entry = fill(remote, source)
    for _ in range(2):
        (tmp_path / "store/pkg").write_text("a file in the place of a folder")
        put(remote, "pkg/ab/cd", entry, source)
    said = capsys.readouterr().out
    assert said.count("cannot be written: ") == 1
    assert said.endswith("; nothing more is put there\n")
    assert take_all(remote, entry, tmp_path / "got") == [True, True]
    other_run = shared_folder(tmp_path, "another run")
    assert not is_given_to(remote)
    assert is_given_to(other_run)


def test_a_bucket_that_is_not_there_cannot_be_written(
    s3: dict[str, str],
    source: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    remote = Remote("s3://never-made/x", tmp_path / "run")
    assert find(remote, FOLDER) is None
    put(remote, FOLDER, entry_of(source), source)
    assert "the remote store s3://never-made/x cannot be written: " in capsys.readouterr().out


def test_a_web_server_that_fails(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.plan = ["500"]
    remote = Remote(site.url.replace("//", "//alice:hunter2@"), tmp_path / "run")
    assert find(remote, FOLDER) is None
    said = capsys.readouterr().out
    assert f"the remote store {site.url} failed: 500" in said
    assert "alice" not in said
    assert "hunter2" not in said
