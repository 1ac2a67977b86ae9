"""The layout of a picture in characters: a circuit as the tree of each wire's first use.

Read from the outputs, inputs in order, a wire's first use grows the tree; each further use is a leaf,
a tap. Leaves take rows one below the other and a gate spans its inputs, so gates of one rank can
never meet, and left of a leaf its rows are free all the way to the margin.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.core.circuit import Circuit

SPACING = 3  # rows from leaf to leaf: the value, the wire, the pull
EDGE = -1  # in place of the gate that listens: the right edge of the picture


@dataclass
class Item:
    """One thing in the tree. kind: input, constant, gate, or tap (one more use of a wire).

    at: its own index. gate, port: the item that listens to it, and where. rank: its column, from
    the left. row: where its wire runs.
    """

    at: int
    kind: str
    wire: int
    gate: int
    port: int
    children: list[int] = field(default_factory=list)
    rank: int = 0
    row: int = 0


def first_uses(circuit: Circuit) -> list[Item]:
    """Every item with its rank and row, each before its inputs, in the order of reading."""
    items = _planted(circuit)
    _rank(circuit, items)
    _place(items)
    return items


def _planted(circuit: Circuit) -> list[Item]:
    items: list[Item] = []
    seen: set[int] = set()
    waiting = [(wire, EDGE, 0) for wire in reversed(circuit.outputs)]
    while waiting:
        wire, gate, port = waiting.pop()
        item = Item(len(items), _kind(circuit, wire, seen), wire, gate, port)
        items.append(item)
        if gate != EDGE:
            items[gate].children.append(item.at)
        if item.kind == "gate":
            listened = list(enumerate(circuit.row(wire).inputs))
            waiting += [(i, item.at, port) for port, i in reversed(listened)]
        seen.add(wire)
    for wire in circuit.inputs:
        if wire not in seen:
            items.append(Item(len(items), "input", wire, EDGE, 0))
    return items


def _kind(circuit: Circuit, wire: int, seen: set[int]) -> str:
    if circuit.is_constant(wire):  # a constant is written wherever it is used: it needs no wire
        return "constant"
    if wire in seen:
        return "tap"
    return "input" if circuit.is_input(wire) else "gate"


def _rank(circuit: Circuit, items: list[Item]) -> None:
    """Gates by the longest way from an input; an input one step before the first gate it feeds."""
    longest: dict[int, int] = {}
    for row in circuit.rows():
        longest[row.wire] = 1 + max((longest[i] for i in row.inputs), default=-1)
    last = max((longest[i.wire] for i in items if i.kind == "gate"), default=0)
    before = [last if i.gate == EDGE else longest[items[i.gate].wire] - 1 for i in items]
    nearest: dict[int, int] = {}
    for item in items:
        if item.gate != EDGE:
            nearest[item.wire] = min(before[item.at], nearest.get(item.wire, last))
    for item in items:
        ranks = {"gate": longest[item.wire], "input": nearest.get(item.wire, 0)}
        item.rank = ranks.get(item.kind, before[item.at])


def _place(items: list[Item]) -> None:
    """Leaves one below the other; a gate puts out its wire halfway between its inputs."""
    row = 1
    for item in items:
        if not item.children:
            item.row, row = row, row + SPACING
    for item in reversed(items):
        if item.children:
            first, last = items[item.children[0]], items[item.children[-1]]
            item.row = (first.row + last.row) // 2
