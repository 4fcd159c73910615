"""Reading a user's board without running its file: as the data that such files are of.

Most have nothing but names of `aimager.definitions`, texts, numbers, tuples of these, and calls of
what is imported. That is read here. What goes further has to be run, for which it has to be named.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, EnumType
from types import FunctionType
from typing import Any

from aimager import definitions
from aimager.model.board import RawPiece

_MOST_WEIGHT = 1 << 20
_MOST_BITS = 128
"""Limits of what a file's values come to, in characters and items, and of a number."""

_NUMBERS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
}

_LONGEST = 80
"""Characters of what is told of a file."""


class NotDataError(Exception):
    """A file has to be run to be read; the message says why."""


@dataclass(frozen=True)
class _Value:
    """What an expression comes to; ``weight`` is how much that is, each part as often as it is
    named: a short file could else name more than any memory holds."""

    it: Any
    weight: int

    def __post_init__(self) -> None:
        _limited(self.weight)
        if isinstance(self.it, int) and self.it.bit_length() > _MOST_BITS:
            raise NotDataError("it has a number that is too large")


@dataclass
class _Names:
    """What a file's names mean, as far as it is read."""

    known: dict[str, _Value] = field(default_factory=dict)

    def run(self, statement: ast.stmt) -> None:
        """Take in what a statement imports or assigns."""
        match statement:
            case ast.Expr(ast.Constant()):
                pass
            case ast.ImportFrom(module=str(module), names=names, level=0) if _is_ours(module):
                for alias in names:
                    self._import(alias)
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), value=value):
                if value:
                    self.known[name] = self.read(value)
            case _:
                raise _unknown(statement)

    def _import(self, alias: ast.alias) -> None:
        if alias.name not in definitions.__all__:
            raise NotDataError(f"it imports {alias.name}, which is not in aimager.definitions")
        self.known[alias.asname or alias.name] = _Value(getattr(definitions, alias.name), 1)

    def read(self, node: ast.expr) -> _Value:
        """What an expression comes to.

        :raises NotDataError: when it can do more than that
        """
        match node:
            case ast.Constant(value) if isinstance(value, str | int | None):
                return _Value(value, 1 + (len(value) if isinstance(value, str) else 0))
            case ast.Name(name) if name in self.known:
                return self.known[name]
            case ast.Tuple(items) | ast.List(items):
                return self._read_items(items)
            case ast.Attribute(of, name):
                return _Value(_member(self.read(of).it, name, node), 1)
            case ast.BinOp(left, how, right):
                return _compute(node, self.read(left), how, self.read(right))
            case ast.UnaryOp(ast.USub(), inner) if type(number := self.read(inner).it) is int:
                return _Value(-number, 1)
            case ast.Call(function, arguments, keywords):
                return self._call(node, function, arguments, keywords)
        raise _unknown(node)

    def _read_items(self, items: list[ast.expr]) -> _Value:
        read: list[Any] = []
        weight = 1
        for item in items:
            starred = isinstance(item, ast.Starred)
            value = self.read(item.value if isinstance(item, ast.Starred) else item)
            if starred and not isinstance(value.it, tuple):
                raise _unknown(item)
            read += value.it if starred else (value.it,)
            weight = _limited(weight + value.weight)
        return _Value(tuple(read), weight)

    def _call(
        self,
        node: ast.Call,
        function: ast.expr,
        arguments: list[ast.expr],
        keywords: list[ast.keyword],
    ) -> _Value:
        made = self.read(function).it
        if not isinstance(made, type | FunctionType) or any(k.arg is None for k in keywords):
            raise _unknown(node)
        given = self._read_items(arguments)
        named = {k.arg: self.read(k.value) for k in keywords if k.arg}
        values = (*given.it, *(value.it for value in named.values()))
        # What such a function writes of a value could be longer by far than the value.
        if isinstance(made, FunctionType) and not all(map(_is_passed_on, values)):
            raise _unknown(node)
        weight = _limited(given.weight + sum(value.weight for value in named.values()))
        try:
            return _Value(made(*given.it, **{n: v.it for n, v in named.items()}), weight)
        except Exception as error:
            raise NotDataError(f"{_told(node)}: {_shortened(ascii(str(error))[1:-1])}") from error


def read_values(module: ast.Module) -> dict[str, Any]:
    """The values that a file assigns, by name; nothing of it is run.

    :raises NotDataError: when it has something that only running it can tell
    """
    names = _Names()
    try:
        for statement in module.body:
            names.run(statement)
    except RecursionError as error:
        raise NotDataError("it is nested too deeply") from error
    return {name: value.it for name, value in names.known.items()}


def _limited(weight: int) -> int:
    """``weight``, before anything is made that is so large."""
    if weight > _MOST_WEIGHT:
        raise NotDataError("its values are too large")
    return weight


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "aimager"


def _is_passed_on(value: Any) -> bool:
    """Whether a function makes no more of a value than it is: a word, or pieces to keep."""
    if isinstance(value, tuple):
        return all(isinstance(piece, RawPiece) for piece in value)
    return isinstance(value, str | int | None)


def _member(of: Any, name: str, node: ast.expr) -> Enum:
    if isinstance(of, EnumType) and name in of.__members__:
        found: Enum = of[name]
        return found
    raise _unknown(node)


def _compute(node: ast.expr, left: _Value, how: ast.operator, right: _Value) -> _Value:
    a, b = left.it, right.it
    if isinstance(how, ast.Add) and type(a) is type(b) and type(a) in (str, tuple):
        weight = _limited(left.weight + right.weight)
        return _Value(a + b, weight)
    if type(a) is not int or type(b) is not int or type(how) not in _NUMBERS:
        raise _unknown(node)
    if isinstance(how, ast.LShift) and not 0 <= b <= _MOST_BITS:
        raise _unknown(node)
    if isinstance(how, ast.FloorDiv) and b == 0:
        raise _unknown(node)
    return _Value(_NUMBERS[type(how)](a, b), 1)


def _unknown(node: ast.AST) -> NotDataError:
    return NotDataError(_told(node))


def _told(node: ast.AST) -> str:
    return f"line {getattr(node, 'lineno', 0)} has {_shortened(ast.unparse(node).splitlines()[0])}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
