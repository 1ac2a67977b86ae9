"""Batch: one more leading axis. The circuit for many rows at once, each computed as if it were alone.

A gate is told of the new axis by a rule: elementwise gates and gates with a signature broadcast over
it, the others are below by name. A gate without a rule is opened if it is a recipe, else done row by
row, so the answer is right for every gate, also for one that mixes the rows it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.gate import GATES
from pullback.core.shapes import Shape, Signature, Spec
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.passes.pull import opened_recipe

WHOLE = (None, None, None)  # all of an axis


def batch(circuit: Circuit, mapped: Collection[str], rows: int) -> Circuit:
    """(inputs, those called `mapped` with a leading axis) -> outputs, each with a leading axis.

    Row i of the outputs is what the circuit puts out for row i of the mapped inputs; the other
    inputs are the same for all rows.

    >>> from pullback import circuit
    >>> from pullback.executors import compile
    >>> many = batch(circuit("x * w").circuit(), ["x"], rows=3)
    >>> compile(many).run([[1.0, 2.0, 3.0], 10.0])
    [array([10., 20., 30.])]
    """
    unknown = sorted(set(mapped) - set(circuit.input_names))
    if unknown:
        raise CircuitError(f"the circuit has no input {unknown[0]!r}.")
    builder = Builder()
    inputs = []
    for name, wire, role in zip(circuit.input_names, circuit.inputs, circuit.roles, strict=True):
        spec = circuit.spec_of(wire)
        shape = (rows, *spec.shape) if name in mapped else spec.shape
        inputs.append(builder.input(Spec(shape, spec.dtype), name, role))
    has = [name in mapped for name in circuit.input_names]
    made = _batched(builder, circuit, inputs, has, rows)
    return builder.finish([wire if ok else _spread(wire, rows) for wire, ok in made])


def _batched(
    builder: Builder, circuit: Circuit, inputs: Sequence[Wire], has: Sequence[bool], rows: int
) -> list[tuple[Wire, bool]]:
    """Each output, and whether it has the new axis."""
    new: dict[int, tuple[Wire, bool]] = dict(
        zip(circuit.inputs, zip(inputs, has, strict=True), strict=True)
    )
    for row in circuit.rows():
        if row.gate is None:
            if circuit.is_constant(row.wire):
                new[row.wire] = builder.constant(circuit.constant_of(row.wire)), False
            continue
        with builder.standing_in(circuit, row.wire):
            made = new[row.wire] = _row(builder, circuit, row, [new[i] for i in row.inputs], rows)
        name = circuit.names[row.wire]
        if name and not builder.label_of(made[0].id):
            builder.name(made[0].id, name)
    return [new[o] for o in circuit.outputs]


def _row(
    builder: Builder, circuit: Circuit, row: Row, given: list[tuple[Wire, bool]], rows: int
) -> tuple[Wire, bool]:
    gate = row.gate
    assert gate is not None
    wires, has = [wire for wire, _ in given], [ok for _, ok in given]
    if not any(has):
        return gate(*wires, **row.attributes), False
    specs = tuple(circuit.spec_of(i) for i in row.inputs)
    use = Use(row, specs, circuit.spec_of(row.wire).shape, wires, has, rows)
    if gate.name in RULES:
        return RULES[gate.name](use), True
    if gate.elementwise:
        return use.apply(use.aligned(len(use.out))), True
    if isinstance(gate.shape, Signature) and all(a[:1] == ["..."] for a in gate.shape.inputs):
        return use.apply(use.aligned_behind([len(a) - 1 for a in gate.shape.inputs])), True
    if gate.recipe:
        inside = opened_recipe(gate, list(specs), row.attributes)
        return _batched(builder, inside, wires, has, rows)[0]
    return use.row_by_row(), True


class Use:
    """One gate, its inputs with and without the new axis, and shapes as they are for one row."""

    def __init__(
        self,
        row: Row,
        specs: Sequence[Spec],
        out: Shape,
        wires: list[Wire],
        has: list[bool],
        rows: int,
    ) -> None:
        self.row, self.out, self.wires, self.has, self.rows = row, out, wires, has, rows
        self.shapes = [spec.shape for spec in specs]
        self.attributes = row.attributes

    def apply(self, wires: Sequence[Wire], **attributes: Any) -> Wire:
        """The gate itself; attributes that are not given are those it has."""
        assert self.row.gate is not None
        made: Wire = self.row.gate(*wires, **{**self.attributes, **attributes})
        return made

    def aligned(self, rank: int) -> list[Wire]:
        """The inputs, those with the new axis with so many axes behind it."""
        return self.aligned_behind([0] * len(self.wires), rank)

    def aligned_behind(self, own: Sequence[int], rank: int | None = None) -> list[Wire]:
        """The same where the last `own` axes of each input do not broadcast."""
        lead = [len(shape) - n for shape, n in zip(self.shapes, own, strict=True)]
        most = max(lead) if rank is None else rank
        return [
            in_shape(wire, (self.rows, *[1] * (most - n), *shape)) if ok else wire
            for wire, ok, n, shape in zip(self.wires, self.has, lead, self.shapes, strict=True)
        ]

    def all_mapped(self) -> list[Wire]:
        """Every input with the new axis."""
        pairs = zip(self.wires, self.has, strict=True)
        return [wire if ok else _spread(wire, self.rows) for wire, ok in pairs]

    def row_by_row(self) -> Wire:
        """The gate applied to each row, and the answers put together again."""
        answers = []
        for i in range(self.rows):
            pairs = zip(self.wires, self.has, strict=True)
            wires = [GATES["slice"](w, index=(i,)) if ok else w for w, ok in pairs]
            answers.append(in_shape(self.apply(wires), (1, *self.out)))
        made: Wire = GATES["concat"](*answers, axis=0)
        return made


def in_shape(wire: Wire, shape: Shape) -> Wire:
    """The same numbers in this shape."""
    return wire if wire.shape == shape else GATES["reshape"](wire, shape=shape)


def _spread(wire: Wire, rows: int) -> Wire:
    """The same for every row."""
    made: Wire = GATES["broadcast_to"](wire, shape=(rows, *wire.shape))
    return made


def _moved(wire: Wire, axes: Sequence[int]) -> Wire:
    """Axes in another order."""
    same = list(axes) == list(range(len(axes)))
    return wire if same else GATES["transpose"](wire, axes=tuple(axes))


# Rules by name

RULES: dict[str, Callable[[Use], Wire]] = {}


def rule(*names: str) -> Callable[[Callable[[Use], Wire]], Callable[[Use], Wire]]:
    """Declares what gates of these names do when their inputs have one more leading axis."""

    def declared(made: Callable[[Use], Wire]) -> Callable[[Use], Wire]:
        RULES.update(dict.fromkeys(names, made))
        return made

    return declared


@rule("sum", "mean", "max", "min", "argmax", "logsumexp", "softmax", "log_softmax", "prod", "norm")
def _fold(use: Use) -> Wire:
    """Along axes counted behind the new one."""
    axis, (x,), (shape,) = use.attributes["axis"], use.wires, use.shapes
    if axis is None:  # all of a row
        x = in_shape(x, (use.rows, math.prod(shape)))
        flat = {"keepdims": False} if "keepdims" in use.attributes else {}
        return in_shape(use.apply([x], axis=1, **flat), (use.rows, *use.out))
    if isinstance(axis, tuple):
        return use.apply([x], axis=tuple(a % len(shape) + 1 for a in axis))
    return use.apply([x], axis=axis % len(shape) + 1)


@rule("sum_to")
def _sum_to(use: Use) -> Wire:
    (x,), (shape,) = use.wires, use.shapes
    more = [1] * (len(shape) - len(use.out))
    return in_shape(use.apply([x], shape=(use.rows, *more, *use.out)), (use.rows, *use.out))


@rule("reshape")
def _reshape(use: Use) -> Wire:
    return in_shape(use.wires[0], (use.rows, *use.out))


@rule("broadcast_to")
def _broadcast_to(use: Use) -> Wire:
    return use.apply(use.aligned(len(use.out)), shape=(use.rows, *use.out))


@rule("transpose")
def _transpose(use: Use) -> Wire:
    axes, rank = use.attributes["axes"], len(use.out)
    order = range(rank)[::-1] if axes is None else [a % rank for a in axes]
    return _moved(use.wires[0], [0, *(a + 1 for a in order)])


@rule("slice")
def _slice(use: Use) -> Wire:
    return use.apply(use.wires, index=(WHOLE, *use.attributes["index"]))


@rule("unslice")
def _unslice(use: Use) -> Wire:
    return use.apply(use.wires, index=(WHOLE, *use.attributes["index"]), shape=(use.rows, *use.out))


@rule("concat")
def _concat(use: Use) -> Wire:
    return use.apply(use.all_mapped(), axis=use.attributes["axis"] % len(use.out) + 1)


@rule("pad")
def _pad(use: Use) -> Wire:
    return use.apply(use.wires, widths=((0, 0), *use.attributes["widths"]))


@rule("force")
def _force(use: Use) -> Wire:
    return use.apply([use.all_mapped()[0], use.aligned(len(use.out))[1]])


@rule("unpick")
def _unpick(use: Use) -> Wire:
    return use.apply(use.aligned(len(use.out) - 1))


@rule("matmul")
def _matmul(use: Use) -> Wire:
    (a, b), (left, right) = use.wires, use.shapes
    if use.has[1] or len(right) != 2:
        return use.apply(use.aligned_behind([2, 2]))
    # All rows in one product: as fast as if they had always stood below each other.
    y = use.apply([in_shape(a, (use.rows * math.prod(left[:-1]), left[-1])), b])
    return in_shape(y, (use.rows, *use.out))


@rule("gather")
def _gather(use: Use) -> Wire:
    (x, index), (shape, places) = use.wires, use.shapes
    at = use.attributes["axis"] % len(shape)
    if not use.has[1]:
        return use.apply([x, index], axis=at + 1)
    if not use.has[0]:
        y = use.apply([x, index], axis=at)
        return _moved(y, [at, *range(at), *range(at + 1, at + 1 + len(use.out) - at)])
    # Each row has its own table and its own places: the places pick from the last axis.
    rest = [a for a in range(len(shape)) if a != at]
    last = _moved(x, [0, *(a + 1 for a in rest), at + 1])
    kept = [shape[a] for a in rest]
    table = in_shape(last, (use.rows, *[1] * len(places), *kept, shape[at]))
    picked: Wire = GATES["pick"](table, in_shape(index, (use.rows, *places, *[1] * len(rest))))
    front = range(1 + len(places), 1 + len(places) + at)
    back = range(1 + len(places) + at, 1 + len(places) + len(rest))
    return _moved(picked, [0, *front, *range(1, 1 + len(places)), *back])


@rule("scatter_add")
def _scatter_add(use: Use) -> Wire:
    (x, index), (shape, places) = use.all_mapped(), use.shapes
    at, size = use.attributes["axis"] % len(use.out), use.attributes["size"]
    if not use.has[1]:
        return use.apply([x, use.wires[1]], axis=at + 1)
    behind = len(shape) - at - len(places)
    spread = in_shape(index, (use.rows, *[1] * at, *places, *[1] * behind))
    each = GATES["unpick"](x, spread, size=size)
    axes = tuple(range(1 + at, 1 + at + len(places)))
    total = GATES["sum"](each, axis=axes) if axes else each
    rank = len(use.out)
    return _moved(total, [0, *range(1, 1 + at), rank, *range(1 + at, rank)])
