"""A stage's modules are found in their text, and what was found is remembered."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aimager.products import stage_code
from aimager.products.stage_code import code_of
from tests.support.modules import MODULES, imports
from tests.support.places import ROOT

NAME = "aimager/codec.py"
"""A module of ours that imports little."""

OLD = stage_code._SETTLED + 10**9


def test_imports_are_found_as_python_finds_them() -> None:
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    ours = stage_code._ours()
    for module, path in MODULES.items():
        if module.startswith("aimager."):
            assert ROOT / ours[module] == path
            found = {*stage_code._memory().read(ours[module]).names}
            assert ours.keys() & found - packages == ours.keys() & imports(module) - packages


def test_code_outside_the_package_is_known_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_strange_stage.py").write_text("import json\nimport aimager.errors\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = [name for name, _ in code_of("a_strange_stage")]
    assert "a_strange_stage.py" in names
    assert "aimager/errors.py" in names


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one module in the place of ours, which changed long ago."""
    (tmp_path / NAME).parent.mkdir()
    (tmp_path / NAME).write_text(
        "from aimager import errors\nimport json\nread_data('x', 'y')\n"
        'read_data("aimager.system", "content/grow-root")\n'
    )
    monkeypatch.setattr(stage_code, "_TOP", f"{tmp_path}/")
    monkeypatch.setattr(stage_code, "_ours", lambda: {"aimager.codec": NAME})
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + OLD)
    return tmp_path


def read(top: Path) -> stage_code._Found:
    """What is found in the module by a program that begins anew and ends."""
    memory = stage_code._Memory(top / "memory.json")
    found = memory.read(NAME)
    memory.keep()
    return found


def test_what_did_not_change_is_not_read_again(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(top)
    assert first.names == ["aimager", "aimager.errors"]
    assert first.data == [["aimager.system", "content/grow-root"]]
    with monkeypatch.context() as patch:
        patch.setattr(stage_code, "_read", lambda *_: pytest.fail("it is read again"))
        assert read(top) == first
    assert (top / "memory.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("part", [0, 1, 2])
def test_what_changed_is_read_again(top: Path, part: int) -> None:
    """Whichever of its size, inode and time tells that."""
    read(top)
    _, found = json.loads((top / "memory.json").read_text())
    found[NAME][0][part] += 1
    found[NAME][2] = ["aimager.of_old"]
    (top / "memory.json").write_text(json.dumps([stage_code._SOUGHT, found]))
    assert read(top).names == ["aimager", "aimager.errors"]


def test_what_is_remembered_is_believed_and_not_what_another_version_found(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(top)
    own, found = json.loads((top / "memory.json").read_text())
    found[NAME][2] = ["aimager.of_old"]
    (top / "memory.json").write_text(json.dumps([own, found]))
    assert read(top).names == ["aimager.of_old"]
    monkeypatch.setattr(stage_code, "_SOUGHT", [0, *stage_code._SOUGHT[1:]])
    assert read(top).names == ["aimager", "aimager.errors"]


def test_what_changed_just_before_it_was_read_may_change_again_unseen(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much later the program ends."""
    memory, changed = stage_code._Memory(top / "memory.json"), (top / NAME).stat().st_ctime_ns
    monkeypatch.setattr(time, "time_ns", lambda: changed + stage_code._SETTLED // 2)
    memory.read(NAME)
    monkeypatch.setattr(time, "time_ns", lambda: changed + stage_code._SETTLED * 10)
    memory.keep()
    assert json.loads((top / "memory.json").read_text())[1] == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[SOUGHT, []]",
        '[SOUGHT, {"NAME": []}]',
        '[SOUGHT, {"NAME": [[], 1]}]',
    ],
)
def test_a_damaged_memory_is_made_anew(top: Path, text: str) -> None:
    whole = read(top)
    text = text.replace("SOUGHT", json.dumps(stage_code._SOUGHT)).replace("NAME", NAME)
    (top / "memory.json").write_text(text)
    assert read(top) == whole
    assert NAME in json.loads((top / "memory.json").read_text())[1]


def test_what_is_gone_is_forgotten(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(top)
    (top / NAME).rename(top / "aimager/errors.py")
    monkeypatch.setattr(stage_code, "_ours", lambda: {"aimager.errors": "aimager/errors.py"})
    memory = stage_code._Memory(top / "memory.json")
    memory.read("aimager/errors.py")
    memory.keep()
    assert [*json.loads((top / "memory.json").read_text())[1]] == ["aimager/errors.py"]


def test_nothing_is_written_where_python_writes_nothing(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    read(top)
    assert not (top / "memory.json").exists()


def test_where_nothing_can_be_written_all_is_read_each_time(top: Path) -> None:
    (top / "memory.json").mkdir()
    for _ in range(2):
        assert read(top).names == ["aimager", "aimager.errors"]


def test_a_program_remembers_when_it_ends(tmp_path: Path) -> None:
    """Beside what Python keeps of the module, wherever that is."""
    code = "from aimager.products.stage_code import code_of; code_of('aimager.stages.pack_image')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPYCACHEPREFIX": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (memory,) = tmp_path.rglob("stage_code.*.json")
    sought, found = json.loads(memory.read_text())
    assert sought == stage_code._SOUGHT
    assert found.keys() <= {*stage_code._ours().values()}
