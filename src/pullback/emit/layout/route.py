"""From columns, heights and lanes to coordinates: the x of everything, and the way of every wire."""

from __future__ import annotations

from pullback.emit.layout.graph import ENTRY, EXIT, LEAF, Path, Point, Spacing, Track
from pullback.emit.layout.lanes import Gap, Place, gaps_between
from pullback.emit.layout.place import Heights

SHIFT = {LEAF: 1.0, ENTRY: 0.0, EXIT: 0.0}  # where in its column a node stands; boxes in the middle


class Router:
    """Coordinates of one frame, once its heights are settled."""

    def __init__(self, heights: Heights, spacing: Spacing) -> None:
        self.graph, self.layers = heights.graph, heights.layers
        self.columns, self.spacing = heights.columns, spacing
        self.gaps = gaps_between(heights, spacing)
        heights.from_zero()
        self.y = heights.y
        self.x = [0.0] * len(self.graph.nodes)
        self.width = 0.0

    def set_columns(self, narrowest: float) -> None:
        """Left to right: room for arriving labels, the boxes, room for their labels, the lanes."""
        x, count = 0.0, self.layers.count
        for r, column in enumerate(self.columns):
            nodes = [self.graph.nodes[v] for v in column if v < count]
            x += max((n.lead for n in nodes), default=0.0)
            zone = max((n.width for n in nodes), default=0.0)
            if r == len(self.gaps) and all(n.kind == EXIT for n in nodes):
                x = max(x, narrowest - zone)
            for v in column:
                if v < count:
                    node = self.graph.nodes[v]
                    self.x[v] = x + (zone - node.width) * SHIFT.get(node.kind, 0.5)
            x += zone + max((n.trail for n in nodes), default=0.0)
            if r < len(self.gaps):
                x = self._set_gap(self.gaps[r], x)
        self.width = max(x, narrowest)

    def _set_gap(self, gap: Gap, x: float) -> float:
        gap.left = x
        gap.first = x + self.spacing.margin
        gap.right = gap.first + max(gap.count - 1, 0) * self.spacing.track + self.spacing.margin
        return gap.right

    def way(self, number: int) -> Track:
        """The lines and dots of one net: a main line through all its ranks, and a branch for each fork."""
        track, main = Track(), Path([])
        target_of = {end: i for i, end in enumerate(self.graph.nets[number].targets)}
        first, last = self.layers.spans[number]
        held = self.layers.holders[number]
        for r in range(first, last):
            gap = self.gaps[r]
            run = gap.run_of[number]
            lefts, rights = gap.ends[run]
            left = (held[r], 0, 0.0) if r in held else lefts[0]
            right = (held[r + 1], 0, 0.0) if r + 1 in held else rights[0]
            lane = gap.lanes[run]
            x = gap.first + lane * self.spacing.track if lane >= 0 else gap.left
            if r == first:
                main.points.append(self._start(left, gap))
            main.points += [(x, self._height(left)), (x, self._height(right))]
            pairs = [(left, other) for other in rights if other != right]
            pairs += [(other, right) for other in lefts if other != left]
            for a, b in pairs:
                track.paths.append(Path(self._branch(a, b, gap, x), target_of.get(b[:2], -1)))
            track.dots += self._dots(lefts, rights, x) if pairs else []
            if r == last - 1:
                main.points.append(self._end(right, gap))
                main.target = target_of[right[:2]]
        track.paths = [main, *track.paths] if target_of else []
        for path in track.paths:
            path.points = straightened(path.points)
        return track

    def _branch(self, left: Place, right: Place, gap: Gap, x: float) -> list[Point]:
        """From where the net comes into the gap to one of its ends."""
        bend = [(x, self._height(left)), (x, self._height(right))]
        return [self._start(left, gap), *bend, self._end(right, gap)]

    def _height(self, end: Place) -> float:
        return self.y[end[0]] + end[2]

    def _start(self, end: Place, gap: Gap) -> Point:
        v = end[0]
        inside = v < self.layers.count
        return (self.x[v] + self.graph.nodes[v].width if inside else gap.left), self._height(end)

    def _end(self, end: Place, gap: Gap) -> Point:
        v = end[0]
        return (self.x[v] if v < self.layers.count else gap.right), self._height(end)

    def _dots(self, lefts: list[Place], rights: list[Place], x: float) -> list[Point]:
        """Where at least three arms of the same wire meet."""
        ins = {self._height(e) for e in lefts}
        outs = {self._height(e) for e in rights}
        heights = sorted(ins | outs)
        arms = {y: (y in ins) + (y in outs) + (y > heights[0]) + (y < heights[-1]) for y in heights}
        return [(x, y) for y in heights if arms[y] > 2]


def straightened(points: list[Point]) -> list[Point]:
    """The same line without repeated points and points on a straight stretch.

    >>> straightened([(0, 0), (5, 0), (5, 0), (9, 0), (9, 4)])
    [(0, 0), (9, 0), (9, 4)]
    """
    kept: list[Point] = []
    for p in points:
        x, y = p
        if kept:
            bx, by = kept[-1]
            level, upright = abs(y - by) < 0.01, abs(x - bx) < 0.01
            if level and upright:
                continue
            if len(kept) > 1:
                ax, ay = kept[-2]
                if (level and abs(by - ay) < 0.01) or (upright and abs(bx - ax) < 0.01):
                    kept.pop()
        kept.append(p)
    return kept
