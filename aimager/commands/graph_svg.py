"""The picture of a graph of tasks, in SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from aimager.commands.graph_layout import Layout, lay_out, reduce

_WIDTH, _HEIGHT = 210, 44
_APART, _GAP = 226, 84
_EDGE = 20
_STYLE = """
text { font: 13px sans-serif; text-anchor: middle; fill: #1b1f24 }
text.subject { font-size: 11px; fill: #57606a }
rect.node { stroke: #57606a; fill: #ffffff }
rect.host { fill: #ddf4ff }
rect.target { fill: #dafbe1 }
rect.board { fill: #fff1c2 }
path { fill: none; stroke: #57606a; stroke-width: 1.2 }
"""


@dataclass(frozen=True)
class Node:
    """A task: its name, what it is of, whose it is (host, target or board), and what it needs."""

    title: str
    subject: str
    kind: str
    needs: tuple[str, ...]


def draw(nodes: Mapping[str, Node], caption: str) -> str:
    """The picture of tasks by their whole names; a line that follows from others is left out."""
    layout = lay_out(reduce({name: node.needs for name, node in nodes.items()}))
    columns = (column for way in layout.ways.values() for column, _ in way)
    width = 2 * _EDGE + _WIDTH + round(_APART * max(columns, default=0))
    height = 2 * _EDGE + _HEIGHT + _GAP * max(layout.rows.values(), default=0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">',
        f"<title>{escape(caption)}</title>",
        f"<style>{_STYLE}</style>",
        '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *(_line(way) for way in layout.ways.values()),
        *(part for name, node in nodes.items() for part in _box(name, node, layout)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _line(way: Sequence[tuple[float, int]]) -> str:
    """A curve through points, that leaves and enters each layer upright."""
    points = [(_middle(column), _top(row)) for column, row in way]
    x, y = points[0][0], points[0][1] + _HEIGHT
    parts = [f"M{x},{y}"]
    for index, (next_x, top) in enumerate(points[1:], 2):
        bend = (top - y) // 2
        parts.append(f"C{x},{y + bend} {next_x},{top - bend} {next_x},{top}")
        if index < len(points):
            parts.append(f"V{top + _HEIGHT}")
        x, y = next_x, top + _HEIGHT
    return f'<path d="{" ".join(parts)}" marker-end="url(#end)"/>'


def _box(name: str, node: Node, layout: Layout) -> list[str]:
    middle, top = _middle(layout.columns[name]), _top(layout.rows[name])
    return [
        f'<rect class="node {node.kind}" x="{middle - _WIDTH // 2}" y="{top}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="6"/>',
        f'<text x="{middle}" y="{top + 18}">{escape(node.title)}</text>',
        f'<text class="subject" x="{middle}" y="{top + 35}">{escape(node.subject)}</text>',
    ]


def _middle(column: float) -> int:
    return _EDGE + _WIDTH // 2 + round(_APART * column)


def _top(row: int) -> int:
    return _EDGE + _GAP * row
