"""The manual page of the program, in man(7)'s macros, out of its commands and variables."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from aimager.commands.doit_commands import COMMANDS
from aimager.commands.doit_loader import list_tasks
from aimager.config.variable import Variable
from aimager.config.variables import VARIABLES

_HEAD = """\
.TH AIMAGER 1
.SH NAME
aimager \\- build images of Arch Linux and of its ports, without root
.SH SYNOPSIS
.B aimager
.RI [ COMMAND ]
.RI [ OPTION ...]
.RI [ TASK ...]
.RI [ NAME=VALUE ...]
.SH DESCRIPTION
.B aimager build board=rpi4
builds the image of a board in the folder
.IR out ,
on any Linux distribution and for any architecture. It is a graph of tasks, run by
.BR doit :
what did not change is not built again. In a checkout of the project,
.B doit
stands for
.BR aimager .
"""

_OPTIONS = {
    "-n NUMBER": "run so many tasks at the same time; without it, or with 0, as many as there are"
    " cores, each with 4 GiB of available memory",
    "-a": "run the tasks even if they are up to date, with run before the tasks",
    "-s": "run the tasks that are named without those that they need, likewise",
}

_ENVIRONMENT = {
    "AIMAGER_CACHE": "the folder of the cache, instead of cache where the program is started",
    "SOURCE_DATE_EPOCH": "the time stamp of what is made, in seconds since 1970",
    "NO_COLOR": "if it is set, nothing is coloured",
}

_FILES = {
    "out/": "the results, each build's in a folder of its own",
    "cache/": "packages, and the products of all tasks; aimager cache shows what it holds",
}

_STATUS = {
    "0": "all that was asked for is done",
    "1": "a task failed, or the command line is wrong; a sentence says why, and what to do",
    "2": "there is an error in the program itself, which is shown",
}

_EXAMPLES = {
    "aimager build board=x64-uefi hostname=pc useradd=alice chpasswd=alice:secret": "build an"
    " image with a user",
    "aimager boot board=x64-uefi": "boot it in QEMU",
    "aimager why board=x64-uefi hostname=other": "say what a build would do, and why",
}


def print_man_page() -> None:
    """Print the page, with all tasks that there are."""
    print(write_man_page(list_tasks(), VARIABLES), end="")


def write_man_page(tasks: Mapping[str, str], variables: Iterable[Variable]) -> str:
    """The page, with ``tasks`` as the meanings of their names."""
    commands = {kind.get_name(): kind.doc_purpose for kind in COMMANDS}
    sections = [
        _HEAD,
        _section("TASKS", tasks),
        _section("COMMANDS", commands),
        _section("OPTIONS", _OPTIONS),
        ".SH VARIABLES\n",
        *_groups(variables),
        _section("EXIT STATUS", _STATUS),
        _section("ENVIRONMENT", _ENVIRONMENT),
        _section("FILES", _FILES),
        _section("EXAMPLES", _EXAMPLES),
    ]
    return "".join(sections)


def _groups(variables: Iterable[Variable]) -> Iterable[str]:
    for group, members in groupby(variables, key=lambda variable: variable.group):
        yield f".SS {_escaped(group)}\n"
        for variable in members:
            told = [variable.meaning, variable.values]
            told += [f"default: {variable.default}"] if variable.default else []
            yield _item(f"{variable.name}=", "; ".join(text for text in told if text))
            if variable.example:
                yield f".br\n.I {_escaped(variable.example)}\n"


def _section(title: str, items: Mapping[str, str]) -> str:
    return f".SH {title}\n" + "".join(_item(name, meaning) for name, meaning in items.items())


def _item(name: str, meaning: str) -> str:
    return f".TP\n.B {_escaped(name)}\n{_escaped(meaning)}\n"


def _escaped(text: str) -> str:
    """Text that roff(7) prints as it is; a line that begins with a dot or quote is a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped
