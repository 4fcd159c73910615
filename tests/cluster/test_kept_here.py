"""Tasks that are not sent: they run here, if this machine makes such."""

from multiprocessing.connection import wait
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimager.cluster.client import Away
from aimager.cluster.offer import Offer
from aimager.cluster.words import NotSentError
from aimager.graph.doit_tasks import Graph
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.cluster import Cluster

HERE = host_architecture()
OTHER = next(it for it in (Architecture.aarch64, Architecture.x86_64) if it is not HERE)


LACK = "no worker of the cluster has 900 GiB of free space"
FAULT = (
    f"pack-image is to be made by workers for {OTHER}, and is not sent: {LACK}\n"
    "  hint: leave workers= out, and all is made on this machine"
)


@pytest.mark.parametrize(("elsewhere", "fault"), [((), ""), ((OTHER,), FAULT)])
def test_what_other_machines_make_is_not_made_here(
    elsewhere: tuple[Architecture, ...],
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(task: object) -> None:
        raise NotSentError(LACK)

    stage = SimpleNamespace(architecture=OTHER)
    task: Any = SimpleNamespace(name="pack-image:a", title="pack-image", stage=stage)
    offer = Offer(Graph(tmp_path / "run", ()), (), elsewhere)
    monkeypatch.setattr(offer, "find", lambda name: task)
    monkeypatch.setattr(offer, "locks", refuse)
    away = Away(Cluster("tcp://127.0.0.1:1"), offer, tmp_path)
    assert away.send(task)
    assert wait([away.fileno()])
    assert away.ended() == {task.name: fault}
    assert not away.send(task), "it has been asked for"
    away.close()
