"""The tasks that make no product, as ``doit list`` has them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimager.commands import actions as commands
from aimager.commands import demo, printers
from aimager.commands.doctor import diagnosis
from aimager.commands.listing import LISTS
from aimager.graph import artifacts
from aimager.graph.doit_tasks import Graph, command, printer
from aimager.graph.plan import Plan
from aimager.model.build import Build


@dataclass(frozen=True)
class Command:
    """A task that makes no product: ``action`` is what it does, ``after`` tasks come before it.

    ``options`` are its own, as doit's ``params``; their values are arguments by name. One that
    ``prints`` is there for its output, beside which doit prints nothing.
    """

    name: str
    meaning: str
    action: Callable[..., object]
    arguments: tuple[object, ...] = ()
    after: tuple[str, ...] = ()
    options: tuple[Mapping[str, object], ...] = ()
    prints: bool = False


def as_task(it: Command) -> dict[str, Any]:
    """A command as doit takes it."""
    return {
        "basename": it.name,
        "doc": it.meaning,
        **(printer if it.prints else command)(it.action, *it.arguments, options=it.options),
        "task_dep": list(it.after),
    }


JSON = {
    "name": "as_json",
    "long": "json",
    "type": bool,
    "default": False,
    "help": "print it as JSON, and nothing else",
}


@dataclass(frozen=True)
class Told:
    """What commands are told: the ``builds`` that were asked for, their graph and their plans.

    ``folder`` is where doit was started, and relative paths begin; ``dodo`` is doit's file.
    """

    builds: tuple[Build, ...]
    graph: Graph
    plans: Sequence[Plan]
    folder: Path
    dodo: Path

    @property
    def build(self) -> Build | None:
        """The one build that was asked for; None: none was, or several were."""
        return self.builds[0] if len(self.builds) == 1 else None


def list_commands(told: Told) -> list[Command]:
    """All commands, as ``doit list`` has them."""
    plans, resolved = told.plans, ("resolve-packages",)
    mirror = (artifacts.mirror(), artifacts.mirror_work())
    shown = (told.dodo, told.folder / "out", *mirror, artifacts.log("demo"))
    lists = [
        Command(name, listed.meaning, commands.show_list, (name, told.folder), prints=True)
        for name, listed in LISTS.items()
    ]
    return [
        *lists,
        Command(
            "show",
            "print the definitions that distro=, board= and others come to, or that of table==NAME",
            commands.show_builds,
            (told.builds,),
            prints=True,
        ),
        Command(
            "lock",
            "write to lock=FILE exactly which packages a build takes, for others to build the same",
            commands.write_lock_file,
            (plans,),
            resolved,
        ),
        Command(
            "update",
            "resolve the packages of lock=FILE anew, and say what changed",
            commands.update_lock_file,
            (plans,),
            resolved,
        ),
        Command(
            "doctor",
            "say what this machine lacks for builds, or for that of distro= and board=, and what "
            "to type; --json",
            diagnosis.tell,
            (plans,),
            options=(JSON,),
            prints=True,
        ),
        Command(
            "why",
            "say what a build would do, and because of what, without doing it",
            commands.tell_why,
            (told.graph,),
        ),
        Command(
            "boot",
            "boot the image of distro= and board= in QEMU; ctrl-a x leaves",
            commands.boot_image,
            (told.build,),
        ),
        Command(
            "cache",
            "show what the cache holds: how much of each kind, and when it was used last",
            commands.show_cache,
        ),
        Command(
            "cache-prune",
            "remove what was not used for longest: size=10GiB, older=30d",
            commands.prune_cache,
        ),
        Command(
            "graph",
            "print a picture, in SVG, of what is made from what",
            printers.print_graph,
            (plans, told.graph),
            prints=True,
        ),
        Command(
            "matrix",
            "print the boards of boards=A,B with machines to build them on, for=github or gitlab",
            printers.print_matrix,
            (told.folder,),
            prints=True,
        ),
        Command(
            "completion",
            "print what completes tasks, variables and values in for=bash, zsh or fish",
            printers.print_completion,
            (told.dodo,),
            prints=True,
        ),
        Command(
            "mirror",
            "make the stand-in mirror, of Debian's packages, in the cache: of all ports, or "
            "arch=A,B",
            commands.make_mirror,
        ),
        Command(
            "demo",
            "build an image for this machine's architecture from the stand-in mirror, and boot it",
            demo.show,
            shown,
        ),
    ]
