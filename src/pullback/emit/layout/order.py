"""The order within each column: argument order first, then fewer crossings.

A walk from the outputs through the arguments, top to bottom, gives the first order; it has no crossing
in a tree. Sweeps then sort each column by where its wires come from, and the best order seen is kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from pullback.emit.layout.graph import EXIT, Graph
from pullback.emit.layout.ranks import Layers

PATIENCE = 3  # sweeps without a better count before we stop
LARGE = 4000  # vertices; beyond, the second sweep without gain is the last
SWEEPS = 24
Line = tuple[int, float, int, float]  # left vertex, where on it, right vertex, where on it
Half = list[list[tuple[int, float]]]  # for each vertex: (neighbour, where on it)


def ordered(graph: Graph, layers: Layers) -> tuple[list[list[int]], int]:
    """The vertices of each rank from top to bottom, and how often two wires cross."""
    lines = _with_places(graph, layers)
    left, right = _neighbours(lines, len(layers.rank))
    columns = _walked(graph, layers)
    best, fewest = columns, _crossings(lines, columns, len(layers.rank))
    failures, patience = 0, PATIENCE if len(layers.rank) < LARGE else 2
    for sweep in range(SWEEPS):
        if not fewest or failures >= patience:
            break
        columns = _swept(columns, left, right, forward=sweep % 2 == 0)
        found = _crossings(lines, columns, len(layers.rank))
        failures = 0 if found < fewest else failures + 1
        if found < fewest:
            best, fewest = columns, found
    return best, fewest


def _with_places(graph: Graph, layers: Layers) -> list[list[Line]]:
    """The lines of each gap, with the place of their ports on the boxes as a part of 1."""
    nodes, count = graph.nodes, layers.count

    def part(vertex: int, port: int, out: bool) -> float:
        if vertex >= count:
            return 0.5
        node = nodes[vertex]
        height = (node.outputs if out else node.inputs)[port]
        return 0.05 + 0.9 * height / node.height if node.height else 0.5

    return [
        [(a, part(a, p, True), b, part(b, q, False)) for a, p, b, q, _ in lines]
        for lines in layers.lines
    ]


def _neighbours(lines: list[list[Line]], size: int) -> tuple[Half, Half]:
    left: Half = [[] for _ in range(size)]
    right: Half = [[] for _ in range(size)]
    for some in lines:
        for a, there, b, here in some:
            left[b].append((a, there))
            right[a].append((b, here))
    return left, right


def _walked(graph: Graph, layers: Layers) -> list[list[int]]:
    """Depth first from the outputs, arguments in order: the order in which a reader would name them."""
    order: list[list[tuple[int, int]]] = [[] for _ in layers.rank]
    for lines in layers.lines:
        for a, _, b, q, _ in lines:
            order[b].append((q, a))
    listened = {a for lines in layers.lines for a, *_ in lines}
    nodes = range(layers.count)
    ends = [i for i in nodes if graph.nodes[i].kind == EXIT]
    loose = [i for i in nodes if i not in listened and graph.nodes[i].kind != EXIT]
    columns: list[list[int]] = [[] for _ in range(layers.ranks)]
    seen = [False] * len(layers.rank)
    stack = [*reversed(loose), *reversed(ends)]
    while stack:
        vertex = stack.pop()
        if not seen[vertex]:
            seen[vertex] = True
            columns[layers.rank[vertex]].append(vertex)
            stack.extend(a for _, a in sorted(order[vertex], reverse=True))
    return columns


def _swept(columns: Sequence[list[int]], left: Half, right: Half, forward: bool) -> list[list[int]]:
    """One sweep: each column sorted by the mean place of its wires in the column just sorted."""
    columns = [list(c) for c in columns]
    ranks = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
    sides = left if forward else right
    place = [0.0] * len(left)
    for column in columns:
        for i, vertex in enumerate(column):
            place[vertex] = float(i)
    for r in ranks:
        wanted = [_mean(sides[v], place) for v in columns[r]]
        columns[r] = _sorted_where_pulled(columns[r], wanted)
        for i, vertex in enumerate(columns[r]):
            place[vertex] = float(i)
    return columns


def _mean(ends: list[tuple[int, float]], place: list[float]) -> float | None:
    if len(ends) == 1:  # most of them: a wire on its way through
        vertex, part = ends[0]
        return place[vertex] + part
    if not ends:
        return None
    total = 0.0
    for vertex, part in ends:
        total += place[vertex] + part
    return total / len(ends)


def _sorted_where_pulled(column: list[int], wanted: list[float | None]) -> list[int]:
    """Vertices without a wire on this side keep their slots; the others are sorted around them."""
    moving = sorted(
        (w, i, v) for i, (v, w) in enumerate(zip(column, wanted, strict=True)) if w is not None
    )
    following = iter(moving)
    return [v if w is None else next(following)[2] for v, w in zip(column, wanted, strict=True)]


def _crossings(lines: list[list[Line]], columns: list[list[int]], size: int) -> int:
    """How many pairs of wires cross, gap by gap: inversions, counted by insertion."""
    place = [0] * size
    for column in columns:
        for i, vertex in enumerate(column):
            place[vertex] = i
    total = 0
    for some in lines:
        ends = sorted([(place[a] + p, place[b] + q) for a, p, b, q in some])
        seen: list[float] = []
        for _, end in ends:
            if seen and end < seen[-1]:
                at = bisect_right(seen, end)
                total += len(seen) - at
                seen.insert(at, end)
            else:
                seen.append(end)
    return total
