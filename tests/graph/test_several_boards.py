"""Words for one board of a run change nothing in what it shares with others."""

import sys
from pathlib import Path

import pytest

from aimager.commands.doit_loader import Loader

ADDS = """
from aimager.definitions import Architecture, Board
BOARD = Board(
    id="adds", name="-", distros=("archlinux",), architecture=Architecture.x86_64,
    repositories=("7Ji",), kernels=("linux-lts",)
)
"""


@pytest.mark.parametrize(
    "words",
    [
        {"repo-url-archlinuxarm": "https://a.example/$repo"},
        {"repo-url-alarm": "https://a.example"},
        {"repo-url-7Ji": "https://a.example"},
        {"trust-key-7Ji": "A" * 40},
        {"append-linux-lts": "quiet"},
        {"install-pkgs": "7Ji/yay,vim"},
    ],
)
@pytest.mark.parametrize("tools", ["borrowed", "host"])
@pytest.mark.parametrize("boards", ["x64-uefi,rpi4,./adds.py", "./adds.py,rpi4,x64-uefi"])
def test_they_are_built_together(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: dict[str, str],
    tools: str,
    boards: str,
) -> None:
    (tmp_path / "adds.py").write_text(ADDS)
    monkeypatch.setattr(Loader, "asked", None)
    monkeypatch.setitem(sys.modules, "aimager.dodo", sys)  # what is loaded there goes again
    loader = Loader(tmp_path)
    loader.assignments = {"board": boards, "tools": tools, "use-pacman-static": "yes", **words}
    loader.ask("list", [], {})
    loader.setup({})
    for name, make in list(loader.namespace.items()):
        if name.startswith("task_"):
            list(make() or ())
    made = [task.title for task in loader.graph.tasks if task.task == "pack-image"]
    assert len(made) == 3
