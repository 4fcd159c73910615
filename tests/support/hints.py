"""Reads from the source what errors can say: the hint of each that is raised."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.modules import MODULES, tree

KINDS = {
    *("AimagerError", "ConfigError", "HostError", "DownloadError", "TrustError", "ImageError"),
    *("KeyTroubleError", "NotFoundError", "SilentError", "BusyError", "BrokenOffError"),
    "PageError",
}
"""What is raised with a hint. Of a `CommandError` it is known where it is caught what to do."""


@dataclass(frozen=True)
class Raised:
    """An error that ``module`` makes in a line; ``hint`` is what is given as its hint, if it is."""

    module: str
    line: int
    hint: ast.expr | None

    def __str__(self) -> str:
        return f"{self.module}:{self.line}"


def errors_made() -> Iterator[Raised]:
    """All errors that our code makes."""
    for name, path in MODULES.items():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and _name(node.func) in KINDS:
                keywords = {word.arg: word.value for word in node.keywords}
                yield Raised(name, node.lineno, keywords.get("hint"))


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def hint_texts(raised: Raised) -> Iterator[str]:
    """The texts that a hint can be made of, also those of the names and functions it is made by."""
    if raised.hint is not None:
        yield from _texts(raised.module, raised.hint, set())


def _texts(module: str, part: ast.AST, seen: set[tuple[str, str]]) -> Iterator[str]:
    if isinstance(part, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in part.values)
        inner = [v.value for v in part.values if isinstance(v, ast.FormattedValue)]
    else:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value
        if isinstance(part, ast.Name):
            yield from _meant(module, part.id, seen)
        inner = list(ast.iter_child_nodes(part))  # type: ignore[arg-type]
    for child in inner:
        yield from _texts(module, child, seen)


def _meant(module: str, name: str, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The texts of what a module calls so: a constant, a function, or what it imports."""
    if (module, name) in seen or module not in MODULES:
        return
    seen.add((module, name))
    for node in tree(MODULES[module]).body:
        match node:
            case ast.ImportFrom(module=str(source)):
                imported = [a.name for a in node.names if (a.asname or a.name) == name]
                for original in imported:
                    yield from _meant(source, original, seen)
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield from _texts(module, value, seen)
            case ast.FunctionDef(name=function, body=body) if function == name:
                # A statement that is an expression is its docstring.
                for statement in (s for s in body if not isinstance(s, ast.Expr)):
                    yield from _texts(module, statement, seen)
