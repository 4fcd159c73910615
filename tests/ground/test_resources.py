"""Data files have one way of being read, in which their names can be found in the code."""

import ast
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from aimager.products.stage_code import DATA
from aimager.resources import locate_data, read_data
from tests.support.modules import MODULES, imports, tree

OTHER_WAYS = {
    "aimager.resources",
    "aimager.products.stage_code",
    "aimager.places",
    "bench.lab",
    "dodo",
}
"""The one way, what counts code, and what is not installed."""


def test_a_data_file_is_found_in_its_package() -> None:
    assert read_data("aimager.system", "content/grow-root").startswith("#!/bin/sh\n")
    assert locate_data("aimager.stand_in", "content").is_dir()


def test_a_package_in_an_archive_has_no_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("folder/file", "")
    inside = zipfile.Path(tmp_path / "z.zip")
    monkeypatch.setattr(resources, "files", lambda package: inside / package)
    with pytest.raises(FileNotFoundError, match="folder is not installed as files"):
        read_data("folder", "file")


def test_no_module_reads_its_data_in_another_way() -> None:
    reading = {
        name
        for name in MODULES
        if "importlib.resources" in imports(name)
        or any(
            isinstance(n, ast.Name) and n.id == "__file__" for n in ast.walk(tree(MODULES[name]))
        )
    }
    assert reading <= OTHER_WAYS


def test_what_a_module_reads_is_found_in_its_text() -> None:
    for name in MODULES.keys() - {"aimager.resources"}:
        calls = [
            node.func.id
            for node in ast.walk(tree(MODULES[name]))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("read_data", "locate_data")
        ]
        assert len(DATA.findall(MODULES[name].read_text())) == len(calls), name
