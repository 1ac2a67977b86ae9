"""`Fold`: the loops of one pass over an array, in which axes are folded and elementwise rows run on the way.

Two shapes of one loop: where the kept axis lies densely (or the folded one is short) each lane folds
its own column; else the lanes go along the folded axis and are brought together at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pullback.core.circuit import Row
from pullback.executors.native.arrays.elementwise import (
    Constant,
    Operand,
    Values,
    compute,
    lanes_of,
    merged,
    widest,
)
from pullback.executors.native.arrays.nest import Body, Index, Placed
from pullback.executors.native.llvm.code import Number

SHORT = 32  # a folded axis up to which each lane folds its own
FEW = 8  # below, NumPy too adds one by one
ACCUMULATORS = 4  # sums side by side hide that each has to wait for the one before
FEW_ROWS = 4  # on the way, with which so many vectors side by side still fit the registers

Step = Callable[[Number, Number], Number]


class Chunk(NamedTuple):
    """`lanes` elements at these places of the folded axes: one a column, or `along` the last of them.

    turn: which of several running values takes them.
    """

    places: tuple[Index, ...]
    lanes: int
    along: bool = False
    turn: int = 0


class Running(NamedTuple):
    """start, then step(so far, x) for each element x of a wire."""

    wire: int
    start: Number
    step: Step


class Lines(NamedTuple):
    """An operand with its strides along the kept and along the folded axes."""

    at: Placed
    kept: tuple[int, ...]
    folded: tuple[int, ...]

    @property
    def is_fixed(self) -> bool:
        """Whether it is the same all along the folded axes."""
        return not any(self.folded)

    def stride(self, along: bool) -> int:
        strides = self.folded if along else self.kept
        return strides[-1] if strides else 0


class Way(NamedTuple):
    """What is done to numbers on the way: rows, what they take and what of them is kept; kinds by wire."""

    rows: Sequence[Row]
    reads: Mapping[int, Operand]
    writes: Mapping[int, Placed]
    kind_of: Callable[[int], str]


class Fold:
    """The loops of one pass: `each` kept element, and `over` the folded ones as often as needed.

    All operands are spread out to `shape`, the outputs too: they lie still along the folded axes.
    """

    def __init__(
        self,
        body: Body,
        shape: tuple[int, ...],
        axes: tuple[int, ...],
        way: Way,
        outputs: Mapping[int, Placed],
    ) -> None:
        self.body, self.rows, self.kind_of = body, way.rows, way.kind_of
        placed = {i: at for i, at in way.reads.items() if isinstance(at, Placed)}
        self.constants = {i: at for i, at in way.reads.items() if isinstance(at, Constant)}
        lines = self._cut(shape, axes, [*placed.values(), *way.writes.values(), *outputs.values()])
        self.reads = dict(zip(placed, lines, strict=False))
        self.writes = dict(zip(way.writes, lines, strict=False))
        self.outputs = dict(zip(outputs, lines, strict=False))
        inside = [*self.reads.values(), *self.writes.values()]
        self.full = lanes_of([one.at.kind for one in inside])
        self.indices: list[Index] = []
        self.lanes = 1  # columns side by side
        self.base: Values = {}  # what does not change along the folded axes
        self.by_column = self._goes_by_column()
        self.dense = not self.by_column and any(one.stride(True) == 1 for one in inside)

    def _cut(
        self, shape: tuple[int, ...], axes: tuple[int, ...], operands: Sequence[Placed]
    ) -> Iterator[Lines]:
        """Kept and folded axes, as few as possible of each, and every operand along them."""
        kept = [i for i in range(len(shape)) if i not in axes]
        strides = [
            [tuple(at.view.strides[i] for i in those) for at in operands] for those in (kept, axes)
        ]
        self.kept, outer = merged(tuple(shape[i] for i in kept), strides[0])
        self.folded, inner = merged(tuple(shape[i] for i in axes), strides[1])
        return map(Lines, operands, outer, inner)

    def _goes_by_column(self) -> bool:
        """Whether the lanes go along the last kept axis: where fewer operands are then read with gaps."""
        varying = [one for one in self.reads.values() if not one.is_fixed]
        varying += self.writes.values()
        gaps = [sum(one.stride(along) not in (0, 1) for one in varying) for along in (False, True)]
        dense_folded = not gaps[1] and any(one.stride(True) == 1 for one in varying)
        short = math.prod(self.folded) <= SHORT and len(varying) <= 2
        wide_enough = bool(self.kept) and self.kept[-1] >= self.full
        better = gaps[0] < gaps[1] or (gaps[0] == gaps[1] and not dense_folded)
        return bool(self.kept) and (better or (short and wide_enough))

    # The kept axes

    def each(self, *, several: bool = False) -> Iterator[None]:
        """The lines within, for all kept elements. several: they are so short that vectors go in fours."""
        side_by_side = ACCUMULATORS if several and len(self.rows) <= FEW_ROWS else 1
        if not self.kept:
            with self.body.shared(1):
                self._begin()
                yield
            return
        yield from self._kept(0, side_by_side, self._shared(side_by_side))

    def _shared(self, several: int) -> int:
        """The kept axis along which threads divide the work."""
        turns = list(self.kept)
        if self.by_column:
            turns[-1] = -(-turns[-1] // (self.full * self._many(several)))
        return widest(turns, self.body.parts)

    def _many(self, several: int) -> int:
        strides = {one.stride(False) for one in self.reads.values()}
        return several if strides <= {0, 1} and 1 in strides else 1

    def _kept(self, depth: int, several: int, shared: int) -> Iterator[None]:
        if depth == len(self.kept):
            self.lanes = 1
            self._begin()
            yield
            return
        last = depth == len(self.kept) - 1 and self.by_column
        widths = (self.full * self._many(several), self.full) if last else (1,)
        turns = self.body.shared if depth == shared else self.body.loop
        for start, count, width in _portions(self.kept[depth], widths):
            with turns(count, width) as i:
                self.indices.append(self.body.sum_of(start, (i, 1)))
                if last:
                    self.lanes = width
                    self._begin()
                    yield
                else:
                    yield from self._kept(depth + 1, several, shared)
                self.indices.pop()

    def _begin(self) -> None:
        """Load and compute what does not change along the folded axes."""
        body, here = self.body, Chunk((0,) * len(self.folded), self.lanes)
        self.base = {i: body.constant(at.value, at.kind) for i, at in self.constants.items()}
        for i, one in self.reads.items():
            if one.is_fixed:
                self.base[i] = self.load(one, here)
        for row in self.rows:
            if all(i in self.base for i in row.inputs):
                compute(body, [row], self.base)

    # The folded axes

    def over(
        self,
        runs: Sequence[Running],
        source: Callable[[Chunk], Values] | None = None,
        *,
        wide: bool = True,
    ) -> list[Number]:
        """What each running value comes to; lanes are brought together by its step.

        source: what is folded, else what comes by the way, and that is written then. wide: several
        running values at a time, which changes the order but not by column.
        """
        body, source = self.body, source or self.values
        along = wide and self.dense and self.folded[-1] >= FEW
        lanes = self.full if along else self.lanes
        several = self._accumulators() if along else 1
        slots = [[body.slot(run.start.kind, lanes) for _ in range(several)] for run in runs]
        for run, own in zip(runs, slots, strict=True):
            for slot in own:
                body.store(self._widened(run.start, lanes), slot)
        for chunk in self._rows([], 0, several) if along else self.places():
            values = source(chunk)
            for run, own in zip(runs, slots, strict=True):
                x, slot = self._widened(values[run.wire], chunk.lanes), own[chunk.turn]
                if chunk.lanes < lanes:
                    x = _filled(body, x, run.start, lanes)
                body.store(run.step(body.load(slot, run.start.kind, lanes), x), slot)
        return [self._together(r, own, lanes, along) for r, own in zip(runs, slots, strict=True)]

    def _accumulators(self) -> int:
        most = ACCUMULATORS if len(self.rows) <= 2 * FEW_ROWS else 2
        return min(most, max(1, self.folded[-1] // self.full))

    def _widened(self, x: Number, lanes: int) -> Number:
        return self.body.splat(x, lanes) if x.lanes < lanes else x

    def _together(self, run: Running, slots: Sequence[str], lanes: int, along: bool) -> Number:
        body = self.body
        values = [body.load(slot, run.start.kind, lanes) for slot in slots]
        while len(values) > 1:
            values = [run.step(*pair) for pair in zip(values[::2], values[1::2], strict=False)] + (
                values[-1:] if len(values) % 2 else []
            )
        y = values[0]
        while along and y.lanes > 1:
            half = y.lanes // 2
            y = run.step(body.part(y, 0, half), body.part(y, half, half))
        return y

    def chunks(self) -> Iterator[Chunk]:
        """The lines within, for all folded elements."""
        yield from self._rows([], 0, 1) if self.dense else self.places()

    def places(self, depth: int = 0, so_far: tuple[Index, ...] = ()) -> Iterator[Chunk]:
        """The lines within, for all places along the folded axes, one element a column."""
        if depth == len(self.folded):
            yield Chunk(so_far, self.lanes)
            return
        with self.body.loop(self.folded[depth]) as i:
            yield from self.places(depth + 1, (*so_far, i))

    def _rows(self, places: list[Index], depth: int, several: int) -> Iterator[Chunk]:
        """Along the folded axes, the last one in whole vectors."""
        body, size, lanes = self.body, self.folded[depth], self.full
        if depth < len(self.folded) - 1:
            with body.loop(size) as i:
                yield from self._rows([*places, i], depth + 1, several)
            return
        step = several * lanes
        whole, most = size - size % lanes, size - size % step
        for start, count, stride, n in ((0, most, step, several), (most, whole - most, lanes, 1)):
            if count:
                with body.loop(count, stride) as i:
                    for k in range(n):
                        at = body.sum_of(start + k * lanes, (i, 1))
                        yield Chunk((*places, at), lanes, along=True, turn=k)
        if size > whole:
            yield Chunk((*places, whole), size - whole, along=True)

    # Numbers

    def values(self, chunk: Chunk, *, write: bool = True) -> Values:
        """What is read at a chunk, and all that comes of it on the way."""
        values = dict(self.base)
        for i, one in self.reads.items():
            if i not in values:
                values[i] = self.load(one, chunk)
        compute(self.body, self.rows, values)
        for i, one in self.writes.items() if write else ():
            self.store(one, chunk, values[i])
        return values

    def load(self, one: Lines, chunk: Chunk) -> Number:
        """An operand's elements."""
        stride = one.stride(chunk.along) if chunk.lanes > 1 else 1
        return self.body.load_from(self._address(one, chunk), one.at.kind, chunk.lanes, stride)

    def store(self, one: Lines, chunk: Chunk, value: Number) -> None:
        """Numbers to their places."""
        stride = one.stride(chunk.along) if chunk.lanes > 1 else 1
        value = self._widened(value, chunk.lanes)
        self.body.store_to(value, self._address(one, chunk), stride)

    def put(self, wire: int, value: Number) -> None:
        """One value of an output for each kept element."""
        self.store(self.outputs[wire], Chunk((0,) * len(self.folded), self.lanes), value)

    def _address(self, one: Lines, chunk: Chunk) -> str:
        terms = [
            *zip(self.indices, one.kept, strict=True),
            *zip(chunk.places, one.folded, strict=True),
        ]
        start = self.body.sum_of(one.at.view.offset, *terms)
        return self.body.at(one.at.pointer, start, one.at.kind)


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
