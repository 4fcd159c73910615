"""A user's own file with a definition, of a board or a distribution, such as aimager's own have.

It is a Python file of imports from aimager and of assignments, which makes a wrong file known, not
a hostile one: the values that it assigns may call anything once it is run.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aimager.codec import encode, texts
from aimager.config.parse import check_address, is_text
from aimager.errors import ConfigError
from aimager.model.definition import checked
from aimager.shown import without_credentials

T = TypeVar("T")

_LARGEST = 1 << 20
"""Bytes of a file: Python's parser takes some thousand times as many, and may not come back."""


@dataclass(frozen=True)
class DefinitionFile:
    """A file that is to define what the ``noun`` says; ``hint`` tells what such a file has."""

    path: Path
    noun: str
    hint: str

    def error(self, told: str, *, hint: str = "") -> ConfigError:
        """What to say where it does not."""
        return ConfigError(f"the {self.noun} {self.path} {told}", hint=hint or self.hint)

    def read_bytes(self) -> bytes:
        """Its content.

        :raises ConfigError: when it cannot be read, or is too large
        """
        try:
            if self.path.exists() and not self.path.is_file():
                raise self.error("is not a file", hint=f"name a file; {self.hint}")
            with self.path.open("rb") as stream:
                content = stream.read(_LARGEST + 1)
        except OSError as error:
            told = f"cannot be read: {error.strerror}"
            raise self.error(told, hint=f"name a file; {self.hint}") from error
        if len(content) > _LARGEST:
            raise self.error(f"has more than {_LARGEST} bytes")
        return content

    def parse(self, content: bytes) -> ast.Module:
        """Its statements, all of the kinds that such a file has.

        :raises ConfigError: for any other content
        """
        try:
            module = ast.parse(content.decode(), str(self.path))
            stranger = next((s for s in module.body if not _belongs(s)), None)
            line = ast.unparse(stranger).splitlines()[0] if stranger else ""
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            # The last two are what Python says of a nesting that is too deep.
            raise self.error(f"is not valid Python: {error}") from error
        if stranger:
            raise self.error(
                f"has a statement in line {stranger.lineno} that a {self.noun} cannot have: {line}"
            )
        return module

    def run(self, module: ast.Module) -> dict[str, Any]:
        """The names that it defines once it is run.

        :raises ConfigError: when it fails
        """
        names: dict[str, Any] = {"__name__": self.path.stem}
        try:
            exec(compile(module, str(self.path), "exec"), names)
        except (Exception, SystemExit) as error:
            raise self.error(f"cannot be made: {type(error).__name__}: {error}") from error
        return names

    def check(self, value: T) -> T:
        """The value, if its fields have their types, and its texts are ones that files can have.

        :raises ConfigError: otherwise; what is told does not repeat a wrong one
        """
        try:
            read = checked(value)
        except ValueError as error:
            example = "a tuple of one value needs a comma: packages=('tree',)"
            raise self.error(f"has {error}", hint=f"{self.hint}; {example}") from error
        if any("\0" in text or not is_text(text) for text in texts(encode(read))):
            raise self.error(
                "has a text with a NUL character, or half a surrogate pair",
                hint="no file or program takes one: leave it out",
            )
        return read

    def check_address(self, address: str, where: str, variable: str) -> None:
        """Refuse what is not an address, or one that others must not read: the file's values reach
        images, records and stores.

        :raises ConfigError: then; ``variable`` is the one that takes it
        """
        plain = without_credentials(address)
        if plain != address:
            raise self.error(
                f"has a user or password in the address of {where}, which would be in the image",
                hint=f"leave it out there; {variable}= takes it, for this machine alone",
            )
        check_address(address, told=f"the {self.noun} {self.path}: {where} {plain}")


def _belongs(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return (statement.module or "").split(".")[0] == "aimager"
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Assign | ast.AnnAssign)
