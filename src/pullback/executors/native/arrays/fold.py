"""Gates that fold axes: sum, max, prod, argmax, norm, logsumexp and softmax.

Two shapes of one loop: where the kept axis lies densely (or the folded one is short) each lane folds
its own column; else the lanes go along the folded axis and are brought together at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pullback.core.circuit import Row
from pullback.executors.native import vector_math
from pullback.executors.native.arrays.elementwise import Constant, copy, lanes_of, merged, widest
from pullback.executors.native.arrays.nest import Body, Index, Placed
from pullback.executors.native.code import Number
from pullback.gates.reduce import folded_axes

SHORT = 32  # a folded axis up to which each lane folds its own
FEW = 8  # below, NumPy too adds one by one
ACCUMULATORS = 4  # sums side by side hide that each has to wait for the one before

Step = Callable[[Number, Number], Number]


class Axes(NamedTuple):
    """The kept axes and the folded ones: sizes, and strides of x and of each output."""

    kept: tuple[int, ...]
    x_kept: tuple[int, ...]
    y_kept: list[tuple[int, ...]]
    folded: tuple[int, ...]
    x_folded: tuple[int, ...]
    y_folded: list[tuple[int, ...]]  # of outputs as large as x


def axes_of(row: Row, x: Placed, outputs: Sequence[Placed]) -> Axes:
    """Which axes of x are folded by `row`, and where the outputs lie along the others."""
    shape = x.view.shape
    axes = _folded(row, shape)
    kept = [i for i in range(len(shape)) if i not in axes]
    strides = [_along(at, shape, axes) for at in outputs]
    sizes, both = merged(
        tuple(shape[i] for i in kept),
        [tuple(s[i] for i in kept) for s in (x.view.strides, *strides)],
    )
    inner, more = merged(
        tuple(shape[i] for i in axes),
        [tuple(s[i] for i in axes) for s in (x.view.strides, *strides)],
    )
    return Axes(sizes, both[0], both[1:], inner, more[0], more[1:])


def _folded(row: Row, shape: tuple[int, ...]) -> tuple[int, ...]:
    assert row.gate is not None
    if row.gate.name == "sum_to":
        wanted = row.attributes["shape"]
        extra = len(shape) - len(wanted)
        return tuple(range(extra)) + tuple(
            i + extra for i, s in enumerate(wanted) if s == 1 and shape[i + extra] != 1
        )
    return folded_axes(len(shape), row.attributes["axis"])


def _along(at: Placed, shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an output along the axes of x, 0 where x is folded."""
    view = at.view
    if view.shape == shape and view.size == math.prod(shape) and len(view.shape) == len(shape):
        return view.strides
    if len(view.shape) == len(shape) - len(axes):
        own = iter(view.strides)
        return tuple(0 if i in axes else next(own) for i in range(len(shape)))
    extra = len(shape) - len(view.shape)
    return tuple(0 if i in axes else view.strides[i - extra] for i in range(len(shape)))


