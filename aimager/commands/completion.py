"""What shells complete the command line with: scripts made from the tasks and the variables."""

import shlex
from collections.abc import Callable, Iterable, Mapping

from aimager.commands.command_line import NAMING
from aimager.config.parse import choices
from aimager.config.run_variables import SHELLS
from aimager.config.variable import Variable
from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from aimager.resources import read_data

Words = Mapping[str, str]
"""Words to complete by what they mean."""


def print_completion(variables: Mapping[str, str], tasks: Callable[[], Words]) -> None:
    """Print what completes ``tasks`` and all variables in the shell of ``for=``.

    :raises ConfigError: for a shell that is not known here
    """
    names = {"list": "list the tasks", "help": "explain a task", **tasks()}
    print(write_completion(variables.get("for", ""), names), end="")


def write_completion(shell: str, tasks: Words) -> str:
    """The script that completes ``doit`` in ``shell``, with ``tasks`` by their names.

    :raises ConfigError: for a shell that is not known here
    """
    writers = dict(zip(SHELLS, (_write_bash, _write_zsh, _write_fish), strict=True))
    if shell not in writers:
        raise ConfigError(
            f"for={shell} is not a shell that completion is known for"
            if shell
            else "for= is missing",
            hint=f"it is one of {choices(SHELLS)}",
        )
    names = {_start(variable.name): variable.meaning for variable in VARIABLES}
    code = read_data("aimager.commands", f"content/completion.{shell}")
    return writers[shell](tasks, names) + code


def _start(name: str) -> str:
    """What of a variable can be completed: one that stands for many has no end yet."""
    return name.removesuffix("*") if name.endswith("*") else f"{name}="


def _write_bash(tasks: Words, names: Words) -> str:
    return (
        f"_aimager_tasks={shlex.quote(' '.join(tasks))}\n"
        f"_aimager_names={shlex.quote(' '.join(names))}\n"
        f"_aimager_naming='{' '.join(sorted(NAMING))}'\n\n"
        "# Sets values, several and paths to what the variable $1 takes.\n"
        f"{_write_case()}"
    )


def _write_zsh(tasks: Words, names: Words) -> str:
    return (
        "#compdef doit\n\n"
        f"typeset -ga _aimager_tasks=({_described(tasks)})\n"
        f"typeset -ga _aimager_names=({_described(names)})\n"
        f"typeset -ga _aimager_naming=({shlex.join(sorted(NAMING))})\n\n"
        "# Sets values, several and paths to what the variable $1 takes.\n"
        f"{_write_case()}"
    )


def _described(words: Words) -> str:
    """Words with their meanings, as zsh's _describe reads them."""
    pairs = (f"{word.replace(':', chr(92) + ':')}:{meaning}" for word, meaning in words.items())
    return " ".join(shlex.quote(pair) for pair in pairs)


def _write_case() -> str:
    return "_aimager_values() {\n    case $1 in\n" + _cases(_assignments) + "    esac\n}\n"


def _cases(write: Callable[[Variable], str]) -> str:
    return "".join(f"        {v.name}) {write(v)} ;;\n" for v in _completed())


def _completed() -> list[Variable]:
    """The variables whose values can be completed."""
    return [variable for variable in VARIABLES if variable.choices or variable.paths]


def _assignments(variable: Variable) -> str:
    flags = "".join(f" {flag}=yes" for flag in _flags(variable))
    return f"values={shlex.quote(' '.join(variable.choices))}{flags}"


def _flags(variable: Variable) -> list[str]:
    return [flag for flag in ("several", "paths") if getattr(variable, flag)]


def _write_fish(tasks: Words, names: Words) -> str:
    cases = "".join(
        f"        case {_quoted([variable.name])}\n"
        f"            printf '%s\\n' {_quoted((*_flags(variable), *variable.choices))}\n"
        for variable in _completed()
    )
    return (
        f"set --global __aimager_tasks {_tabbed(tasks)}\n"
        f"set --global __aimager_names {_tabbed(names)}\n"
        f"set --global __aimager_naming {_quoted(sorted(NAMING))}\n\n"
        "# Prints the values that the variable $argv takes, after what they are.\n"
        f"function __aimager_values\n    switch $argv\n{cases}    end\nend\n"
    )


def _tabbed(words: Words) -> str:
    """Words with their meanings, as fish's complete reads them."""
    return _quoted(f"{word}\t{meaning}" for word, meaning in words.items())


def _quoted(texts: Iterable[str]) -> str:
    """Texts as words of fish(1), where only these two characters are special between quotes."""
    escaped = (text.replace("\\", "\\\\").replace("'", "\\'") for text in texts)
    return " ".join(f"'{text}'" for text in escaped)
