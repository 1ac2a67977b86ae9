"""Columns: which rank each node gets, and the vertices that hold a net's place in the ranks it passes.

A net that passes several ranks has one place in each, shared by all its branches: a fork is one wire
that splits, not several wires side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.emit.layout.graph import ENTRY, EXIT, LEAF, Graph

LONG = 5_000  # ranks passed by all wires together; beyond, boxes move towards their use
PASSES = 4


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
        _shorten(graph, rank)
        for i, n in enumerate(nodes):
            if n.kind == LEAF and after[i]:
                rank[i] = min(rank[t] for t in after[i]) - 1
    last = max((r for r, n in zip(rank, nodes, strict=True) if n.kind != EXIT), default=-1) + 1
    return [last if n.kind == EXIT else r for r, n in zip(rank, nodes, strict=True)]


def _shorten(graph: Graph, rank: list[int]) -> None:
    """Move what hangs together right, next to its first use, where that makes no wire longer on balance.

    Only where wires are long: the products of a sum of a thousand terms would pass a million ranks.
    In small pictures products beside each other in one column read better.
    """
    kinds = [node.kind for node in graph.nodes]
    lines = [
        (s, t, number)
        for number, net in enumerate(graph.nets)
        for s, _ in net.sources
        for t, _ in net.targets
        if kinds[t] != EXIT
    ]
    for _ in range(PASSES):
        if sum(rank[t] - rank[s] for s, t, _ in lines) <= LONG:
            return
        team = _teams(lines, rank, kinds)
        slack: dict[int, int] = {}
        balance: dict[int, int] = {}  # nets that get shorter, less nets that get longer
        loose = [line for line in lines if team[line[0]] != team[line[1]]]
        for s, t, _ in loose:
            slack[team[s]] = min(slack.get(team[s], len(rank)), rank[t] - rank[s] - 1)
        for mine, _ in {(team[s], net) for s, _, net in loose}:
            balance[mine] = balance.get(mine, 0) + 1
        for mine, _ in {(team[t], net) for _, t, net in loose}:
            balance[mine] = balance.get(mine, 0) - 1
        for node, kind in enumerate(kinds):
            if kind != ENTRY and balance.get(team[node], -1) >= 0:
                rank[node] += slack.get(team[node], 0)


def _teams(lines: list[tuple[int, int, int]], rank: list[int], kinds: list[str]) -> list[int]:
    """Nodes joined by wires without slack move together: a number for each node's team."""
    team = list(range(len(rank)))

    def top(node: int) -> int:
        while team[node] != node:
            team[node] = team[team[node]]
            node = team[node]
        return node

    for s, t, _ in lines:
        if rank[t] == rank[s] + 1 and kinds[s] != ENTRY:
            team[top(s)] = top(t)
    return [top(node) for node in range(len(rank))]


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
    lefts: dict[int, list[tuple[int, int]]] = {}
    rights: dict[int, list[tuple[int, int]]] = {}
    for ends, some in ((lefts, sources), (rights, targets)):
        for vertex, port in some:
            ends.setdefault(layers.rank[vertex], []).append((vertex, port))
    for r, holder in layers.holders[net].items():
        lefts.setdefault(r, []).append((holder, 0))
        rights.setdefault(r, []).append((holder, 0))
    first, last = layers.spans[net]
    for r in range(first, last):
        layers.lines[r] += [
            (left, p, right, q, net) for left, p in lefts[r] for right, q in rights[r + 1]
        ]
