"""Values as JSON and back."""

import json
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from aimager.codec import canonical, decode, encode, fingerprint


class Colour(StrEnum):
    red = "red"


class Weight(Enum):
    light = (1, "kg")


@dataclass(frozen=True)
class Point:
    x: int
    y: int = 2


@dataclass(frozen=True)
class Label:
    text: str


@dataclass(frozen=True)
class Everything:
    path: Path
    colour: Colour
    points: tuple[Point, ...]
    pair: tuple[int, str]
    table: dict[str, Point]
    ratio: float
    old: Optional[Path] = None  # noqa: UP045 - both spellings are read
    shape: Point | Label | None = None
    names: list[str] = field(default_factory=list)


EVERYTHING = Everything(
    path=Path("/a/b"),
    colour=Colour.red,
    points=(Point(1), Point(3, 4)),
    pair=(5, "six"),
    table={"z": Point(7), "a": Point(8)},
    ratio=0.5,
    shape=Label("nine"),
    names=["ten"],
)


def test_a_value_survives_json() -> None:
    assert decode(Everything, json.loads(json.dumps(encode(EVERYTHING)))) == EVERYTHING


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (None, None, None),
        (type(None), None, None),
        (bool, True, True),
        (int, 3, 3),
        (str, "\udc80", "\udc80"),  # a file name that is not UTF-8
        (Path, Path("a"), "a"),
        (Colour, Colour.red, "red"),
        (tuple[int, ...], (), []),
        (tuple[int, str], (1, "a"), [1, "a"]),
        (list[Path], [Path("a")], ["a"]),
        (dict[str, tuple[int, ...]], {"a": (1, 2)}, {"a": [1, 2]}),
        (int | None, None, None),
        (int | str, "1", "1"),
        (Literal["a", "b"], "b", "b"),
        (Point | Label, Label("a"), {"text": "a"}),
        (dict[str, Point], {"a": Point(1)}, {"a": {"x": 1, "y": 2}}),
    ],
)
def test_each_type(kind: Any, value: object, data: object) -> None:
    assert encode(value) == data
    assert decode(kind, json.loads(json.dumps(data))) == value


def test_a_missing_field_takes_its_default() -> None:
    assert decode(Point, {"x": 1}) == Point(1, 2)


def test_a_whole_number_is_a_float_where_one_is_wanted() -> None:
    assert decode(float, 1) == 1.0


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        (int, "1", "'1' is not a int"),
        (int, True, "True is not a int"),
        (str, 1, "1 is not a str"),
        (Path, 1, "1 is not a Path"),
        (Colour, "blue", "'blue' is not a valid Colour"),
        (Point, {}, "Point lacks x"),
        (Point, {"x": 1, "z": 1}, "Point has no z"),
        (Point, [], r"\[\] is not a Point"),
        (tuple[int, str], [1], r"\[1\] is not a "),
        (int | None, "a", "'a' is not a int | None"),
        (Literal["a"], "b", "'b' is not a "),
    ],
)
def test_what_is_not_of_the_type_is_refused(kind: Any, data: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(kind, data)


def test_types_without_a_form_are_refused() -> None:
    with pytest.raises(TypeError, match="set has no form as JSON"):
        encode({1})
    with pytest.raises(TypeError, match="keys are text"):
        encode({1: 2})
    with pytest.raises(TypeError, match="is not a type that JSON can be read as"):
        decode(set, [])
    with pytest.raises(TypeError, match="is not a type that JSON can be read as"):
        decode(Any, 1)


def test_the_canonical_form_is_sorted_and_bare() -> None:
    assert canonical({"b": (1, None), "a": "ü"}) == '{"a":"\\u00fc","b":[1,null]}'
    with pytest.raises(ValueError, match="Out of range float"):
        canonical(float("nan"))


def test_the_fingerprint_is_of_the_canonical_form() -> None:
    # printf '{"x":1,"y":2}' | sha256sum
    known = "689a8f1db95402580476e38c264278ce7b1e664320cfb4e9ae8d3a908cf09964"
    assert fingerprint(Point(1)) == known
    assert fingerprint({"y": 2, "x": 1}) == fingerprint(Point(1))
    assert fingerprint(Point(1)) != fingerprint(Point(2))
