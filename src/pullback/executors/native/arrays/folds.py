"""Gates that fold axes: sum, max, prod, argmax, norm, logsumexp and softmax, and when they share a pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from pullback.core.circuit import Row
from pullback.executors.native.arrays.elementwise import Constant, Values, copy
from pullback.executors.native.arrays.fold import Chunk, Fold, Running, Step, Way
from pullback.executors.native.arrays.kernel import NativeKernel, Writing, curves_in, every_thread
from pullback.executors.native.arrays.loop import CURVE, LOOP
from pullback.executors.native.arrays.nest import Placed
from pullback.executors.native.llvm import vector_math
from pullback.executors.native.llvm.code import Number
from pullback.executors.native.llvm.lower import CURVES
from pullback.gates.reduce import folded_axes
from pullback.passes.planning.groups import Group, Plan, in_step
from pullback.passes.planning.views import View, dense_strides, product

LONG = 64  # numbers one behind the other, from which on a loop that folds is as quick as one that does not
LARGE = 4096  # numbers; fewer stay near, and are read again at no cost
FEW = 1  # arrays that may be read with gaps
CHEAP = 4  # rows that are computed twice rather than written and read
DEAR = {*CURVES, "power", "divide", "sqrt"}


# What shares a pass


def _axes(row: Row, shape: Sequence[int]) -> tuple[int, ...]:
    """The axes of its input that a row folds."""
    assert row.gate is not None
    if row.gate.name == "sum_to":
        wanted = row.attributes["shape"]
        extra = len(shape) - len(wanted)
        return tuple(range(extra)) + tuple(
            i + extra for i, s in enumerate(wanted) if s == 1 and shape[i + extra] != 1
        )
    return folded_axes(len(shape), row.attributes["axis"])


def _real_axes(row: Row, shape: Sequence[int]) -> set[int]:
    return {a for a in _axes(row, shape) if shape[a] != 1}


def _input_shape(plan: Plan, row: Row) -> tuple[int, ...]:
    return plan.circuit.spec_of(row.inputs[0]).shape


def _is_counted(rows: Sequence[Row]) -> bool:
    """Whether some row needs to know its place along the last axis."""
    return any(row.gate is not None and row.gate.name == "unpick" for row in rows)


def _takes(plan: Plan, rows: Sequence[Row], row: Row) -> bool:
    """A fold computes what it reads, where that does not mean to read much with gaps."""
    shape = _input_shape(plan, row)
    inside = {r.wire for r in rows}
    read = {i for r in rows for i in r.inputs if i not in inside}
    whole = [i for i in read if plan.circuit.spec_of(i).shape == shape]
    return not _is_counted(rows) and (len(whole) <= FEW or not _skips(row, shape))


def _takes_little(plan: Plan, rows: Sequence[Row], row: Row) -> bool:
    """A fold of several passes computes again what is cheap."""
    dear = any(r.gate is not None and r.gate.name in DEAR for r in rows)
    return len(rows) <= CHEAP and not dear and _takes(plan, rows, row)


def _runs(row: Row, shape: Sequence[int]) -> bool:
    """Whether the elements go by in running order when a row folds them, many at a time."""
    return _run(row, shape)[0] >= LONG


def _skips(row: Row, shape: Sequence[int]) -> bool:
    """Whether each lane may fold a short row of its own, so that what is read lies apart."""
    length, is_whole = _run(row, shape)
    return 1 < length < LONG and not is_whole


def _run(row: Row, shape: Sequence[int]) -> tuple[int, bool]:
    """How many elements that are folded lie one behind the other; whether these are all there are."""
    axes, length = _axes(row, shape), 1
    for axis in reversed(range(len(shape))):
        if shape[axis] != 1 and axis not in axes:
            return length, False
        length *= shape[axis]
    return length, True


def _joins(plan: Plan, group: Group, rows: Sequence[Row]) -> bool:
    """Folds of the same axes share a pass, and with loops whose order suits them, too."""
    row, shape = rows[-1], group.shape
    if group.kernel is FOLD:
        return _real_axes(group.own[0], shape) == _real_axes(row, shape)
    return (
        group.kernel is LOOP
        and product(shape) >= LARGE
        and _runs(row, shape)
        and not _is_counted(group.rows)
    )


def _absorbs(group: Group, rows: Sequence[Row]) -> bool:
    """Elementwise rows run in the pass of a fold where its order suits them."""
    return not _is_counted(rows) and _runs(group.own[0], group.shape)


def _over(plan: Plan, group: Group, wire: int, storage: int) -> bool:
    rows = group.others
    return any(r.wire == wire for r in rows) and in_step(plan, group, rows, wire, storage)


def _joins_twin(plan: Plan, group: Group, rows: Sequence[Row]) -> bool:
    """logsumexp and softmax of the same rows need the same exponentials."""
    if group.kernel is not EXPONENTIALS or len(group.own) > 1 or len(rows) > 1:
        return False
    (known,), (row,) = group.own, rows
    same_axis = known.attributes["axis"] == row.attributes["axis"]
    return known.inputs == row.inputs and same_axis and known.gate is not row.gate


def _cost(plan: Plan, group: Group) -> float:
    dear = CURVE * (curves_in(group) + (group.kernel is EXPONENTIALS))
    return product(group.shape) * (len(group.rows) + dear) / 8


# Writing them


def _write(w: Writing, rule: Callable[[Fold, list[Row]], None], several: bool) -> None:
    """The loops of a pass, and in them what `rule` does for each kept element."""
    wanted = [row for row in w.group.own if row.wire in w.writes]
    if not w.writes:
        return
    shape, rows = w.group.shape, w.group.others
    for row in wanted if not product(shape) else ():
        assert row.gate is not None
        y = w.writes[row.wire]
        copy(w.body, Constant(_EMPTY.get(row.gate.name, 0.0), y.kind), y)
    if product(shape):
        _each(w, wanted, rows, lambda f: rule(f, wanted), several)


def _each(
    w: Writing, wanted: list[Row], rows: list[Row], rule: Callable[[Fold], None], several: bool
) -> None:
    shape = w.group.shape
    outputs = {row.wire: _spread(w.writes[row.wire], row, shape) for row in wanted}
    reads = w.reads([*rows, *wanted], shape)
    writes = {i: at for i, at in w.writes.items() if i not in outputs}
    f = Fold(w.body, shape, _axes(w.group.own[0], shape), Way(rows, reads, writes, w.kind), outputs)
    for _ in f.each(several=several):
        rule(f)


def _spread(at: Placed, row: Row, shape: tuple[int, ...]) -> Placed:
    """What a row puts out along the axes of what it folds: it lies still where they are folded."""
    return at.moved(0, shape, _along(at.view, shape, _axes(row, shape)))


def _along(y: View, shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    if y.shape == shape:
        return y.strides
    if len(y.shape) == len(shape) - len(axes):
        own = iter(y.strides)
        return tuple(0 if i in axes else next(own) for i in range(len(shape)))
    extra = len(shape) - len(y.shape)
    return tuple(0 if i in axes else y.strides[i - extra] for i in range(len(shape)))


def _neutral(f: Fold, kind: str, real: float, whole: int) -> Number:
    return f.body.constant(real if kind in ("float", "double") else whole, kind)


def _fold(f: Fold, rows: list[Row]) -> None:
    """Sums and maxima of one pass, side by side."""
    totals = f.over([_running(f, row) for row in rows])
    for row, y in zip(rows, totals, strict=True):
        is_max = row.gate is not None and row.gate.name == "max"
        f.put(row.wire, y + 0.0 if is_max and y.is_real else y)


def _running(f: Fold, row: Row) -> Running:
    assert row.gate is not None
    (x,), kind = row.inputs, f.kind_of(row.inputs[0])
    if row.gate.name == "max":
        return Running(x, _neutral(f, kind, -math.inf, -(2**63)), larger)
    return Running(
        x, _neutral(f, kind, 0.0, 0), _add
    )  # so that of -0 alone it is +0, as everywhere


def _add(a: Number, b: Number) -> Number:
    return a + b


def larger(a: Number, b: Number) -> Number:
    """The larger one; a NaN wins."""
    code = a.code
    if not a.is_real:
        return code.select(code.compare("sgt", b, a), b, a)
    return code.select(code.compare("ogt", b, a) | code.compare("uno", b, b), b, a)


def _prod(f: Fold, rows: list[Row]) -> None:
    (row,) = rows
    start = _neutral(f, f.kind_of(row.inputs[0]), 1.0, 1)
    step: Step = lambda a, b: a * b  # noqa: E731
    f.put(row.wire, f.over([Running(row.inputs[0], start, step)], wide=False)[0])


def _argmax(f: Fold, rows: list[Row]) -> None:
    """The first of the largest; a NaN is the largest of all."""
    (row,) = rows
    (x,), body, lanes = row.inputs, f.body, f.lanes
    kind, strides = f.kind_of(x), dense_strides(f.folded)
    best, place = body.slot(kind, lanes), body.slot("i64", lanes)
    body.store(f.values(Chunk((0,) * len(f.folded), lanes))[x], best)
    body.store(body.constant(0, "i64", lanes), place)
    for chunk in f.places():
        found, known = f.values(chunk)[x], body.load(best, kind, lanes)
        if found.is_real:
            held = body.compare("ord", known, known)
            is_more = body.compare("ugt", found, known) & held
        else:
            is_more = body.compare("sgt" if kind == "i64" else "ugt", found, known)
        at = body.sum_of(0, *zip(chunk.places, strides, strict=True))
        here = body.constant(at, "i64") if isinstance(at, int) else body.number(at, "i64")
        spot = body.load(place, "i64", lanes)
        body.store(body.select(is_more, found, known), best)
        body.store(
            body.select(is_more, body.splat(here, lanes) if lanes > 1 else here, spot), place
        )
    f.put(row.wire, body.load(place, "i64", lanes))


def _norm(f: Fold, rows: list[Row]) -> None:
    (row,) = rows
    (x,), body = row.inputs, f.body
    zero = _neutral(f, f.kind_of(x), 0.0, 0)
    (largest,) = f.over([Running(x, zero, lambda a, b: larger(abs(a), abs(b)))])
    usable = body.compare("ogt", largest, 0.0) & body.compare("olt", largest, math.inf)
    scale = body.select(usable, largest, 1.0)

    def square(x: Number) -> Number:
        share = x / (body.splat(scale, x.lanes) if x.lanes > scale.lanes else scale)
        return share * share

    total = _sum_of(f, x, square, zero)
    f.put(row.wire, scale * body.intrinsic("sqrt", total))


def _sum_of(f: Fold, x: int, change: Callable[[Number], Number], zero: Number) -> Number:
    """The sum of change(x)."""

    def changed(chunk: Chunk) -> Values:
        return {x: change(f.values(chunk)[x])}

    return f.over([Running(x, zero, _add)], changed)[0]


def _exponentials(f: Fold, rows: list[Row]) -> None:
    """logsumexp and softmax: top, e^(x - top), their sum; see the gates for what infinities give."""
    body, x = f.body, rows[0].inputs[0]
    wires = {row.gate.name: row.wire for row in rows if row.gate}
    kind = f.kind_of(x)
    zero = _neutral(f, kind, 0.0, 0)
    (largest,) = f.over([Running(x, _neutral(f, kind, -math.inf, 0), larger)])
    top = body.select(body.compare("oeq", largest, -math.inf), 0.0, largest)

    def power(x: Number) -> Number:
        wide = body.splat(top, x.lanes) if x.lanes > top.lanes else top
        e = body.strict(vector_math.exp, x - wide)
        return body.select(body.compare("oeq", x, math.inf), 1.0, e)

    if "softmax" not in wires:
        total = _sum_of(f, x, power, zero)
    else:
        y = f.outputs[wires["softmax"]]
        for chunk in f.chunks():
            f.store(y, chunk, power(f.values(chunk)[x]))
        (total,) = f.over([Running(x, zero, _add)], lambda chunk: {x: f.load(y, chunk)})
    if "logsumexp" in wires:
        f.put(wires["logsumexp"], body.strict(vector_math.log, total) + top)
    if "softmax" in wires:
        share = body.select(body.compare("oeq", total, 0.0), 1.0, total)
        for chunk in f.chunks():
            e = f.load(y, chunk)
            wide = body.splat(share, e.lanes) if e.lanes > share.lanes else share
            f.store(y, chunk, e / wide)


_EMPTY = {"prod": 1.0, "logsumexp": -math.inf}  # of nothing; the others give 0

FOLD = NativeKernel(
    name="fold",
    gates=frozenset({"sum", "sum_to", "max"}),
    folds=True,
    anywhere=True,
    cost=_cost,
    takes=_takes,
    joins=_joins,
    absorbs=_absorbs,
    over=_over,
    parts=every_thread,
    write=partial(_write, rule=_fold, several=True),
)
PROD = NativeKernel(
    name="prod",
    gates=frozenset({"prod"}),
    folds=True,
    anywhere=True,
    cost=_cost,
    takes=_takes,
    parts=every_thread,
    write=partial(_write, rule=_prod, several=True),
)
ARGMAX = NativeKernel(
    name="argmax",
    gates=frozenset({"argmax"}),
    folds=True,
    anywhere=True,
    cost=_cost,
    takes=_takes,
    parts=every_thread,
    write=partial(_write, rule=_argmax, several=False),
)
NORM = NativeKernel(
    name="norm",
    gates=frozenset({"norm"}),
    folds=True,
    anywhere=True,
    cost=_cost,
    takes=_takes_little,
    parts=every_thread,
    write=partial(_write, rule=_norm, several=False),
)
EXPONENTIALS = NativeKernel(
    name="exponentials",
    gates=frozenset({"logsumexp", "softmax"}),
    folds=True,
    anywhere=True,
    cost=_cost,
    takes=_takes_little,
    joins=_joins_twin,
    parts=every_thread,
    write=partial(_write, rule=_exponentials, several=False),
)
