"""What cache-prune says is left, and which mirror is made."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.commands import cache, mirror
from aimager.graph import artifacts
from aimager.model.architecture import host_architecture
from tests.support.doit_nursery import nursery


def test_what_is_left_is_what_the_cache_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    others = tmp_path / "mirror"
    others.mkdir()
    (others / "core.db").write_bytes(b"x" * 3_000_000)
    for name in ("products", "store", "runs"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.setattr(artifacts, name, lambda folder=folder: folder)
    monkeypatch.setattr(artifacts, "other_folders", lambda: {"stand-in mirror": others})
    cache.prune_cache({"size": "1GiB"})
    pruned = capsys.readouterr().out
    cache.show_cache()
    total = capsys.readouterr().out.splitlines()[-1].split()[-2:]
    assert "stand-in mirror 3.0 MB" in pruned
    assert f"{' '.join(total)} in all" in pruned


def test_a_store_is_pruned_without_a_build_or_a_key(tmp_path: Path) -> None:
    entry = tmp_path / "store/product/shout/0123"
    entry.mkdir(parents=True)
    (entry / "it").write_bytes(b"x" * 5000)
    (entry / "record.json").write_text("{}")
    environment = {"AIMAGER_CACHE": str(tmp_path / "cache")}
    with nursery(tmp_path) as opened:
        words = ("cache-prune", "remote=store")
        status, said = opened.run((*words, "size=1MiB"), environment)
        assert status == 0, said
        assert "   removed 0 products and packages, 0 B\n" in said
        assert "   5.0 kB of products and packages are left\n" in said
        status, said = opened.run((*words, "older=1d", "size=1K"), environment)
        assert status == 0, said
        assert "   removed 1 product or package, 5.0 kB\n   0 B of products" in said
        assert not entry.exists()
        status, said = opened.run(words, environment)
        assert status != 0
        assert "cache-prune needs to know what to remove" in said
        status, said = opened.run(("cache-prune", "remote=http://127.0.0.1:1/x", "size=1K"), {})
        assert status != 0
        assert "can only be read by http" in said


@pytest.mark.parametrize(
    ("variables", "names", "room"),
    [
        ({}, (host_architecture().value,), "550.0 MB"),
        ({"arch": "aarch64,riscv64"}, ("aarch64", "riscv64"), "1.1 GB"),
        ({"arch": "i686,i486"}, ("i686", "i486"), "700.0 MB"),
        ({"arch": "i686,i686"}, ("i686",), "550.0 MB"),
    ],
)
def test_the_mirror_is_the_hosts_unless_others_are_named(
    variables: dict[str, str],
    names: tuple[str, ...],
    room: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made: list[tuple[str, ...]] = []

    def make(mirror: Path, work: Path, architectures: Sequence[str]) -> None:
        assert f"takes about {room}; arch= names others" in capsys.readouterr().out
        made.append(tuple(architectures))

    monkeypatch.setattr(mirror, "make_mirror", make)
    mirror.make_asked_mirror(variables)
    assert made == [names]
