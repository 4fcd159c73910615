"""What is installed twice is compared path by path, and has to be the same."""

import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aimager.errors import ImageError
from aimager.model.architecture import Architecture
from aimager.model.lock import Lock, write_lock
from aimager.stages import check_twice, installing
from aimager.stages.check_twice import (
    InstallPackagesAgain,
    MakeRootfsArchiveAgain,
    ReuseRootAgain,
)
from aimager.system.archive_difference import Archives, find_differences
from aimager.system.installation import Installation
from aimager.system.reused_root import ReusedRoot, write_reused
from tests.support.locked import make_package, make_workshop

BASE = Lock("p", ("bash",), (make_package("bash"),))
MORE = Lock("p", ("bash",), (*BASE.packages, make_package("zlib")))

FILE: dict[str, Any] = {"type": tarfile.REGTYPE, "mode": 0o644, "content": b"text"}
LINK: dict[str, Any] = {"type": tarfile.SYMTYPE, "linkname": "file"}


def write(path: Path, members: Mapping[str, Mapping[str, Any]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, facts in members.items():
            member = tarfile.TarInfo(f"./{name}")
            content = b"" if "linkname" in facts else facts.get("content", b"")
            for fact in facts.keys() - {"content"}:
                setattr(member, fact, facts[fact])
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def differing(tmp_path: Path, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    made = write(tmp_path / "one.tar", {"file": FILE, "it": one})
    return find_differences(Archives(made, write(tmp_path / "other.tar", {"file": FILE, **other})))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"content": b"tex2"}, "content"),
        ({"content": b"other text"}, "content"),
        ({"mode": 0o4755}, "mode"),
        ({"uid": 1}, "owner"),
        ({"gid": 1}, "owner"),
        ({"mtime": 1.5}, "time"),
        ({"pax_headers": {"SCHILY.xattr.user.a": "b"}}, "SCHILY.xattr.user.a"),
        ({"mode": 0o600, "content": b""}, "mode, content"),
        (LINK, "kind, content, target"),
    ],
)
def test_what_differs_is_named(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    assert differing(tmp_path, FILE, {"it": {**FILE, **changed}}) == [f"/it: {what}"]
    assert differing(tmp_path, FILE, {"it": FILE}) == []


def test_links_and_paths_that_are_there_once(tmp_path: Path) -> None:
    other = {"it": {**LINK, "linkname": "else"}, "new\n": FILE}
    told = ["/it: target", "/new\\n: it is there the second time"]
    assert differing(tmp_path, LINK, other) == told
    assert differing(tmp_path, LINK, {}) == ["/it: it is there the first time"]


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the installer, which is none, will make one after the other."""
    waiting: list[bytes] = []

    def install(request: Installation) -> None:
        write(request.target, {"file": {**FILE, "content": waiting.pop(0)}})

    monkeypatch.setattr(installing, "install_system", install)
    monkeypatch.setattr(check_twice, "call", lambda function, request, **_: function(request))
    return waiting


Again = InstallPackagesAgain | MakeRootfsArchiveAgain | ReuseRootAgain


@pytest.fixture(params=Again.__args__, ids=lambda kind: kind.__name__)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Again:
    """Each stage that repeats another."""
    (tmp_path / "base").write_text(write_lock(BASE))
    (tmp_path / "lock").write_text(write_lock(MORE))
    (tmp_path / "reused").write_text(write_reused(ReusedRoot("d" * 64, 1, ())))
    starts: dict[type[Again], dict[str, Any]] = {
        InstallPackagesAgain: {"below": (tmp_path / "r",), "below_lock": tmp_path / "base"},
        MakeRootfsArchiveAgain: {},
        ReuseRootAgain: {"archive": tmp_path / "r", "reused": tmp_path / "reused"},
    }
    make: Callable[..., Again] = request.param
    return make(
        architecture=Architecture.riscv64,
        lock=tmp_path / "lock",
        keys=tmp_path / "keys",
        borrowed=None,
        target=tmp_path / "view/same.txt",
        keyring=tmp_path / "keyring",
        pacman_static=None,
        workshop=make_workshop(tmp_path),
        made=write(tmp_path / "system.tar", {"file": FILE}),
        **starts[request.param],
    )


def test_the_same_is_told_and_nothing_else_stays(stage: Again, contents: list[bytes]) -> None:
    stage.target.parent.mkdir()
    contents.append(FILE["content"])
    stage.run()
    assert [path.name for path in stage.target.parent.iterdir()] == ["same.txt"]
    assert not getattr(stage, "shared", False)


def test_another_is_refused_by_its_paths(
    stage: Again, contents: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    stage.target.parent.mkdir()
    contents.append(b"otherwise")
    with pytest.raises(ImageError, match=r"when it was made again, in 1 path: /file\n") as caught:
        stage.run()
    assert "check-twice=" in caught.value.hint
    assert "   differs: /file: content\n" in capsys.readouterr().out
    assert not list(stage.target.parent.iterdir())
