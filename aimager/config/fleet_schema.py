"""The JSON Schema of files of ``builds=``, made from the table of variables.

It is of draft 2020-12, which editors take for TOML as well. It holds for what can be told without
reading values: the names, and which of them take text, lists, or several values.
"""

import re
from typing import Any

from aimager.config.fleet import ADD, BUILDS, DEFAULTS, EXCLUDE, MATRIX, VARIANTS
from aimager.config.fleet_words import BOARD, NOT_IN_FILES
from aimager.config.variable import Variable
from aimager.config.variables import VARIABLES
from aimager.model.build import BUILD_NAME

Schema = dict[str, Any]

_NAMES: Schema = {"pattern": f"^{BUILD_NAME.pattern}$"}


def make_schema() -> Schema:
    """The schema, as JSON has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aimager: a file of builds",
        "type": "object",
        "anyOf": [{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/fleet"}],
        "$defs": {
            "value": {"type": ["string", "integer", "boolean"]},
            "one": {**_words(_build_value), "minProperties": 1},
            "defaults": _words(_build_value),
            "build": _words(_build_value, {ADD: {"$ref": "#/$defs/added"}}),
            "added": _words(_list_value, only_lists=True),
            "variant": _words(_variant_value, {ADD: {"$ref": "#/$defs/added"}}),
            "matrix": _words(
                _matrix_value,
                {
                    ADD: {"$ref": "#/$defs/added"},
                    EXCLUDE: {"type": "array", "items": {"type": "string"}},
                    VARIANTS: _named("variant"),
                },
            ),
            "fleet": {
                "type": "object",
                "properties": {
                    DEFAULTS: {"$ref": "#/$defs/defaults"},
                    BUILDS: _named("build"),
                    MATRIX: {
                        "anyOf": [
                            {"$ref": "#/$defs/matrix"},
                            {"type": "array", "items": {"$ref": "#/$defs/matrix"}, "minItems": 1},
                        ]
                    },
                },
                "anyOf": [{"required": [BUILDS]}, {"required": [MATRIX]}],
                "additionalProperties": False,
            },
        },
    }


def _named(kind: str) -> Schema:
    return {
        "type": "object",
        "propertyNames": _NAMES,
        "additionalProperties": {"$ref": f"#/$defs/{kind}"},
        "minProperties": 1,
    }


def _words(value: Any, more: Schema | None = None, *, only_lists: bool = False) -> Schema:
    """A table of words, each with what ``value`` makes of its variable, and what is in it else."""
    allowed = [v for v in VARIABLES if v.name not in NOT_IN_FILES]
    allowed = [v for v in allowed if _is_list(v) or not only_lists]
    several = [v for v in allowed if v.name.endswith("*")]
    return {
        "type": "object",
        "properties": {v.name: _told(v, value(v)) for v in allowed if v not in several}
        | (more or {}),
        "patternProperties": {
            f"^{re.escape(v.name[:-1])}[A-Za-z0-9@._+-]+$": _told(v, value(v)) for v in several
        },
        "additionalProperties": False,
    }


def _told(variable: Variable, schema: Schema) -> Schema:
    examples = {"examples": list(variable.choices)} if variable.choices else {}
    return {"description": variable.meaning, **schema, **examples}


def _is_list(variable: Variable) -> bool:
    return variable.several and variable.name != BOARD


def _several(*, least: int) -> Schema:
    array = {"type": "array", "items": {"$ref": "#/$defs/value"}, "minItems": least}
    return {"anyOf": [{"$ref": "#/$defs/value"}, array]}


def _list_value(variable: Variable) -> Schema:
    return _several(least=0)


def _variant_value(variable: Variable) -> Schema:
    return _list_value(variable) if _is_list(variable) else {"$ref": "#/$defs/value"}


def _build_value(variable: Variable) -> Schema:
    return _several(least=1) if variable.name == BOARD else _variant_value(variable)


def _matrix_value(variable: Variable) -> Schema:
    if _is_list(variable) or variable.secret:
        return _variant_value(variable)
    return _several(least=1)
