"""The height of everything: wires as straight as the order allows.

Columns take turns. Each vertex wants to stand so that the median of its wires is straight; the wants
of a column are then reconciled by pooling adjacent violators, which is exact for this problem.
"""

from __future__ import annotations

from itertools import pairwise

from pullback.emit.layout.graph import BOX, LEAF, Graph, Spacing
from pullback.emit.layout.ranks import Layers

TURNS = 5
STIFF = 6.0  # a long wire resists bends this much more than a box
LOOSE = 0.2  # and a leaf, which nothing hangs on, this much less
SNAP = 8.0  # bends smaller than this are straightened where there is room
STRAIGHT = 0.01
Pulls = list[list[tuple[int, float]]]  # for each vertex: (neighbour, its port's height less ours)


class Heights:
    """The top of each vertex, and for the holder of a wire its height. least: gaps that must stay."""

    def __init__(
        self, graph: Graph, layers: Layers, columns: list[list[int]], spacing: Spacing
    ) -> None:
        self.graph, self.layers, self.columns = graph, layers, columns
        self.left, self.right = _pulls(graph, layers)
        self.least = [_gaps(graph, layers, column, spacing) for column in columns]
        self.y = [0.0] * len(layers.rank)
        self.weights = [LOOSE if n.kind == LEAF else 1.0 for n in graph.nodes]
        self.weights += [STIFF] * (len(self.y) - layers.count)

    def settle(self) -> None:
        """Let every column find its heights, from the left and from the right in turns."""
        for column, gaps in zip(self.columns, self.least, strict=True):
            total = 0.0
            for vertex, gap in zip(column, [0.0, *gaps], strict=False):
                total += gap
                self.y[vertex] = total
        ranks = range(len(self.columns))
        for turn in range(TURNS):
            forward = turn % 2 == 0
            near, far = (self.left, self.right) if forward else (self.right, self.left)
            for r in ranks if forward else reversed(ranks):
                self._settle_column(r, near, far)
        for r in reversed(ranks):
            self.snap(r, forward=False)

    def _settle_column(self, r: int, near: Pulls, far: Pulls) -> None:
        """Move one column to where its wires want it, order and gaps kept."""
        y, column = self.y, self.columns[r]
        wants = []
        for vertex in column:
            pulls = near[vertex] or far[vertex]
            wants.append(_median([y[v] + d for v, d in pulls]) if pulls else y[vertex])
        weights = [self.weights[v] for v in column]
        for vertex, height in zip(column, pooled(wants, weights, self.least[r]), strict=True):
            y[vertex] = height

    def snap(self, r: int, forward: bool) -> None:
        """Straighten small bends on one side: move a vertex where more wires are straight, if it has room.

        A neighbour that hangs on this vertex alone will follow, so its wire does not count.
        """
        y, column, gaps, left, right = self.y, self.columns[r], self.least[r], self.left, self.right
        near, far = (left, right) if forward else (right, left)
        for i, vertex in enumerate(column):
            bends = [
                y[v] + d - y[vertex]
                for v, d in near[vertex] or far[vertex]
                if len(left[v]) + len(right[v]) > 1
            ]
            moves = [b for b in bends if STRAIGHT < abs(b) <= SNAP]
            if not moves:
                continue
            room_up = y[vertex] - y[column[i - 1]] - gaps[i - 1] if i else SNAP
            room_down = y[column[i + 1]] - y[vertex] - gaps[i] if i < len(gaps) else SNAP
            best, most = 0.0, sum(abs(b) <= STRAIGHT for b in bends)
            for move in sorted(moves, key=abs):
                straight = sum(abs(b - move) <= STRAIGHT for b in bends)
                if -room_up <= move <= room_down and straight > most:
                    best, most = move, straight
            y[vertex] += best

    def from_zero(self) -> None:
        """Move everything so that the highest point is 0."""
        nodes = self.graph.nodes
        tops = [y - (nodes[v].above if v < len(nodes) else 0.0) for v, y in enumerate(self.y)]
        top = min(tops, default=0.0)
        self.y[:] = [y - top for y in self.y]


def _pulls(graph: Graph, layers: Layers) -> tuple[Pulls, Pulls]:
    left: Pulls = [[] for _ in layers.rank]
    right: Pulls = [[] for _ in layers.rank]
    nodes, count = graph.nodes, layers.count
    for lines in layers.lines:
        for a, p, b, q, _ in lines:
            out = nodes[a].outputs[p] if a < count else 0.0
            into = nodes[b].inputs[q] if b < count else 0.0
            left[b].append((a, out - into))
            right[a].append((b, into - out))
    return left, right


def _above(graph: Graph, layers: Layers, vertex: int) -> float:
    return graph.nodes[vertex].above if vertex < layers.count else 0.0


def _gaps(graph: Graph, layers: Layers, column: list[int], spacing: Spacing) -> list[float]:
    """The least distance between the tops of neighbours in a column."""
    gaps = []
    for upper, lower in pairwise(column):
        kinds = [graph.nodes[v].kind if v < layers.count else "" for v in (upper, lower)]
        gap = spacing.apart if kinds == [BOX, BOX] else spacing.gap if all(kinds) else spacing.lane
        if upper < layers.count:
            node = graph.nodes[upper]
            gap += node.height + node.below
        gaps.append(gap + _above(graph, layers, lower))
    return gaps


def _median(some: list[float]) -> float:
    size = len(some)
    if size > 2:
        some.sort()
    return some[size // 2] if size % 2 else (some[size // 2 - 1] + some[size // 2]) / 2


def pooled(wants: list[float], weights: list[float], gaps: list[float]) -> list[float]:
    """The heights nearest to `wants` (weighted squares) that keep their order and the gaps.

    >>> pooled([0.0, 0.0], [1.0, 1.0], [10.0])
    [-5.0, 5.0]
    """
    shifts = [0.0]
    for gap in gaps[: len(wants) - 1]:
        shifts.append(shifts[-1] + gap)
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, shift in zip(wants, weights, shifts, strict=False):
        mean, total, size = want - shift, weight, 1
        while blocks and blocks[-1][0] >= mean:
            m, w, s = blocks.pop()
            mean, total, size = (m * w + mean * total) / (w + total), w + total, s + size
        blocks.append((mean, total, size))
    means = [mean for mean, _, size in blocks for _ in range(size)]
    return [mean + shift for mean, shift in zip(means, shifts, strict=False)]
