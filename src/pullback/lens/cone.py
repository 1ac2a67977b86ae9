"""The cone of a nudge: what one number of a weight moves, and nothing else, for many nudges at once.

Nudging W[i, j] in x @ W moves column j alone; a relu or a bias keeps it a column; the next product
spreads it over all columns, as a change of rank one. So a circuit of that cone, `count` nudges side
by side, costs a small part of running the net again for each.

Layout: m nudges of n rows are (m, n); what has spread over k columns is (k, m, n), so that folding
the columns goes along whole vectors.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import BOOL
from pullback.core.shapes import Spec
from pullback.core.wire import Wire
from pullback.gates.choose import where
from pullback.gates.linear import matmul
from pullback.gates.reduce import sum as total
from pullback.gates.shape import reshape
from pullback.passes.rewrite import live

FOLDS = ("sum", "mean", "max", "min", "logsumexp")
SPREADS = ("softmax", "log_softmax")


class Part(NamedTuple):
    """An input of a cone: which part of a wire's value it takes, for column j.

    "moves" what is added to the column; "column" v[:, j]; "entry" v[j]; "row" v[j] as (l, 1, 1);
    "here" a yes at j among (k, 1, 1); the same for every j: "whole"; "turned" (n, k) as (k, 1, n);
    "along" (k,) as (k, 1, 1); "flipped" v.T; "labels" a yes where k is the label, (k, 1, n).
    "named" is v[j, labels], where `other` carries the labels.
    """

    kind: str
    wire: int
    other: int = -1


class Cone(NamedTuple):
    """A circuit of `parts` that puts out the first output for each nudge. start: the wire whose column
    moves; left: x of x @ W, or -1 where the nudged input itself is added."""

    circuit: Circuit
    parts: tuple[Part, ...]
    start: int
    left: int


class _None(Exception):
    """There is no cone for this circuit: a gate on the way has no rule here."""


def cone(circuit: Circuit, position: int, count: int) -> Cone | None:
    """The cone of `count` nudges in one column of an input, or None where none is known.

    The input is W in one x @ W, or b in one y + b. What follows may be elementwise gates, products
    with other matrices, folds over columns or over everything, `pick`.
    """
    circuit = dataclasses.replace(circuit, outputs=circuit.outputs[:1])
    wire, wanted = circuit.inputs[position], live(circuit)
    uses = [r for r in circuit.rows() if wanted[r.wire] and wire in r.inputs]
    try:
        start, left = _started(circuit, wire, uses)
        return _Writer(circuit, start, count).cone(left)
    except _None:
        return None


def _started(circuit: Circuit, wire: int, uses: list[Row]) -> tuple[int, int]:
    if len(uses) != 1 or uses[0].gate is None:
        raise _None
    row = uses[0]
    name, shape = uses[0].gate.name, circuit.spec_of(row.wire).shape
    shapes = [circuit.spec_of(i).shape for i in row.inputs]
    ranks = [len(s) for s in shapes]
    if name == "matmul" and ranks == [2, 2] and row.inputs[1] == wire != row.inputs[0]:
        return row.wire, row.inputs[0]
    if name == "add" and sorted(ranks) == [1, 2] and circuit.spec_of(wire).shape == shape[1:]:
        return row.wire, -1
    raise _None


class _Writer:
    """Writes a cone row by row. moved: what each row in the cone became, and its rank without nudges;
    a column has rank -1. thin: wires that are as before plus change x row of a matrix, spread only
    when somebody needs all of it."""

    def __init__(self, circuit: Circuit, start: int, count: int) -> None:
        self.circuit, self.start, self.count = circuit, start, count
        self.rows, self.columns = circuit.spec_of(start).shape
        self.builder = Builder()
        self.parts: dict[Part, Wire] = {}
        self.moved: dict[int, tuple[Wire, int]] = {}
        self.thin: dict[int, tuple[Wire, int]] = {}

    def cone(self, left: int) -> Cone:
        moves = self.part("moves", self.start, (self.count, self.rows))
        column = self.part("column", self.start, (self.rows,))
        self.moved[self.start] = moves + column, -1
        wanted = live(self.circuit)
        for row in self.circuit.rows():
            reached = any(self.reached(i) for i in row.inputs)
            if reached and wanted[row.wire] and row.wire != self.start and not self.stays_thin(row):
                self.moved[row.wire] = self.row(row)
        out, rank = self.moved.get(self.circuit.outputs[0], (None, None))
        if out is None or rank != 0:
            raise _None
        return Cone(self.builder.finish([out]), tuple(self.parts), self.start, left)

    def part(
        self, kind: str, wire: int, shape: tuple[int, ...], dtype: Any = None, other: int = -1
    ) -> Wire:
        """The input for a part, made once."""
        key = Part(kind, wire, other)
        if key not in self.parts:
            spec = Spec(shape, dtype or self.circuit.spec_of(wire).dtype)
            self.parts[key] = self.builder.input(spec, f"{kind}{wire}")
        return self.parts[key]

    def reached(self, wire: int) -> bool:
        """Whether a nudge moves it."""
        return wire in self.moved or wire in self.thin

    def stays_thin(self, row: Row) -> bool:
        """A column times a matrix is a change of rank one, and what is added to it leaves that change."""
        assert row.gate is not None
        a, name = row.inputs[0], row.gate.name
        if name == "matmul" and self.moved.get(a, (None, 0))[1] == -1:
            if self.reached(row.inputs[1]) or len(self.circuit.spec_of(row.inputs[1]).shape) != 2:
                raise _None
            change = self.moved[a][0] - self.as_column_before(a)
            self.thin[row.wire] = change, row.inputs[1]
            return True
        same = self.circuit.spec_of(a) == self.circuit.spec_of(row.wire)
        if (
            name in ("add", "subtract")
            and a in self.thin
            and same
            and not self.reached(row.inputs[1])
        ):
            self.thin[row.wire] = self.thin[a]
            return True
        return False

    def row(self, row: Row) -> tuple[Wire, int]:
        gate = row.gate
        assert gate is not None
        if gate.elementwise:
            return self.elementwise(row)
        if gate.name == "matmul":
            return self.product(row)
        if gate.name in FOLDS:
            return self.fold(row)
        if gate.name == "pick" and row.inputs[0] in self.thin and not self.reached(row.inputs[1]):
            return self.picked(row)
        x, rank = self.spread(row.inputs[0])
        axes, shape = _axes(row, rank), self.circuit.spec_of(row.wire).shape
        if gate.name in SPREADS and rank == 2 and axes == (1,):
            return gate(x, **{**row.attributes, "axis": 0}), 2
        if gate.name == "pick" and rank == 2 and not self.reached(row.inputs[1]):
            yes = self.part("labels", row.inputs[1], (x.shape[0], 1, x.shape[2]), BOOL)
            return total(where(yes, x, 0.0), axis=0), 1
        if gate.name == "reshape" and rank == 2 and x.shape[0] == 1 and len(shape) == 1:
            return reshape(x, shape=x.shape[1:]), 1
        raise _None

    def picked(self, row: Row) -> tuple[Wire, int]:
        """Of a thin change only what the labels name."""
        change, matrix = self.thin[row.inputs[0]]
        labels = row.inputs[1]
        named = self.part("named", matrix, (self.rows,), other=labels)
        return self.part("whole", row.wire, (self.rows,)) + change * named, 1

    def elementwise(self, row: Row) -> tuple[Wire, int]:
        shape, gate = self.circuit.spec_of(row.wire).shape, row.gate
        assert gate is not None
        still = all(
            i not in self.thin and self.moved.get(i, (None, -1))[1] == -1 for i in row.inputs
        )
        if still and shape == (self.rows, self.columns):
            return gate(*[self.as_column(i) for i in row.inputs], **row.attributes), -1
        rank = len(shape)
        return gate(*[self.as_spread(i, rank) for i in row.inputs], **row.attributes), rank

    def as_column(self, wire: int) -> Wire:
        """Column j of a wire, for every nudge or the same for all."""
        if wire in self.moved:
            return self.moved[wire][0]
        shape = self.circuit.spec_of(wire).shape
        if shape == ():
            return self.part("whole", wire, ())
        if shape == (self.rows, self.columns):
            return self.part("column", wire, (self.rows,))
        if shape in ((self.columns,), (1, self.columns)):
            return self.part("entry", wire, ())
        raise _None

    def as_spread(self, wire: int, rank: int) -> Wire:
        """All of a wire, to go with others of this rank."""
        shape = self.circuit.spec_of(wire).shape
        if self.reached(wire):
            x, own = self.spread(wire)
            if own == 0 and rank > 0:
                return reshape(x, shape=(self.count, 1))  # type: ignore[no-any-return]
            if own != rank:
                raise _None
            return x
        if rank < 2 or shape == ():
            return self.part("whole", wire, shape)
        if len(shape) == 1:
            return self.part("along", wire, (*shape, 1, 1))
        return self.part("turned", wire, (shape[1], 1, shape[0]))

    def spread(self, wire: int) -> tuple[Wire, int]:
        """What has moved, with all its columns."""
        if wire in self.thin and wire not in self.moved:
            (change, matrix), columns = self.thin[wire], self.circuit.spec_of(wire).shape[1]
            before = self.part("turned", wire, (columns, 1, self.rows))
            self.moved[wire] = before + change * self.part("row", matrix, (columns, 1, 1)), 2
        x, rank = self.moved[wire]
        if rank >= 0:
            return x, rank
        here = self.part("here", self.start, (self.columns, 1, 1), BOOL)
        others = self.part("turned", wire, (self.columns, 1, self.rows))
        return where(here, x, others), 2

    def product(self, row: Row) -> tuple[Wire, int]:
        a, b = row.inputs
        shape = self.circuit.spec_of(b).shape
        if self.reached(b) or len(shape) != 2 or not self.reached(a):
            raise _None
        x, rank = self.spread(a)
        if rank != 2:
            raise _None
        k, m, n = x.shape
        flat = matmul(self.part("flipped", b, shape[::-1]), reshape(x, shape=(k, m * n)))
        return reshape(flat, shape=(shape[1], m, n)), 2

    def as_column_before(self, wire: int) -> Wire:
        """Column j as it was before the nudge."""
        return self.part("column", wire, (self.rows,))

    def fold(self, row: Row) -> tuple[Wire, int]:
        x, rank = self.spread(row.inputs[0])
        kept, axes, gate = row.attributes.get("keepdims", False), _axes(row, rank), row.gate
        assert gate is not None
        if rank == 2 and axes == (1,):
            return gate(x, axis=0, keepdims=kept), 2 if kept else 1
        if rank and len(axes) == rank and not kept:
            return gate(x, axis=(0, 2) if rank == 2 else 1), 0
        raise _None


def _axes(row: Row, rank: int) -> tuple[int, ...]:
    """The axes a fold goes over, counted from the front."""
    axis = row.attributes.get("axis")
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(a % max(rank, 1) for a in given))


def part_of(part: Part, values: Sequence[Any], columns: int) -> tuple[Any, bool]:
    """A part's values: an array with an entry a column and True, or the one for every column and False.

    values: of every wire. Contiguous, as machine code likes them.
    """
    if part.kind == "here":
        return np.eye(columns, dtype=bool)[:, :, None, None], True
    v = np.asarray(values[part.wire])
    if part.kind == "named":
        return np.ascontiguousarray(v[:, values[part.other]]), True
    turn = _TURNS[part.kind]
    turned = turn(v)
    # ascontiguousarray makes an array of a single number.
    return np.ascontiguousarray(turned).reshape(turned.shape), part.kind in (
        "column",
        "entry",
        "row",
    )


_TURNS: dict[str, Callable[[Any], Any]] = {
    "column": lambda v: v.T,
    "entry": lambda v: v.ravel(),
    "row": lambda v: v[:, :, None, None],
    "whole": lambda v: v,
    "turned": lambda v: v.T[:, None, :],
    "along": lambda v: v[:, None, None],
    "flipped": lambda v: v.T,
}
