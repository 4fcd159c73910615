"""Where the nodes of a graph stand in a picture: in layers, with few crossings. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise

Edge = tuple[str, str]
Needs = Mapping[str, Collection[str]]
"""Nodes, each with those that it needs."""

_SWEEPS = 12
_MOVES = 200


@dataclass(frozen=True)
class Layout:
    """``columns`` are the nodes' places from left to right, in widths of a node; ``rows`` from 0.

    ``ways`` are the (column, row) that the line of an edge runs through, its ends included.
    """

    columns: Mapping[str, float]
    rows: Mapping[str, int]
    ways: Mapping[Edge, Sequence[tuple[float, int]]]


def reduce(needs: Needs) -> dict[str, tuple[str, ...]]:
    """The same order with the fewest edges: none is left that others imply."""
    before: dict[str, set[str]] = {}
    for node in TopologicalSorter(needs).static_order():
        needed = needs[node]
        before[node] = set(needed).union(*(before[other] for other in needed))
    return {
        node: tuple(n for n in needed if not any(n in before[other] for other in needed))
        for node, needed in needs.items()
    }


def lay_out(needs: Needs) -> Layout:
    """Give each node of ``needs`` a place; equal graphs are laid out equally.

    Layers by longest paths, their order by barycentres, as Sugiyama, Tagawa and Toda have it
    (Methods for visual understanding of hierarchical system structures, 1981).
    """
    rows: dict[str, int] = {}
    for node in TopologicalSorter(needs).static_order():
        rows[node] = max((rows[other] + 1 for other in needs[node]), default=0)
    grid = _Grid.of(needs, rows)
    grid.sort()
    columns = grid.place()
    ways = {
        edge: [(columns[step], grid.rows[step]) for step in steps]
        for edge, steps in grid.steps.items()
    }
    return Layout({node: columns[node] for node in needs}, rows, ways)


@dataclass
class _Grid:
    """Layers of nodes and of the points in which long edges pass through a layer."""

    rows: dict[str, int]
    steps: dict[Edge, list[str]]
    layers: list[list[str]]
    above: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, needs: Needs, rows: Mapping[str, int]) -> "_Grid":
        """The grid of a graph whose nodes are in ``rows``."""
        grid = cls(dict(rows), {}, [[] for _ in range(max(rows.values(), default=0) + 1)])
        for node, needed in needs.items():
            for other in needed:
                between = range(rows[other] + 1, rows[node])
                points = {f"{other} > {node} @{row}": row for row in between}
                grid.rows |= points
                grid.steps[other, node] = [other, *points, node]
        for node, row in grid.rows.items():
            grid.layers[row].append(node)
        for steps in grid.steps.values():
            for upper, lower in pairwise(steps):
                grid.below.setdefault(upper, []).append(lower)
                grid.above.setdefault(lower, []).append(upper)
        return grid

    def sort(self) -> None:
        """Order each layer so that few edges cross."""
        best = [list(layer) for layer in self.layers]
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for layer in self.layers if down else reversed(self.layers):
                self._sort_layer(layer, self.above if down else self.below)
            if self.crossings() < _Grid(self.rows, self.steps, best).crossings():
                best = [list(layer) for layer in self.layers]
        self.layers = best

    def _sort_layer(self, layer: list[str], neighbours: Mapping[str, list[str]]) -> None:
        place = self._places()
        own = {node: place[node] for node in layer}
        layer.sort(key=lambda node: _mean((place[n] for n in neighbours.get(node, ())), own[node]))

    def _places(self) -> dict[str, float]:
        """Places in layers, from 0 to 1, so that layers of other lengths compare."""
        return {
            node: (index + 0.5) / len(layer)
            for layer in self.layers
            for index, node in enumerate(layer)
        }

    def crossings(self) -> int:
        """How often edges cross."""
        place = self._places()
        lines: dict[int, list[tuple[float, float]]] = {}
        for steps in self.steps.values():
            for upper, lower in pairwise(steps):
                lines.setdefault(self.rows[upper], []).append((place[upper], place[lower]))
        return sum(
            (first[0] - second[0]) * (first[1] - second[1]) < 0
            for row in lines.values()
            for index, first in enumerate(row)
            for second in row[:index]
        )

    def place(self) -> dict[str, float]:
        """Columns that keep the order of each layer, near to those of neighbours."""
        columns = {n: float(i) for layer in self.layers for i, n in enumerate(layer)}
        for _ in range(_MOVES):
            for layer in (*self.layers, *reversed(self.layers)):
                wanted = [self._wish(node, columns) for node in layer]
                columns |= zip(layer, _spread(wanted), strict=True)
        left = min(columns.values(), default=0.0)
        return {node: round(column - left, 2) for node, column in columns.items()}

    def _wish(self, node: str, columns: Mapping[str, float]) -> float:
        near = (*self.above.get(node, ()), *self.below.get(node, ()))
        return _mean((columns[other] for other in near), columns[node])


def _spread(wanted: Sequence[float]) -> list[float]:
    """Places in the same order, at least 1 apart, as near to the wanted ones on both sides."""
    from_left = _push(wanted)
    from_right = [-place for place in reversed(_push([-place for place in reversed(wanted)]))]
    return [(left + right) / 2 for left, right in zip(from_left, from_right, strict=True)]


def _push(wanted: Sequence[float]) -> list[float]:
    places: list[float] = []
    for place in wanted:
        places.append(max(place, places[-1] + 1) if places else place)
    return places


def _mean(values: Iterable[float], otherwise: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else otherwise