class Fold:
    """The loops of one fold: `each` kept element, and `over` the folded ones as often as needed."""

    def __init__(self, body: Body, x: Placed, axes: Axes) -> None:
        self.body, self.x, self.axes = body, x, axes
        self.kind = x.view.kind
        self.full = lanes_of([self.kind])
        self.indices: list[Index] = []
        self.lanes = 1  # columns side by side
        self.change: Callable[[Number], Number] | None = None  # of what is loaded
        dense_kept = bool(axes.kept) and axes.x_kept[-1] == 1
        dense_folded = bool(axes.folded) and axes.x_folded[-1] == 1
        short = math.prod(axes.folded) <= SHORT
        wide_enough = bool(axes.kept) and axes.kept[-1] >= self.full
        self.by_column = bool(axes.kept) and (
            dense_kept or not dense_folded or (short and wide_enough)
        )

    def each(self, *, several: bool = False) -> Iterator[None]:
        """The lines within, for all kept elements. several: they are so short that vectors go in fours."""
        side_by_side = ACCUMULATORS if several else 1
        if not self.axes.kept:
            with self.body.shared(1):
                yield
            return
        yield from self._kept(0, side_by_side, self._shared(side_by_side))

    def _shared(self, several: int) -> int:
        """The kept axis along which threads divide the work."""
        turns = list(self.axes.kept)
        if self.by_column:
            turns[-1] = -(-turns[-1] // (self.full * self._many(several)))
        return widest(turns, self.body.parts)

    def _many(self, several: int) -> int:
        return several if self.axes.x_kept[-1] == 1 else 1

    def _kept(self, depth: int, several: int, shared: int) -> Iterator[None]:
        kept = self.axes.kept
        if depth == len(kept):
            self.lanes = 1
            yield
            return
        last = depth == len(kept) - 1 and self.by_column
        widths = (self.full * self._many(several), self.full) if last else (1,)
        turns = self.body.shared if depth == shared else self.body.loop
        for start, count, width in _portions(kept[depth], widths):
            with turns(count, width) as i:
                self.indices.append(self.body.sum_of(start, (i, 1)))
                if last:
                    self.lanes = width
                    yield
                else:
                    yield from self._kept(depth + 1, several, shared)
                self.indices.pop()

    def over(self, start: Number, step: Step, *, wide: bool = True) -> Number:
        """start, then step(so far, x) for every folded element; lanes are brought together by step.

        wide: several running values at a time, which changes the order but not by column.
        """
        body = self.body
        axes = self.axes
        dense = not self.by_column and axes.folded and axes.x_folded[-1] == 1
        if not (wide and dense and axes.folded[-1] >= FEW):
            slot = body.slot(self.kind, self.lanes)
            body.store(body.splat(start, self.lanes) if self.lanes > 1 else start, slot)
            for places in self.places():
                x = self.load(places, self.lanes)
                body.store(step(body.load(slot, self.kind, self.lanes), x), slot)
            return body.load(slot, self.kind, self.lanes)
        return self._over_lanes(start, step)

    def _over_lanes(self, start: Number, step: Step) -> Number:
        body, lanes = self.body, self.full
        size = self.axes.folded[-1]
        several = min(ACCUMULATORS, max(1, size // lanes))
        slots = [body.slot(self.kind, lanes) for _ in range(several)]
        for slot in slots:
            body.store(body.splat(start, lanes), slot)
        for places, n, width in self._rows([], 0, several):
            x = self.load_along(places, width)
            if width < lanes:
                x = _filled(body, x, start, lanes)
            body.store(step(body.load(slots[n], self.kind, lanes), x), slots[n])
        values = [body.load(slot, self.kind, lanes) for slot in slots]
        while len(values) > 1:
            values = [step(*pair) for pair in zip(values[::2], values[1::2], strict=False)] + (
                values[-1:] if len(values) % 2 else []
            )
        y = values[0]
        while y.lanes > 1:
            half = y.lanes // 2
            y = step(body.part(y, 0, half), body.part(y, half, half))
        return y

    def _rows(
        self, places: list[Index], depth: int, several: int
    ) -> Iterator[tuple[list[Index], int, int]]:
        """(places, accumulator, lanes) along the folded axes, the last one in whole vectors."""
        body, size, lanes = self.body, self.axes.folded[depth], self.full
        if depth < len(self.axes.folded) - 1:
            with body.loop(size) as i:
                yield from self._rows([*places, i], depth + 1, several)
            return
        step = several * lanes
        whole, most = size - size % lanes, size - size % step
        for start, count, stride, n in ((0, most, step, several), (most, whole - most, lanes, 1)):
            if count:
                with body.loop(count, stride) as i:
                    for k in range(n):
                        yield [*places, body.sum_of(start + k * lanes, (i, 1))], k, lanes
        if size > whole:
            yield [*places, whole], 0, size - whole

    def places(self, depth: int = 0, so_far: tuple[Index, ...] = ()) -> Iterator[tuple[Index, ...]]:
        """The lines within, for all places along the folded axes."""
        if depth == len(self.axes.folded):
            yield so_far
            return
        with self.body.loop(self.axes.folded[depth]) as i:
            yield from self.places(depth + 1, (*so_far, i))

    def rewrite(self, output: int, y: Placed, change: Callable[[Number], Number]) -> None:
        """y = change(x) along the folded axes, for an output as large as x."""
        body, axes = self.body, self.axes
        if self.by_column or not (axes.folded and axes.x_folded[-1] == 1):
            for places in self.places():
                value = change(self.load(places, self.lanes))
                at = self._output(output, y, places)
                stride = axes.y_kept[output][-1] if self.lanes > 1 else 1
                body.store_to(value, at, stride)
            return
        for along, _, width in self._rows([], 0, 1):
            value = change(self.load_along(along, width))
            stride = axes.y_folded[output][-1] if width > 1 else 1
            body.store_to(value, self._output(output, y, along), stride)

    def _output(self, output: int, y: Placed, places: Sequence[Index]) -> str:
        axes = self.axes
        terms = [*zip(self.indices, axes.y_kept[output], strict=True)]
        terms += zip(places, axes.y_folded[output], strict=True)
        return self.body.at(y.pointer, self.body.sum_of(y.view.offset, *terms), y.view.kind)

    def _input(self, places: Sequence[Index]) -> str:
        axes, x = self.axes, self.x
        terms = [
            *zip(self.indices, axes.x_kept, strict=True),
            *zip(places, axes.x_folded, strict=True),
        ]
        return self.body.at(x.pointer, self.body.sum_of(x.view.offset, *terms), self.kind)

    def load(self, places: Sequence[Index], lanes: int) -> Number:
        """The elements at these places of the folded axes, one a column."""
        stride = self.axes.x_kept[-1] if lanes > 1 else 1
        return self._changed(self.body.load_from(self._input(places), self.kind, lanes, stride))

    def load_along(self, places: Sequence[Index], lanes: int) -> Number:
        """Several elements along the last folded axis."""
        stride = self.axes.x_folded[-1]
        return self._changed(self.body.load_from(self._input(places), self.kind, lanes, stride))

    def _changed(self, x: Number) -> Number:
        return self.change(x) if self.change else x

    def store(self, output: int, y: Placed, value: Number) -> None:
        """One value a kept element."""
        stride = self.axes.y_kept[output][-1] if self.lanes > 1 else 1
        at = self._output(output, y, [0] * len(self.axes.folded))
        self.body.store_to(value, at, stride)


def _portions(size: int, widths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(start, count, width) that cover `size`: as much as fits in each width, then what is left.

    >>> list(_portions(45, (32, 8)))
    [(0, 32, 32), (32, 8, 8), (40, 5, 5)]
    """
    start = 0
    for width in widths:
        count = (size - start) // width * width
        if count:
            yield start, count, width
        start += count
    if size > start:
        yield start, size - start, size - start


def _filled(body: Body, x: Number, neutral: Number, lanes: int) -> Number:
    """x with lanes behind it that change nothing."""
    if x.lanes == 1:
        return body.emit(f"insertelement {body.splat(neutral, lanes)}, {x}, i32 0", x.kind, lanes)
    order = ", ".join(f"i32 {min(i, x.lanes)}" for i in range(lanes))
    rest = body.splat(neutral, x.lanes)
    return body.emit(f"shufflevector {x}, {rest}, <{lanes} x i32> <{order}>", x.kind, lanes)


# The folds

Outputs = Mapping[int, Placed]  # by wire


def fold(body: Body, rows: Sequence[Row], x: Placed, outputs: Outputs) -> None:
    """Write the loops of one folding gate (or of logsumexp and softmax of the same numbers)."""
    wanted = [row for row in rows if row.wire in outputs]
    if not wanted:
        return
    found = Fold(body, x, axes_of(rows[0], x, [outputs[row.wire] for row in wanted]))
    assert wanted[0].gate is not None
    rule = _FOLDS[wanted[0].gate.name]
    if not x.view.size:
        for row in wanted:
            copy(body, Constant(_EMPTY.get(row.gate.name, 0.0), x.view.kind), outputs[row.wire])  # type: ignore[union-attr]
    elif any(outputs[row.wire].view.size for row in wanted):
        for _ in found.each(several=wanted[0].gate.name in ("sum", "sum_to", "max", "prod")):
            rule(found, wanted, [outputs[row.wire] for row in wanted])


def _neutral(f: Fold, real: float, whole: int) -> Number:
    is_real = f.kind in ("float", "double")
    return f.body.constant(real if is_real else whole, f.kind)


def _sum(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    start = _neutral(f, -0.0, 0)  # -0 + x is x, even for -0
    f.store(0, ys[0], f.over(start, lambda a, b: a + b))


def _prod(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    start = _neutral(f, 1.0, 1)
    f.store(0, ys[0], f.over(start, lambda a, b: a * b, wide=False))


def larger(a: Number, b: Number) -> Number:
    """The larger one; a NaN wins."""
    code = a.code
    if not a.is_real:
        return code.select(code.compare("sgt", b, a), b, a)
    return code.select(code.compare("ogt", b, a) | code.compare("uno", b, b), b, a)


def _max(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    y = f.over(_neutral(f, -math.inf, -(2**63)), larger)
    f.store(0, ys[0], y + 0.0 if y.is_real else y)


def _argmax(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    """The first of the largest; a NaN is the largest of all."""
    body, lanes, folded = f.body, f.lanes, f.axes.folded
    steps = [math.prod(folded[i + 1 :]) for i in range(len(folded))]
    best, place = body.slot(f.kind, lanes), body.slot("i64", lanes)
    body.store(f.load([0] * len(f.axes.folded), lanes), best)
    body.store(body.constant(0, "i64", lanes), place)
    for places in f.places():
        x, y = f.load(places, lanes), body.load(best, f.kind, lanes)
        if x.is_real:
            held = body.compare("ord", y, y)
            is_more = body.compare("ugt", x, y) & held
        else:
            is_more = body.compare("sgt" if f.kind == "i64" else "ugt", x, y)
        at = body.sum_of(0, *zip(places, steps, strict=True))
        here = body.constant(at, "i64") if isinstance(at, int) else body.number(str(at), "i64")
        spot = body.load(place, "i64", lanes)
        body.store(body.select(is_more, x, y), best)
        body.store(
            body.select(is_more, body.splat(here, lanes) if lanes > 1 else here, spot), place
        )
    f.store(0, ys[0], body.load(place, "i64", lanes))


def _norm(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    body = f.body
    largest = f.over(_neutral(f, 0.0, 0), lambda a, b: larger(abs(a), abs(b)))
    usable = body.compare("ogt", largest, 0.0) & body.compare("olt", largest, math.inf)
    scale = body.select(usable, largest, 1.0)

    def square(x: Number) -> Number:
        share = x / (body.splat(scale, x.lanes) if x.lanes > scale.lanes else scale)
        return share * share

    total = _sum_of(f, square)
    f.store(0, ys[0], scale * body.intrinsic("sqrt", total))


def _sum_of(f: Fold, change: Callable[[Number], Number]) -> Number:
    """The sum of change(x)."""
    f.change = change
    total = f.over(_neutral(f, 0.0, 0), lambda a, b: a + b)
    f.change = None
    return total


def _exponentials(f: Fold, rows: Sequence[Row], ys: Sequence[Placed]) -> None:
    """logsumexp and softmax: top, e^(x - top), their sum; see the gates for what infinities give."""
    body = f.body
    names = [row.gate.name for row in rows if row.gate]
    largest = f.over(_neutral(f, -math.inf, 0), larger)
    top = body.select(body.compare("oeq", largest, -math.inf), 0.0, largest)

    def power(x: Number) -> Number:
        wide = body.splat(top, x.lanes) if x.lanes > top.lanes else top
        e = body.strict(vector_math.exp, x - wide)
        return body.select(body.compare("oeq", x, math.inf), 1.0, e)

    out = names.index("softmax") if "softmax" in names else None
    if out is not None:
        f.rewrite(out, ys[out], power)
        total = _sum_of(_again(f, out, ys[out]), lambda e: e)
    else:
        total = _sum_of(f, power)
    if "logsumexp" in names:
        at = names.index("logsumexp")
        f.store(at, ys[at], body.strict(vector_math.log, total) + top)
    if out is not None:
        share = body.select(body.compare("oeq", total, 0.0), 1.0, total)
        _divide(f, out, ys[out], share)


def _divide(f: Fold, out: int, y: Placed, share: Number) -> None:
    body = f.body

    def quotient(e: Number) -> Number:
        return e / (body.splat(share, e.lanes) if e.lanes > share.lanes else share)

    _again(f, out, y).rewrite(out, y, quotient)


def _again(f: Fold, out: int, y: Placed) -> Fold:
    """The same turn of the loops, over what was just written to y."""
    axes = f.axes
    twin = Fold(f.body, y, axes._replace(x_kept=axes.y_kept[out], x_folded=axes.y_folded[out]))
    twin.indices, twin.lanes, twin.by_column = f.indices, f.lanes, f.by_column
    return twin


_FOLDS: dict[str, Callable[[Fold, Sequence[Row], Sequence[Placed]], None]] = {
    "sum": _sum, "sum_to": _sum, "prod": _prod, "max": _max, "argmax": _argmax, "norm": _norm,
    "logsumexp": _exponentials, "softmax": _exponentials,
}  # fmt: skip
FOLDS = frozenset(_FOLDS)
_EMPTY = {"prod": 1.0, "logsumexp": -math.inf}  # of nothing; the others give 0
