"""A stage's fields say what it reads, what it makes, and what its product depends on."""

import dataclasses
import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aimager import stages
from aimager.model.settings import Settings
from aimager.model.workshop import Workshop, environment
from aimager.products.stage import all_inputs, inputs, outputs, settings
from aimager.stages.run_early import RunEarly


@dataclass(frozen=True)
class Make:
    """A stage with every kind of field."""

    source: Path
    more: tuple[Path, ...]
    level: int
    setup: Settings
    maybe: Path | None = None
    nothing: tuple[Path, ...] = ()
    target: Path = Path("/out/target")
    targets: tuple[Path, ...] = (Path("/out/x"), Path("/out/y"))
    tools: Path | None = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Make nothing."""


WORKSHOP = Workshop(Path("/c"), Path("/c/w"), Path("/c/s"), Path("/c/l"))
MAKE = Make(
    source=Path("/in/source"),
    more=(Path("/in/a"), Path("/in/b")),
    level=3,
    setup=Settings("pi"),
    tools=Path("/in/tools"),
    workshop=WORKSHOP,
)
STAGES = [
    value
    for module in pkgutil.iter_modules(stages.__path__)
    for value in vars(importlib.import_module(f"aimager.stages.{module.name}")).values()
    if isinstance(value, type)
    and value.__module__ == f"aimager.stages.{module.name}"
    and hasattr(value, "run")
]


def test_inputs_are_known_by_their_field() -> None:
    assert inputs(MAKE) == {
        "source": Path("/in/source"),
        "more.0": Path("/in/a"),
        "more.1": Path("/in/b"),
    }
    given = dataclasses.replace(MAKE, maybe=Path("/in/maybe"), nothing=(Path("/in/c"),))
    assert inputs(given).keys() - inputs(MAKE).keys() == {"maybe", "nothing.0"}


def test_what_a_stage_works_with_is_read_too() -> None:
    assert all_inputs(MAKE) == [Path(f"/in/{name}") for name in ("source", "a", "b", "tools")]


def test_outputs() -> None:
    assert outputs(MAKE) == [Path(f"/out/{name}") for name in ("target", "x", "y")]
    assert outputs(dataclasses.replace(MAKE, targets=())) == [Path("/out/target")]


def test_all_else_are_settings() -> None:
    assert settings(MAKE) == {"level": 3, "setup": Settings("pi"), "maybe": None, "nothing": ()}


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Make)])
def test_a_field_is_one_thing(name: str) -> None:
    found = {key.partition(".")[0] for key in inputs(MAKE)}
    counted = (name in found) + (name in settings(MAKE))
    assert counted == (0 if name in ("target", "targets", "tools", "workshop") else 1)


def test_the_stages_are_found() -> None:
    folder = Path(stages.__path__[0])
    modules = {path.stem for path in folder.glob("*.py")} - {
        "__init__",
        "installing",
        "fetch_again",
        "former_disk",
        "image_system",
        "image_products",
        "packing",
    }
    assert {stage.__module__.rpartition(".")[2] for stage in STAGES} == modules


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.__name__)
def test_a_products_id_holds_no_folder_of_this_machine(stage: Any) -> None:
    fields = {f.name: f for f in dataclasses.fields(stage)}
    assert bool(fields.keys() & {"target", "targets"}) == (stage is not RunEarly)
    for name in fields.keys() & {"workshop", "mirrors", "downloads", "kept"}:
        assert fields[name].metadata["identity"] is False
    assert "workshop" in fields
