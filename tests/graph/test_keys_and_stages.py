"""No stage is told of a key: neither of that of a store, nor of that of the results."""

from pathlib import Path
from typing import Any

from aimager.config.build import read_build
from aimager.graph.doit_tasks import Graph
from aimager.model.remote import RecordTrust, Remote
from tests.graph.test_doit_tasks import loud_stage


def test_no_stage_knows_of_a_key(tmp_path: Path) -> None:
    for name in ("key", "allowed"):
        (tmp_path / name).touch()
    words = {"board": "x64-uefi", "remote": "s3://b", "remote-key": "key", "sign": "key"}
    build = read_build({**words, "remote-allowed-signers": "allowed"}, tmp_path)
    assert build
    graph = Graph(tmp_path / "run", [build])
    graph.stage("shout", "x", loud_stage(tmp_path))
    (task,) = graph.tasks
    trust = RecordTrust(key=tmp_path / "key", allowed=tmp_path / "allowed")
    assert task.remote == Remote("s3://b", tmp_path / "run/remote", trust)
    stage: Any = task.stage
    assert stage.workshop.remote == Remote("s3://b", tmp_path / "run/remote")
    assert str(tmp_path / "key") not in str(stage)
