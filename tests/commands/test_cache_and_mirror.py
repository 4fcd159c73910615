"""What cache-prune says is left, and which mirror is made."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.commands import cache, mirror
from aimager.graph import artifacts
from aimager.model.architecture import host_architecture


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
