"""Columns: which rank each node gets, and the vertices that hold a net's place in the ranks it passes.

A net that passes several ranks has one place in each, shared by all its branches: a fork is one wire
that splits, not several wires side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.emit.layout.graph import ENTRY, EXIT, LEAF, Graph


@dataclass
class Layers:
    """The graph with its ranks. Vertices below `count` are nodes, the others hold a net's place.

    lines[r] joins rank r to rank r + 1: (left vertex, left port, right vertex, right port, net).
    holders[net]: its vertex by rank. Ports of holders are 0.
    """

    count: int
    rank: list[int]
    net_of: list[int]  # of each vertex from `count` on
    lines: list[list[tuple[int, int, int, int, int]]]
    spans: list[tuple[int, int]]  # first and last rank of each net
    holders: list[dict[int, int]]

    @property
    def ranks(self) -> int:
        return len(self.lines) + 1


def rank_nodes(graph: Graph, inputs: str) -> list[int]:
    """Longest path from the left; leaves one rank before their first use, or all left."""
    nodes = graph.nodes
    after: list[list[int]] = [[] for _ in nodes]
    waiting = [0] * len(nodes)
    for net in graph.nets:
        for s, _ in net.sources:
            for t, _ in net.targets:
                after[s].append(t)
                waiting[t] += 1
    base = 1 if any(n.kind == ENTRY for n in nodes) else 0
    rank = [0 if n.kind == ENTRY else base for n in nodes]
    ready = [i for i, w in enumerate(waiting) if not w]
    for node in ready:  # grows while it is walked
        for t in after[node]:
            rank[t] = max(rank[t], rank[node] + 1)
            waiting[t] -= 1
            if not waiting[t]:
                ready.append(t)
    assert len(ready) == len(nodes), "a frame with a cycle cannot be laid out"
    if inputs == "near":
        for i, n in enumerate(nodes):
            if n.kind == LEAF and after[i]:
                rank[i] = min(rank[t] for t in after[i]) - 1
    last = max((r for r, n in zip(rank, nodes, strict=True) if n.kind != EXIT), default=-1) + 1
    return [last if n.kind == EXIT else r for r, n in zip(rank, nodes, strict=True)]


def layered(graph: Graph, inputs: str) -> Layers:
    """Ranks, holders and the lines between neighbouring ranks."""
    rank = rank_nodes(graph, inputs)
    count = len(graph.nodes)
    layers = Layers(count, rank, [], [], [], [])
    layers.lines = [[] for _ in range(max(rank, default=0))]
    for number, net in enumerate(graph.nets):
        first = min(rank[s] for s, _ in net.sources)
        last = max((rank[t] for t, _ in net.targets), default=first)
        layers.spans.append((first, last))
        layers.holders.append({})
        for r in range(first + 1, last):
            layers.holders[number][r] = len(rank)
            rank.append(r)
            layers.net_of.append(number)
        if net.targets:
            _join(layers, net.sources, net.targets, number)
    return layers


def _join(
    layers: Layers,
    sources: tuple[tuple[int, int], ...],
    targets: tuple[tuple[int, int], ...],
    net: int,
) -> None:
    """The lines of one net: in each gap, every left end to every right end."""
    rank, holders = layers.rank, layers.holders[net]
    first, last = layers.spans[net]
    for r in range(first, last):
        lefts = [(s, p) for s, p in sources if rank[s] == r]
        rights = [(t, p) for t, p in targets if rank[t] == r + 1]
        if r in holders:
            lefts.append((holders[r], 0))
        if r + 1 in holders:
            rights.append((holders[r + 1], 0))
        for left, left_port in lefts:
            for right, right_port in rights:
                layers.lines[r].append((left, left_port, right, right_port, net))
