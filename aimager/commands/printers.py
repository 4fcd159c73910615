"""Tasks that print for programs: a matrix for continuous integration, completions, a picture."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from aimager.commands.command_line import variables_of
from aimager.commands.completion import write_completion
from aimager.commands.graph_svg import Node, draw
from aimager.commands.matrix import make_matrix
from aimager.errors import ConfigError
from aimager.graph.doit_tasks import Graph
from aimager.graph.plan import Plan


def print_matrix(folder: Path) -> None:
    """Print the boards= of the command line as a matrix; relative paths start at ``folder``.

    :raises ConfigError: for what is no board
    """
    print(json.dumps(make_matrix(variables_of(sys.argv[1:]), folder)))


def print_completion(dodo: Path) -> None:
    """Print what completes the tasks of ``dodo`` and all variables in the shell of for=.

    :raises ConfigError: for a shell that is not known here
    """
    # doit itself knows them; what a task's module defines is not all that it has.
    argv = [sys.executable, "-m", "doit", "-f", str(dodo), "list", "--template={name}\t{doc}\n"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    lines = (line.split("\t", 1) for line in listed.splitlines() if line.strip())
    tasks = {"list": "list the tasks", "help": "explain a task", **dict(lines)}
    print(write_completion(variables_of(sys.argv[1:]).get("for", ""), tasks), end="")


def print_graph(plans: Sequence[Plan], graph: Graph) -> None:
    """Print the picture of what is made from what.

    :raises ConfigError: when no build was asked for
    """
    if not plans:
        raise ConfigError("there is no graph to draw", hint="name it: distro= and board=")
    nodes = {
        f"{task.task}:{task.subject}": Node(
            task.task, task.subject, _kind(task.subject, plans), tuple(graph.makers(task.stage))
        )
        for task in graph.tasks
    }
    built = ", ".join(plan.build.id for plan in plans)
    print(draw(nodes, f"What is made from what, in a build of {built}"), end="")


def _kind(subject: str, plans: Sequence[Plan]) -> str:
    """Whether a task's subject is a board on its platform, the platform, or the host's."""
    if any(subject == plan.build.id for plan in plans):
        return "board"
    of_target = any(subject.startswith(plan.build.platform.id) for plan in plans)
    return "target" if of_target and subject not in {p.borrow_subject for p in plans} else "host"
