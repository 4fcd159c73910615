"""The tasks that make no product, as ``doit list`` has them."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from aimager.commands.command_line import COMPARING, NAMING, TELLING, TROUBLE, Asked
from aimager.commands.doit_loader import list_tasks
from aimager.commands.listing import LISTS
from aimager.graph import artifacts
from aimager.graph.actions import command, printer
from aimager.graph.doit_tasks import Graph
from aimager.graph.plan import Plan
from aimager.model.build import Build


@dataclass(frozen=True)
class Command:
    """A task that makes no product: ``action`` is what it does, ``after`` tasks come before it.

    It is named ``module:function``, the module being one of this room, which is read when it is
    run: what a command needs costs others nothing.
    ``options`` are its own, as doit's ``params``; their values are arguments by name. Beside the
    output of one that is `TELLING`, doit prints nothing, and beside that of one that ``prints``,
    what others say goes to standard error.
    The words behind one of `NAMING` are its argument ``names``. One of `COMPARING` ends with the
    status 2, as diff(1), where it cannot do its work.
    """

    name: str
    meaning: str
    action: str
    arguments: tuple[object, ...] = ()
    after: tuple[str, ...] = ()
    options: tuple[Mapping[str, object], ...] = ()
    prints: bool = False


def act(action: str, *arguments: object, **options: object) -> object:
    """Do what a `Command` does that has this ``action``."""
    module, _, function = action.partition(":")
    found = getattr(importlib.import_module(f"aimager.commands.{module}"), function)
    result: object = found(*arguments, **options)
    return result


def _as_task(it: Command) -> dict[str, Any]:
    """A command as doit takes it."""
    make = printer if it.prints or it.name in TELLING else command
    if it.name in COMPARING:
        make = partial(printer, names="names" if it.name in NAMING else "", trouble=TROUBLE)
    return {
        "basename": it.name,
        "doc": it.meaning,
        **make(partial(act, it.action), *it.arguments, options=it.options),
        "task_dep": list(it.after),
    }


JSON = {
    "name": "as_json",
    "long": "json",
    "type": bool,
    "default": False,
    "help": "print it as JSON, and nothing else",
}

ALL = {
    "name": "all_lines",
    "long": "all",
    "type": bool,
    "default": False,
    "help": "print all that differs, however much it is",
}


@dataclass(frozen=True)
class Told:
    """What commands are told: the command line, its builds, their graph and their plans."""

    asked: Asked
    builds: tuple[Build, ...]
    graph: Graph
    plans: Sequence[Plan]

    @property
    def build(self) -> Build | None:
        """The one build that was asked for; None: no build was, or several were."""
        return self.builds[0] if len(self.builds) == 1 else None


def list_commands(told: Told) -> list[dict[str, Any]]:
    """All commands, as doit takes them."""
    return [_as_task(it) for it in _commands(told)]


def _commands(told: Told) -> list[Command]:
    asked, variables = told.asked, told.asked.variables
    plans, resolved = told.plans, ("resolve-packages",)
    installed = ("fetch-packages", "make-rootfs-archive", "install-packages")
    stand_in = (artifacts.mirror(), artifacts.mirror_work())
    shown = (asked.folder / "out", *stand_in, artifacts.log("demo"))
    lists = [
        Command(name, listed.meaning, "show:show_list", (name, asked))
        for name, listed in LISTS.items()
    ]
    return [
        *lists,
        Command(
            "show",
            "print the definitions that distro=, board= and others come to, or that of table==NAME",
            "show:show_builds",
            (told.builds, variables),
        ),
        Command(
            "schema",
            "print the JSON Schema of files of builds=, which editors use",
            "show:show_schema",
        ),
        Command(
            "lock",
            "write to lock=FILE exactly which packages a build takes, for others to build the same",
            "lock:write_lock_file",
            (plans,),
            resolved,
        ),
        Command(
            "update",
            "resolve the packages of lock=FILE anew, and say what changed",
            "lock:update_lock_file",
            (plans,),
            resolved,
        ),
        Command(
            "doctor",
            "say what this machine lacks for builds, or for that of distro= and board=, and what "
            "to type; --json",
            "doctor.diagnosis:tell",
            (plans,),
            options=(JSON,),
        ),
        Command(
            "why",
            "say what a build would do, and because of what, without doing it",
            "why:tell_why",
            (told.graph,),
        ),
        Command(
            "boot",
            "boot the image of distro= and board= in QEMU; ctrl-a x leaves",
            "boot.run:boot_image",
            (told.build, variables, asked.folder),
        ),
        Command(
            "shell",
            "open a shell in the system of distro= and board= as the image has it, or run the"
            " commands of standard input there; nothing is kept but by keep=FILE",
            "shell:open_shell",
            (plans, variables, asked.folder),
            installed if told.build else (),
            prints=True,
        ),
        Command(
            "personalise",
            "write a copy of image=, or change it with in-place=yes, that has a hostname=, users,"
            " passwords and ids of its own, without a build",
            "personalise:personalise_image",
            (variables, asked.folder),
        ),
        Command(
            "flash",
            "write the image of distro= and board=, or image=FILE, to the card or disk device=;"
            " without that, list those that can be taken out",
            "flash.run:flash_image",
            (told.build, variables, asked.folder),
        ),
        Command(
            "os-list",
            "print the built images of Raspberry Pis as Raspberry Pi Imager lists them, for a file"
            " .rpi-imager-manifest, or with url= for a server",
            "os_list:print_os_list",
            (told.builds, variables, asked.folder),
        ),
        Command(
            "diff",
            "say what differs between two images, results' folders, manifests or lock files:"
            " doit diff A B; --all, --json",
            "diff:print_difference",
            (variables, asked.folder),
            options=(JSON, ALL),
        ),
        Command(
            "verify",
            "build what manifest=FILE tells of once more, with the packages of lock=FILE, or of the"
            " lock file beside it, and say whether it is bit for bit equal, or what differs",
            "verify.run:verify_image",
            (asked.assignments, asked.folder),
        ),
        Command(
            "cache",
            "show what the cache holds: how much of each kind, and when it was used last",
            "cache:show_cache",
        ),
        Command(
            "cache-prune",
            "remove what was not used for longest: size=10GiB, older=30d; of the store of remote=,"
            " where that is given",
            "cache:prune_cache",
            (variables, asked.folder),
        ),
        Command(
            "graph",
            "print what is made from what, in Mermaid's language or with for=dot in Graphviz's",
            "graph:print_graph",
            (plans, told.graph, variables),
        ),
        Command(
            "matrix",
            "print the jobs of builds=FILE in phases, or the boards of boards=A,B, with machines to"
            " build them on, for=github or gitlab",
            "matrix:print_matrix",
            (asked, told.builds),
        ),
        Command(
            "completion",
            "print what completes tasks, variables and values in for=bash, zsh or fish",
            "completion:print_completion",
            (variables, list_tasks),
        ),
        Command(
            "man",
            "print the manual page of aimager: aimager man | man -l -",
            "man_page:print_man_page",
        ),
        Command(
            "cluster",
            "be the scheduler of a cluster at workers=, with as many workers here as tasks run at"
            " the same time, for builds with workers= and remote=",
            "cluster:serve_cluster",
            (variables, asked.folder, asked.jobs),
        ),
        Command(
            "worker",
            "do tasks for the cluster workers=, with this machine's own remote= and its keys",
            "cluster:work",
            (variables, asked.folder),
        ),
        Command(
            "mirror",
            "make the stand-in mirror, of Debian's packages, in the cache: of the host's port, or"
            " of arch=A,B",
            "mirror:make_asked_mirror",
            (variables,),
        ),
        Command(
            "demo",
            "build an image for this machine's architecture from the stand-in mirror, and boot it",
            "demo:show",
            shown,
        ),
        Command(
            "test",
            "run the tests of a checkout: style, units, real builds and boots",
            "run_tests:run_tests",
            ("-m", "not nightly"),
        ),
        Command(
            "test-nightly",
            "run those that boot what other tests boot, too, and take minutes each",
            "run_tests:run_tests",
            ("-m", "nightly"),
        ),
        Command(
            "test-fast",
            "run the tests of a checkout that take no minutes",
            "run_tests:run_tests",
            ("-m", "not slow"),
        ),
    ]
