"""What is made from what, as a graph in Mermaid's or Graphviz's language."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from aimager.commands.command_line import NAME_IT
from aimager.config.parse import choices
from aimager.config.run_variables import GRAPH_LANGUAGES
from aimager.errors import ConfigError
from aimager.graph.doit_tasks import Graph
from aimager.graph.plan import Plan

COLOURS = {"host": "#ddf4ff", "target": "#dafbe1", "board": "#fff1c2"}
"""By whose a task is: of the host's own platform, of the target's platform, or of the board."""

_LINE, _TEXT = "#57606a", "#1b1f24"


@dataclass(frozen=True)
class Node:
    """A task: its name, what it is of, whose it is (one of `COLOURS`), and what it needs."""

    title: str
    subject: str
    kind: str
    needs: tuple[str, ...]


Nodes = Mapping[str, Node]
"""Tasks by their whole names."""


def print_graph(plans: Sequence[Plan], graph: Graph, variables: Mapping[str, str]) -> None:
    """Print what is made from what, in the language of ``for=``.

    :raises ConfigError: when no build was asked for, or the language is not known
    """
    language = variables.get("for", next(iter(LANGUAGES)))
    if language not in LANGUAGES:
        raise ConfigError(f"for={language} is not known", hint=f"it is {choices(LANGUAGES)}")
    if not plans:
        raise ConfigError("there is no graph to print", hint=NAME_IT)
    nodes = {
        f"{task.task}:{task.subject}": Node(
            task.task, task.subject, _kind(task.subject, plans), tuple(graph.makers(task.stage))
        )
        for task in graph.tasks
    }
    print(LANGUAGES[language](reduce(nodes)), end="")


def _kind(subject: str, plans: Sequence[Plan]) -> str:
    """Whether a task's subject is a board on its platform, the platform, or the host's."""
    if any(subject in plan.systems for plan in plans):
        return "board"
    of_target = any(subject.startswith(plan.build.platform.id) for plan in plans)
    lent = {lender.subject for plan in plans for lender in plan.lenders}
    return "target" if of_target and subject not in lent else "host"


def reduce(nodes: Nodes) -> dict[str, Node]:
    """The same tasks in the order of the work, without needs that follow from others."""
    before: dict[str, set[str]] = {}
    for name in TopologicalSorter(
        {name: node.needs for name, node in nodes.items()}
    ).static_order():
        needs = nodes[name].needs
        before[name] = set(needs).union(*(before[other] for other in needs))
    return {
        name: Node(
            node.title,
            node.subject,
            node.kind,
            tuple(n for n in node.needs if not any(n in before[other] for other in node.needs)),
        )
        for name, node in sorted(nodes.items(), key=lambda item: len(before[item[0]]))
    }


def write_mermaid(nodes: Nodes) -> str:
    """The graph as a flowchart of Mermaid's, whose nodes have short names: ids take no colon."""
    ids = {name: f"t{number}" for number, name in enumerate(nodes, 1)}
    lines = ["flowchart TD"]
    lines += [
        f"    classDef {kind} fill:{colour},stroke:{_LINE},color:{_TEXT}"
        for kind, colour in COLOURS.items()
    ]
    for name, node in nodes.items():
        lines.append(f'    {ids[name]}["{node.title}<br>{node.subject}"]:::{node.kind}')
        if node.needs:
            lines.append(f"    {' & '.join(ids[other] for other in node.needs)} --> {ids[name]}")
    return "\n".join(lines) + "\n"


def write_dot(nodes: Nodes) -> str:
    """The graph in Graphviz's language."""
    lines = [
        "digraph aimager {",
        f'    node [shape=box style="filled,rounded" color="{_LINE}" fontcolor="{_TEXT}"]',
    ]
    for name, node in nodes.items():
        label = rf"{node.title}\n{node.subject}"
        lines.append(f'    "{name}" [label="{label}" fillcolor="{COLOURS[node.kind]}"]')
        lines += [f'    "{other}" -> "{name}"' for other in node.needs]
    return "\n".join([*lines, "}"]) + "\n"


LANGUAGES: dict[str, Callable[[Nodes], str]] = dict(
    zip(GRAPH_LANGUAGES, (write_mermaid, write_dot), strict=True)
)
"""What ``for=`` names, the usual one first."""
