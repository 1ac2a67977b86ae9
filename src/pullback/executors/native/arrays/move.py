"""The kernels of gates that move numbers: concat, pad, unslice, gather, scatter_add, pick, and copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from pullback.core.circuit import Row
from pullback.executors.native.arrays.check import indices
from pullback.executors.native.arrays.elementwise import Constant, copy, spread, widest
from pullback.executors.native.arrays.kernel import NativeKernel, Writing, every_thread
from pullback.executors.native.arrays.nest import Body, Index, Placed
from pullback.gates.shape import padding
from pullback.passes.planning.groups import Group, Plan
from pullback.passes.planning.views import dense_strides, sliced

Rule = Callable[[Body, Row, Placed, Sequence[Placed]], None]


def _all(y: Placed, value: Any = 0.0) -> Constant:
    return Constant(value, y.kind)


def _reshape(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    """y is dense, so its numbers in running order can be taken for rows of x."""
    x = inputs[0]
    copy(
        body,
        x,
        Placed(y.view._replace(shape=x.view.shape, strides=dense_strides(x.view.shape)), y.pointer),
    )


def _concat(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    at = row.attributes["axis"] % len(y.view.shape)
    start = 0
    for x in inputs:
        part = y.moved(start * y.view.strides[at], x.view.shape, y.view.strides)
        if part != x:  # else it was put there when it was made
            copy(body, x, part)
        start += x.view.shape[at]


def _pad(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    value = padding(row.attributes["value"], np.dtype(_DTYPES[y.kind]))
    copy(body, _all(y, value), y)
    before = [width[0] for width in row.attributes["widths"]]
    start = sum(b * s for b, s in zip(before, y.view.strides, strict=True))
    copy(body, inputs[0], y.moved(start, inputs[0].view.shape, y.view.strides))


_DTYPES = {"float": np.float32, "double": np.float64, "i64": np.int64, "i1": np.bool_}


def _unslice(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    copy(body, _all(y), y)
    copy(body, inputs[0], Placed(sliced(y.view, row.attributes["index"]), y.pointer))


def _gather(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    """One row of x for each index. The indices were looked at before."""
    x, index = inputs
    at = row.attributes["axis"] % len(x.view.shape)
    _by_index(body, index, x, at, y, lambda source, target: copy(body, source, target))


def _scatter_add(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    """Zeros, then one row of x after the other is added where its index says."""
    x, index = inputs
    at = row.attributes["axis"] % (len(x.view.shape) - len(index.view.shape) + 1)
    copy(body, _all(y), y)

    def add(target: Placed, source: Placed) -> None:
        _accumulate(body, source, target)

    _by_index(body, index, y, at, x, add)


def _by_index(
    body: Body, index: Placed, table: Placed, at: int, rows: Placed,
    use: Callable[[Placed, Placed], None],
) -> None:  # fmt: skip
    """use(row of the table, row of `rows`) for each index, in order."""
    count = len(index.view.shape)
    if not rows.view.size:
        return
    sizes = (*rows.view.shape[:at], *index.view.shape)
    shared = widest(sizes, body.parts) if sizes else -1
    with ExitStack() as loops:
        turns = [body.shared if n == shared else body.loop for n in range(len(sizes))]
        here = [loops.enter_context(one(size)) for one, size in zip(turns, sizes, strict=True)]
        place = body.load(body.pointer(index, here[at:]), "i64").text
        in_table: list[Index] = [*here[:at], place]
        source = _row(body, table, in_table)
        use(source, _row(body, rows, here[: at + count]))


def _row(body: Body, of: Placed, indices: Sequence[Index]) -> Placed:
    """What is left of a view when its first axes are fixed."""
    n = len(indices)
    view = of.view
    start = body.pointer(of, indices)
    return Placed(view._replace(offset=0, shape=view.shape[n:], strides=view.strides[n:]), start)


def _accumulate(body: Body, source: Placed, target: Placed) -> None:
    """target += source, element by element; bools are true if either is."""
    with ExitStack() as loops:
        here = [loops.enter_context(body.loop(size)) for size in source.view.shape]
        to, kind = body.pointer(target, here), target.kind
        x, y = body.load(body.pointer(source, here), kind), body.load(to, kind)
        body.store(y | x if kind == "i1" else y + x, to)


def _pick(body: Body, row: Row, y: Placed, inputs: Sequence[Placed]) -> None:
    x, index = inputs
    shape = y.view.shape
    if not y.view.size:
        return
    index = spread(index, shape)
    columns = x.view.strides[-1]
    x = spread(x.moved(0, x.view.shape[:-1], x.view.strides[:-1]), shape)
    with ExitStack() as loops:
        here = [loops.enter_context(body.loop(size)) for size in shape]
        place = body.load(body.pointer(index, here), "i64").text
        terms = [*zip(here, x.view.strides, strict=True), (place, columns)]
        source = body.at(x.pointer, body.sum_of(x.view.offset, *terms), x.kind)
        body.store(body.load(source, x.kind), body.pointer(y, here))


def _kernel(gate: str, rule: Rule, **more: Any) -> NativeKernel:
    """The kernel of one gate whose loops `rule` writes."""

    def write(w: Writing) -> None:
        (row,) = w.group.rows
        if row.wire in w.writes:
            rule(w.body, row, w.writes[row.wire], [w.wire(i) for i in row.inputs])

    return NativeKernel(name=gate, gates=frozenset({gate}), cost=_cost, write=write, **more)


def _cost(plan: Plan, group: Group) -> float:
    return plan.views[group.rows[0].inputs[0]].size / 8


RESHAPE = _kernel("reshape", _reshape, parts=every_thread)
CONCAT = _kernel("concat", _concat, parts=every_thread, anywhere=True)
PAD = _kernel("pad", _pad)
UNSLICE = _kernel("unslice", _unslice)
GATHER = _kernel("gather", _gather, checks=indices, parts=every_thread)
SCATTER_ADD = _kernel("scatter_add", _scatter_add, checks=indices)
PICK = _kernel("pick", _pick, checks=indices)
