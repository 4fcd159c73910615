"""The JSON Schema of files of builds: published, and of the same mind as their reader."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from aimager.config.fleet_schema import make_schema
from aimager.resources import read_data
from tests.config.test_fleet import FLEET, built
from tests.support.places import ROOT

SCHEMA = make_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

WRONG = [
    {},
    {"defaults": {"seed": "x"}},
    {"builds": {}},
    {"builds": {"a b": {"board": "rpi4"}}},
    {"builds": {"a": {"hostnam": "x"}}},
    {"builds": {"a": {"hostname": ["x", "y"]}}},
    {"builds": {"a": {"root-size": 1.5}}},
    {"builds": {"a": {"install-pkgs": [["vim"]]}}},
    {"builds": {"a": {"add": {"hostname": "x"}}}},
    {"builds": {"a": {"only": "x"}}},
    {"builds": {"a": 1}},
    {"matrix": {"board": ["rpi4"], "chpasswd": ["a:b", "c:d"]}},
    {"matrix": {"board": ["rpi4"], "exclude": "x"}},
    {"matrix": {"board": ["rpi4"], "variants": {"x": {"hostname": ["a", "b"]}}}},
    {"seed": "x", "builds": {"a": {"board": "rpi4"}}},
    {"older": "1d"},
]


def faults(data: Any) -> list[str]:
    """What the schema has to say against a file."""
    return [error.message for error in VALIDATOR.iter_errors(data)]


def test_it_is_published_as_it_is() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((ROOT / "docs/builds.schema.json").read_text()) == SCHEMA, (
        "doit schema >docs/builds.schema.json"
    )


def explained() -> list[str]:
    """The examples of doit help builds."""
    text = read_data("aimager.commands", "content/builds.txt")
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    return [block for block in blocks if "=" in block and "doit" not in block]


def test_examples_are_right(tmp_path: Path) -> None:
    examples = [FLEET, *explained()]
    assert len(examples) == 3
    for text in examples:
        assert not faults(tomllib.loads(text))
        assert built(tmp_path, text)


@pytest.mark.parametrize("data", WRONG, ids=str)
def test_what_is_wrong_is_refused(data: Any) -> None:
    assert faults(data)
