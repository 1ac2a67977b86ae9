"""A picture of a small circuit in characters: values above the wires, pulls below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.emit.characters import ASCII, UNICODE, Charset, Run, Sheet
from pullback.emit.first_uses import EDGE, Item, first_uses
from pullback.emit.numerals import typed
from pullback.passes.backward import Backward
from pullback.passes.rewrite import live

LARGEST = 12  # gates; a larger picture is harder to read than a table
LONGEST = 16  # characters of a name or gate
SHORTEST = 4  # characters of wire, where labels ask for less
SIGNS = {"multiply": "×", "negative": "-"}


@dataclass(frozen=True)
class Picture:
    """Rows of runs (ink, text). ink: value, pull, name, gate, box, wire, idle, or "" for blanks."""

    rows: tuple[tuple[Run, ...], ...]

    @property
    def lines(self) -> list[str]:
        return ["".join(text for _, text in row) for row in self.rows]

    @property
    def width(self) -> int:
        return max(map(len, self.lines))

    def __str__(self) -> str:
        return "\n".join(self.lines)


def is_drawable(circuit: Circuit) -> bool:
    """Whether the circuit is small enough for a picture."""
    alive = live(circuit)
    return sum(row.gate is not None and alive[row.wire] for row in circuit.rows()) <= LARGEST


def picture(
    back: Backward, values: Sequence[Any] | None = None, *, only_ascii: bool = False
) -> Picture:
    """The picture of `back.forward`: one box a gate, its inputs in order from top to bottom.

    values: one a row of `back.circuit`, pulls included, as a watched run leaves them; without them
    only names are drawn. A wire that is used again forks at a dot: the share of each branch stands
    where the branch arrives, their sum where the wire starts. A wire that nothing pulls is dashed.

    >>> from pullback.lens.function import circuit
    >>> print(picture(circuit("(x + y) * z").specialization().back, only_ascii=True))
            +---+
    x ------|   |      +---+
            | + |------|   |
            |   |      |   |
    y ------|   |      | * |------ f
            +---+      |   |
                       |   |
               z ------|   |
                       +---+
    """
    charset = ASCII if only_ascii else UNICODE
    return Picture(_Drawing(_Labels(back, values, charset), charset).rows())


class _Labels:
    """What stands on the wires and in the boxes."""

    def __init__(self, back: Backward, values: Sequence[Any] | None, charset: Charset) -> None:
        self.back, self.circuit, self.values, self.charset = back, back.forward, values, charset
        branches = [(w, b) for w, many in back.branches.items() for b in many]
        self.branches = {(w, b.gate, b.position): b.pull for w, b in branches}

    def value(self, wire: int) -> str:
        """Above the wire: its value, with the name of a wire that has it nowhere else."""
        shown = self.circuit.is_input(wire) or wire in self.circuit.outputs
        name = "" if shown else self.name(wire)
        text = "" if self.values is None else typed(self.values[wire])
        return f"{name} = {text}" if name and text else name or text

    def pull(self, wire: int) -> str:
        return self._number(self.back.pulls[wire])

    def share(self, wire: int, gate: int, port: int) -> str:
        """What one branch of a fork pulls."""
        return self._number(self.branches.get((wire, gate, port), -1))

    def _number(self, row: int) -> str:
        return "" if self.values is None or row < 0 else typed(self.values[row])

    def is_idle(self, wire: int) -> bool:
        """Whether the run has pulls, but none on this wire."""
        pull = self.back.pulls[wire]
        return self.values is not None and (pull < 0 or not np.any(self.values[pull]))

    def name(self, wire: int) -> str:
        return self.circuit.names[wire][:LONGEST]

    def block(self, item: Item) -> str:
        """The name of an input, a constant's number, the sign in a gate's box."""
        if item.kind == "constant":
            return typed(self.circuit.constant_of(item.wire))
        gate = self.circuit.row(item.wire).gate
        if item.kind != "gate" or gate is None:
            return self.name(item.wire) if item.kind == "input" else ""
        sign = SIGNS.get(gate.name) or gate.infix or gate.name
        return (sign if self.charset is UNICODE or sign.isascii() else gate.infix)[:LONGEST]


@dataclass
class _Column:
    """One rank: boxes and names from left to edge, then labels, branches, and arrivals to stop."""

    left: int
    edge: int = 0
    labels: int = 0  # the width of the labels where wires start
    stop: int = 0


class _Drawing:
    """Items get columns, then ink."""

    def __init__(self, labels: _Labels, charset: Charset) -> None:
        self.labels, self.sheet = labels, Sheet(charset)
        self.circuit = labels.circuit
        self.items = first_uses(self.circuit)
        self.source = {i.wire: i for i in self.items if i.kind in ("input", "gate")}
        self.taps: dict[int, list[Item]] = {}
        for item in self.items:
            if item.kind == "tap":
                self.taps.setdefault(item.wire, []).append(item)
        self.branch: dict[int, int] = {}  # wire -> the column in which its branches run down
        self.columns: list[_Column] = []
        self.last = max(i.rank for i in self.items)
        for rank in range(self.last + 1):
            self.columns.append(self._column(rank, self.columns[-1].stop if rank else 0))

    def _column(self, rank: int, left: int) -> _Column:
        mine = [i for i in self.items if i.rank == rank and i.kind != "tap"]
        column = _Column(left)
        # A box has two more characters on either side than its sign; a name has a blank behind it.
        sizes = [len(self.labels.block(i)) + (4 if i.kind == "gate" else 1) for i in mine]
        column.edge = left + max(sizes, default=0)
        column.labels = max((len(t) for i in mine for t in self._start(i)), default=0)
        column.labels = max(column.labels, SHORTEST) + 2
        column.stop = column.edge + column.labels
        # The branch that ends furthest down leaves first, so that it meets no other's way out.
        forked = [i for i in mine if i.wire in self.taps]
        for item in sorted(forked, key=lambda i: -self.taps[i.wire][-1].row):
            self.branch[item.wire] = column.stop
            column.stop += 2
        arriving = [self._arrival(i) for i in self.items if self._rank_before(i) == rank]
        column.stop += max((len(t) + 2 for t in arriving if t), default=0)
        return column

    def _rank_before(self, item: Item) -> int:
        """The rank behind which the item's wire arrives."""
        return self.last if item.gate == EDGE else self.items[item.gate].rank - 1

    def _start(self, item: Item) -> tuple[str, str]:
        """Above and below a wire where it starts."""
        if item.kind in ("tap", "constant"):
            return "", ""
        return self.labels.value(item.wire), self.labels.pull(item.wire)

    def _arrival(self, item: Item) -> str:
        """Below a branch of a fork where it arrives."""
        gate = EDGE if item.gate == EDGE else self.items[item.gate].wire
        return self.labels.share(item.wire, gate, item.port) if item.wire in self.taps else ""

    def rows(self) -> tuple[tuple[Run, ...], ...]:
        self.sheet.idle = {w for w in self.source if self.labels.is_idle(w)}
        for item in self.items:
            if item.kind == "gate":
                self._draw_gate(item)
            elif item.kind != "tap":
                text, edge = self.labels.block(item), self.columns[item.rank].edge
                ink = "name" if item.kind == "input" else "gate"
                self.sheet.text(item.row, edge - 1 - len(text), text, ink)
            self._draw_wire(item)
            self._draw_labels(item)
        return self.sheet.rows()

    def _draw_gate(self, item: Item) -> None:
        ports = [self.items[child].row for child in item.children]
        left, edge = self.columns[item.rank].left, self.columns[item.rank].edge
        self.sheet.box(ports[0] - 1, left, ports[-1] - ports[0] + 3, edge - left)
        for row in ports:
            self.sheet.port(row, left)
        self.sheet.port(item.row, edge - 1, at_right=True)
        sign = self.labels.block(item)
        self.sheet.text(item.row, (left + edge - len(sign)) // 2, sign, "gate")

    def _draw_wire(self, item: Item) -> None:
        column, unused = self.columns[item.rank], False
        stop = self.columns[self._rank_before(item)].stop
        if item.gate == EDGE and item.wire not in self.circuit.outputs:
            unused, stop = True, column.edge + column.labels
        if item.kind == "tap":
            down = self.branch[item.wire]
            self.sheet.along(item.wire, down, self.source[item.wire].row, item.row)
            self.sheet.across(item.wire, item.row, down + 1, stop)
        else:
            wire = -1 - item.at if item.kind == "constant" else item.wire
            self.sheet.across(wire, item.row, column.edge, stop)
        if item.gate == EDGE:
            name = "" if self.circuit.is_input(item.wire) else self.labels.name(item.wire)
            self.sheet.text(item.row, stop + 1, "unused" if unused else name, "name")

    def _draw_labels(self, item: Item) -> None:
        column = self.columns[item.rank]
        value, pull = self._start(item)
        for row, text, ink in (item.row - 1, value, "value"), (item.row + 1, pull, "pull"):
            self.sheet.text(row, column.edge + (column.labels - len(text)) // 2, text, ink)
        arrival = self._arrival(item)
        stop = self.columns[self._rank_before(item)].stop
        self.sheet.text(item.row + 1, stop - 1 - len(arrival), arrival, "pull")
