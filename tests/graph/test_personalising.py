"""Whose programs set a finished image up."""

from pathlib import Path

import pytest

from aimager import process
from aimager.errors import HostError
from aimager.graph import artifacts
from aimager.graph.personalising import _find_programs
from aimager.model.architecture import host_architecture
from aimager.model.build import Tools

NEEDED = ("debugfs", "useradd")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a host's programs, where there are none, beside an empty cache."""
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def install(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch(mode=0o755)


def borrow(cache: Path) -> Path:
    subject = f"archlinux-{host_architecture()}.borrowed"
    archive = cache / f"product/make-rootfs-archive/{subject}/0123/borrowed.tar"
    archive.parent.mkdir(parents=True)
    archive.touch()
    return archive


def test_the_hosts_come_first(bare: Path) -> None:
    install(bare, *NEEDED)
    archive = borrow(artifacts.CACHE)
    assert _find_programs(NEEDED, None) is None
    assert _find_programs(NEEDED, Tools.host) is None
    assert _find_programs(NEEDED, Tools.borrowed) == archive


def test_those_of_the_cache_where_the_host_lacks_one(bare: Path) -> None:
    install(bare, "debugfs")
    archive = borrow(artifacts.CACHE)
    assert _find_programs(NEEDED, None) == archive
    with pytest.raises(HostError, match="needs useradd, which this machine does not have"):
        _find_programs(NEEDED, Tools.host)


def test_what_to_install_is_told_where_neither_has_it(bare: Path) -> None:
    with pytest.raises(HostError, match="needs debugfs and useradd, which") as caught:
        _find_programs(NEEDED, None)
    assert caught.value.hint.startswith("install e2fsprogs, shadow")
    install(bare, *NEEDED)
    with pytest.raises(HostError, match="the cache has no borrowed programs"):
        _find_programs(NEEDED, Tools.borrowed)
