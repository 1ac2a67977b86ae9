"""The gaps between columns: the nets in each, their lanes, and heights moved where wires would merge."""

from __future__ import annotations

from pullback.emit.layout.graph import Spacing
from pullback.emit.layout.place import Heights
from pullback.emit.layout.tracks import Run, arranged

ROUNDS = 8  # tries to part wires that lie over each other before every box of the column may move


Place = tuple[int, int, float]  # where a wire meets a vertex: (vertex, port, height below its top)


class Gap:
    """The room between rank r and r + 1. Each net in it is a run with ends on both sides and a lane."""

    def __init__(self, heights: Heights, r: int) -> None:
        self.rank = r
        met: dict[int, tuple[dict[Place, None], dict[Place, None]]] = {}
        nodes, count = heights.graph.nodes, heights.layers.count
        for a, p, b, q, net in heights.layers.lines[r]:
            lefts, rights = met.setdefault(net, ({}, {}))
            lefts[a, p, nodes[a].outputs[p] if a < count else 0.0] = None
            rights[b, q, nodes[b].inputs[q] if b < count else 0.0] = None
        self.run_of = {net: run for run, net in enumerate(met)}
        self.ends = [(list(lefts), list(rights)) for lefts, rights in met.values()]
        self.lanes: list[int] = []
        self.left = self.right = self.first = 0.0  # x of both sides and of lane 0

    @property
    def count(self) -> int:
        """How many lanes there are."""
        return max(self.lanes, default=-1) + 1

    def runs(self, y: list[float]) -> list[Run]:
        """The heights at which each run comes in and goes out."""
        return [
            Run([y[v] + d for v, _, d in lefts], [y[v] + d for v, _, d in rights])
            for lefts, rights in self.ends
        ]


def gaps_between(heights: Heights, spacing: Spacing) -> list[Gap]:
    """All gaps from left to right, their lanes handed out.

    Where two wires swap heights no order of lanes keeps them apart; then the right ends move down.
    """
    gaps = [Gap(heights, r) for r in range(len(heights.layers.lines))]
    for gap in gaps:
        heights.snap(gap.rank + 1, forward=True)
        for attempt in range(ROUNDS + 1):
            runs = gap.runs(heights.y)
            gap.lanes, merged = arranged(runs, spacing.clear)
            if not merged:
                break
            moving = {v for run, _ in merged for v, _, _ in gap.ends[run][1]}
            _part(heights, gap, runs, moving if attempt < ROUNDS - 1 else None, spacing.clear)
    return gaps


def _part(
    heights: Heights, gap: Gap, runs: list[Run], moving: set[int] | None, clear: float
) -> None:
    """Move vertices of the right column down until no wire arrives at the height of a foreign one."""
    arriving: dict[int, list[tuple[float, int]]] = {}
    for run, (_, rights) in enumerate(gap.ends):
        for v, _, below in rights:
            arriving.setdefault(v, []).append((below, run))
    foreign = [(y, run) for run, some in enumerate(runs) for y in some.lefts]
    y, lowest = heights.y, float("-inf")
    column, least = heights.columns[gap.rank + 1], heights.least[gap.rank + 1]
    for v, gap_below in zip(column, [*least, 0.0], strict=True):
        y[v] = max(y[v], lowest)
        if moving is None or v in moving:
            while _meets(arriving.get(v, []), y[v], foreign, clear):
                y[v] += clear
        lowest = y[v] + gap_below


def _meets(
    ports: list[tuple[float, int]], top: float, foreign: list[tuple[float, int]], clear: float
) -> bool:
    return any(
        abs(top + below - y) < clear and other != run
        for below, run in ports
        for y, other in foreign
    )
