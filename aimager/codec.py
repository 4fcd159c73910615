"""Values as JSON, and back by the type annotation that names them.

What there is to know about a value stands in its annotation: a dataclass is an object with its
fields, an enum its value, a path its text, a tuple or list an array, a dict an object. Nothing in
the JSON names a type, so a file can be read, compared and written by hand.
"""

import dataclasses
import enum
import functools
import hashlib
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")

_SCALARS = (bool, int, float, str)


def encode(value: object) -> Any:
    """The value as JSON data: dict, list, str, int, float, bool, None.

    :raises TypeError: when it, or a part of it, has no form here
    """
    if isinstance(value, enum.Enum):
        return encode(value.value)
    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"a JSON object's keys are text: {list(value)}")
        return {str(key): encode(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    raise TypeError(f"{type(value).__name__} has no form as JSON: {value!r}")


def decode(kind: Any, data: Any) -> Any:
    """The value of type ``kind`` of which :func:`encode` made ``data``.

    A field that is missing takes its default; one that the dataclass does not have is an error.

    :raises ValueError: when ``data`` is not of that type
    :raises TypeError: when ``kind`` is not a type that is known here
    """
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(kind, data)
    if origin is typing.Literal:
        return _expect(data in typing.get_args(kind), kind, data)
    if origin in (tuple, list):
        return _decode_sequence(kind, data)
    if origin is dict:
        _expect(isinstance(data, dict), kind, data)
        of = typing.get_args(kind)[1]
        return {key: _decode_item(of, item) for key, item in data.items()}
    if kind is None or kind is types.NoneType:
        return _expect(data is None, kind, data)
    if isinstance(kind, type):
        return _decode_class(kind, data)
    raise TypeError(f"{kind!r} is not a type that JSON can be read as")


def texts(data: Any) -> Iterator[str]:
    """All texts in JSON data, the keys of objects too."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)


def fingerprint(value: object) -> str:
    """The SHA-256, in hexadecimal, of the value's JSON in its canonical form."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: object) -> str:
    """The value's JSON in the one spelling that equal values share: sorted, no spaces, ASCII."""
    return json.dumps(encode(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _expect(condition: bool, kind: Any, data: T) -> T:
    if not condition:
        raise ValueError(f"{data!r} is not a {getattr(kind, '__name__', kind)}")
    return data


def _decode_union(kind: Any, data: Any) -> Any:
    for member in typing.get_args(kind):
        try:
            return decode(member, data)
        except ValueError:
            continue
    raise ValueError(f"{data!r} is not a {kind}")


def _decode_sequence(kind: Any, data: Any) -> Any:
    _expect(isinstance(data, list), kind, data)
    members = typing.get_args(kind)
    origin = cast(type, typing.get_origin(kind))
    if origin is list or members[-1] is Ellipsis:
        return origin([_decode_item(members[0], item) for item in data])
    empty = members == ((),)  # what tuple[()] gave before Python 3.11.1
    _expect(len(data) == (0 if empty else len(members)), kind, data)
    return tuple(decode(member, item) for member, item in zip(members, data, strict=False))


def _decode_class(kind: type, data: Any) -> Any:
    if issubclass(kind, enum.Enum):
        return kind(data)
    if kind is float and type(data) is int:
        return float(data)
    if kind in _SCALARS:
        return _expect(type(data) is kind, kind, data)
    if issubclass(kind, Path):
        return kind(_expect(isinstance(data, str), kind, data))
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, data)
    raise TypeError(f"{kind!r} is not a type that JSON can be read as")


@functools.cache
def _fields(kind: type) -> tuple[dict[str, Any], frozenset[str]]:
    """The annotations of a dataclass's fields, by name, and the names of those without default."""
    hints = typing.get_type_hints(kind)
    fields = [field for field in dataclasses.fields(cast(Any, kind)) if field.init]
    needed = (
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )
    return {field.name: hints[field.name] for field in fields}, frozenset(needed)


def _decode_dataclass(kind: type, data: Any) -> Any:
    _expect(isinstance(data, dict), kind, data)
    hints, needed = _fields(kind)
    unknown = sorted(data.keys() - hints.keys())
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    if not needed <= data.keys():
        missing = (name for name in hints if name in needed and name not in data)
        raise ValueError(f"{kind.__name__} lacks {', '.join(missing)}")
    return kind(**{name: _decode_item(hints[name], item) for name, item in data.items()})


def _decode_item(kind: Any, item: Any) -> Any:
    """As `decode`, but quicker for plain values of the right type."""
    return item if type(item) is kind in _SCALARS else decode(kind, item)
