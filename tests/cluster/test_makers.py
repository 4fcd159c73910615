"""What is made by workers of its own architecture, and what stays with this machine's."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from aimager.cluster import census
from aimager.cluster.census import find_workers
from aimager.cluster.places import resources
from aimager.commands.command_line import Asked
from aimager.commands.makers import find_makers
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.cluster import Cluster

HERE = host_architecture()
BOARDS = {Architecture.x86_64: "x64-uefi", Architecture.aarch64: "aarch64-uefi"}
OTHER = next(it for it in BOARDS if it is not HERE)
CLUSTER = {"workers": "127.0.0.1:1", "remote": "store", "remote-unsigned": "yes"}


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, float]]:
    """What the workers have that are there: one of this machine's architecture, one of another."""
    there: list[Mapping[str, float]] = [resources([HERE], 9 << 30)]
    there.append({f"{OTHER}": 1, f"runs-{OTHER}": 1, "GiB-free": 9})
    monkeypatch.setattr(census, "find_workers", lambda cluster: there)
    return there


def makers(folder: Path, *words: str, **given: str) -> frozenset[Architecture]:
    assignments = {**CLUSTER, **{name.replace("_", "-"): text for name, text in given.items()}}
    asked = Asked(folder, words=words, assignments=assignments, always="always" in words)
    return find_makers(asked, [it.build for it in asked.builds])


def test_workers_make_what_they_run(tmp_path: Path, workers: list[Mapping[str, float]]) -> None:
    both = ",".join(BOARDS.values())
    assert makers(tmp_path, board=both) == {OTHER}
    workers.pop()
    assert makers(tmp_path, board=both) == set()


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(
    "words",
    [
        {"files": "a:/etc/a"},
        {"tools": "host"},
        {"use_pacman_static": "yes"},
        {"check_twice": "yes"},
        {"wifi": "home:secret-secret"},
    ],
)
def test_what_is_not_sent_is_made_as_ever(tmp_path: Path, words: dict[str, str]) -> None:
    (tmp_path / "a").touch()
    assert makers(tmp_path, board=BOARDS[OTHER], **words) == set()


def test_nothing_is_asked_where_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(cluster: Cluster) -> None:
        pytest.fail("the cluster was asked")

    monkeypatch.setattr(census, "find_workers", refuse)
    assert makers(tmp_path, board=BOARDS[HERE]) == set()
    assert makers(tmp_path, "show", board=BOARDS[OTHER]) == set()
    assert makers(tmp_path, "always", board=BOARDS[OTHER]) == set()


def test_a_cluster_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"there is no cluster at tcp://127\.0\.0\.1:1, or it"):
        find_workers(Cluster("tcp://127.0.0.1:1"))
