"""One frame, laid out: ranks, order, heights, lanes, coordinates."""

from __future__ import annotations

from pullback.emit.layout.graph import Graph, Layout, Spacing
from pullback.emit.layout.order import ordered
from pullback.emit.layout.place import Heights
from pullback.emit.layout.ranks import layered
from pullback.emit.layout.route import Router

SPACING = Spacing()


def lay_out(
    graph: Graph, *, inputs: str = "near", narrowest: float = 0.0, spacing: Spacing = SPACING
) -> Layout:
    """Coordinates for every box and wire of an acyclic graph.

    inputs: "near" puts a leaf one column before its first use, "left" puts all leaves in the first.
    narrowest: the least width. Cost: O(E log E) a sweep, at most 24 sweeps.
    """
    layers = layered(graph, inputs)
    columns, crossings = ordered(graph, layers)
    heights = Heights(graph, layers, columns, spacing)
    heights.settle()
    router = Router(heights, spacing)
    router.set_columns(narrowest)
    tracks = [router.way(n) for n in range(len(graph.nets))]
    y = heights.y
    bottom = [y[i] + n.height + n.below for i, n in enumerate(graph.nodes)]
    height = max([*bottom, *y[layers.count :]], default=0.0)
    return Layout(router.width, height, router.x, y[: layers.count], tracks, crossings)
