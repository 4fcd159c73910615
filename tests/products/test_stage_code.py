"""A stage's modules are found in their text, and what was found is remembered."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.products import stage_code
from aimager.products.stage_code import code_of
from tests.support.modules import MODULES, imports


def test_imports_are_found_as_python_finds_them() -> None:
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    for module, path in MODULES.items():
        if module.startswith("aimager."):
            ours = stage_code._ours()
            names = {*stage_code._texts().read(str(path)).names}
            assert ours[module] == str(path)
            assert ours.keys() & names - packages == ours.keys() & imports(module) - packages


def test_code_outside_the_package_is_known_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a_strange_stage.py").write_text("import json\nimport aimager.errors\n")
    monkeypatch.syspath_prepend(tmp_path)
    names = [name for name, _ in code_of("a_strange_stage")]
    assert "a_strange_stage.py" in names
    assert "aimager/errors.py" in names


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where what was read is remembered."""
    path = tmp_path / "memory" / "stage_code.json"
    path.parent.mkdir()
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr("importlib.util.cache_from_source", lambda _: str(path.with_suffix(".pyc")))
    yield path


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module of two imports."""
    path = tmp_path / "module.py"
    path.write_text("from aimager import codec\nimport json\n")
    return path


def read(path: Path) -> stage_code._Text:
    """What is found in a module by a program that begins anew and ends."""
    texts = stage_code._Texts()
    found = texts.read(str(path))
    texts.keep()
    return found


def test_what_did_not_change_is_not_read_again(
    memory: Path, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read(module)
    assert first.names == ["aimager", "aimager.codec"]
    with monkeypatch.context() as patch:
        patch.setattr(stage_code, "_read", lambda *_: pytest.fail("it is read again"))
        assert read(module) == first
    assert memory.exists()


def test_what_changed_is_read_again_though_it_has_its_size_and_time(
    memory: Path, module: Path
) -> None:
    before, times = read(module), module.stat()
    module.write_text(module.read_text().replace("codec", "files"))
    os.utime(module, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (module.stat().st_size, module.stat().st_mtime_ns) == (
        times.st_size,
        times.st_mtime_ns,
    )
    after = read(module)
    assert after.names == ["aimager", "aimager.files"]
    assert after.sha256 != before.sha256
    assert read(module) == after


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"FILE": []}', '{"FILE": [1, 2]}'])
def test_a_damaged_memory_is_made_anew(memory: Path, module: Path, text: str) -> None:
    whole = read(module)
    memory.write_text(text.replace("FILE", stage_code.__file__))
    assert read(module) == whole
    assert str(module) in json.loads(memory.read_text())


def test_what_another_version_found_counts_for_nothing(memory: Path, module: Path) -> None:
    read(module)
    known = json.loads(memory.read_text())
    known[str(module)][2] = ["aimager.of_old"]
    memory.write_text(json.dumps(known))
    assert read(module).names == ["aimager.of_old"], "the memory is believed"
    known[stage_code.__file__][0][2] -= 1
    memory.write_text(json.dumps(known))
    assert read(module).names == ["aimager", "aimager.codec"]


def test_what_is_gone_is_forgotten(memory: Path, module: Path, tmp_path: Path) -> None:
    read(module)
    module.rename(tmp_path / "other.py")
    read(tmp_path / "other.py")
    known = json.loads(memory.read_text())
    assert str(module) not in known
    assert str(tmp_path / "other.py") in known


def test_nothing_is_written_where_python_writes_nothing(
    memory: Path, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    read(module)
    assert not memory.exists()


def test_a_folder_of_another_user_is_no_fault(memory: Path, module: Path) -> None:
    memory.parent.rmdir()
    memory.parent.write_text("no folder")
    assert read(module).names == ["aimager", "aimager.codec"]
