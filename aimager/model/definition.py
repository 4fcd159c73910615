"""Values that files define, such as boards: each field of the type that it is annotated with."""

from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

from aimager.codec import decode, encode

T = TypeVar("T")


def checked(value: T) -> T:
    """The same value of a dataclass, its fields converted to their types, a list to a tuple, say.

    :raises ValueError: when one has another type; what is told does not repeat it
    """
    kind: Any = type(value)
    hints, read = get_type_hints(kind), {}
    for field in fields(kind):
        try:
            read[field.name] = decode(hints[field.name], encode(getattr(value, field.name)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"a value of the wrong type in {field.name}=") from error
    made: T = kind(**read)
    return made
