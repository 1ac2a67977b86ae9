"""The kernel of matrix products: batches, a thin one turned, and elementwise rows done on its tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from pullback.core.circuit import Row
from pullback.executors.native.arrays import gemm
from pullback.executors.native.arrays.elementwise import (
    ENOUGH,
    Constant,
    Loop,
    compute,
    spread,
    widest,
)
from pullback.executors.native.arrays.kernel import NativeKernel, Writing
from pullback.executors.native.arrays.loop import steps_of
from pullback.executors.native.arrays.nest import Body, Index, Placed, lanes_for
from pullback.executors.native.llvm.code import KINDS, Number
from pullback.executors.native.llvm.lower import CURVES
from pullback.executors.native.llvm.pool import LINE
from pullback.passes.planning.groups import Group, Plan, in_step
from pullback.passes.planning.views import View, product

PACKING = 8  # copying a number of a product's side costs as much as multiplying it so often
APART = {*CURVES, "power", "unpick"}  # rows that a tile in registers leaves no room for


# How a product is divided among threads


class Run(NamedTuple):
    """Parts that get equally many rows or columns: `many` parts from `first` on, `size` each from `start`."""

    first: int
    many: int
    start: int
    size: int


class Cut(NamedTuple):
    """How a product is divided: along batch axis `batch`, or else each matrix along `axis`, 0 or 1."""

    batch: int
    axis: int
    runs: list[Run]


def cut(shape: Sequence[int], kind: str, parts: int) -> Cut:
    """How the product of this shape is best divided."""
    n, k = shape[-2:]
    if parts == 1:
        return Cut(-1, 0, [Run(0, 1, 0, n)])
    if shape[:-2]:
        batch = widest(shape[:-2], parts)
        if shape[batch] >= ENOUGH * parts * -(-shape[batch] // parts):
            return Cut(batch, 0, [Run(0, parts, 0, n)])
    rows, vectors = gemm.register_tile()
    wide = vectors * lanes_for(kind)
    down = list(_runs(n, wide if k == 1 else rows, parts))
    right = list(_runs(k, wide, parts))
    by_rows = _most(down) * k + PACKING * k
    by_columns = _most(right) * n + PACKING * n
    return Cut(-1, 0, down) if by_rows <= by_columns else Cut(-1, 1, right)


def _runs(size: int, unit: int, parts: int) -> Iterator[Run]:
    """`size` rows in pieces of whole units; only the last piece may end within one.

    >>> [tuple(run) for run in _runs(50, 16, 3)]
    [(0, 1, 0, 32), (1, 1, 32, 16), (2, 1, 48, 2)]
    """
    each, more = divmod(math.ceil(size / unit), parts)
    ends = [min(size, unit * (each * p + min(more, p))) for p in range(parts + 1)]
    pieces = [(p, a, b - a) for p, (a, b) in enumerate(pairwise(ends)) if b > a]
    for length, run in groupby(pieces, lambda piece: piece[2]):
        some = list(run)
        yield Run(some[0][0], len(some), some[0][1], length)


def _most(runs: Sequence[Run]) -> int:
    return max(run.size for run in runs)


def _narrowed(left: View, right: View, axis: int, size: int) -> tuple[View, View]:
    """The sides of a product of `size` rows (axis 0) or columns (1) only."""
    if axis == 0:
        return left._replace(shape=(*left.shape[:-2], size, left.shape[-1])), right
    return left, right._replace(shape=(*right.shape[:-1], size))


# What the plan asks


def _sides(plan: Plan, group: Group) -> tuple[View, View]:
    left, right = group.rows[0].inputs
    return plan.views[left], plan.views[right]


def _cost(plan: Plan, group: Group) -> float:
    left, _ = _sides(plan, group)
    terms = left.shape[-1] / (4 * lanes_for(KINDS[left.dtype]))
    return product(group.shape) * (terms + steps_of(group) / 8)


def _scratch(plan: Plan, group: Group) -> int:
    """How much room each part needs to pack its sides."""
    if not product(group.shape):
        return 0
    left, right = _sides(plan, group)
    how = cut(group.shape, KINDS[left.dtype], group.parts)
    size = max(_scratch_of(*_narrowed(left, right, how.axis, run.size)) for run in how.runs)
    return size + (-size % LINE if group.parts > 1 else 0)


def _scratch_of(left: View, right: View) -> int:
    if _is_thin(left, right):
        left, right = _last_turned(right), _last_turned(left)
    return gemm.scratch_size(left, right)


def _last_turned(x: View) -> View:
    shape, strides = (*x.shape[:-2], *x.shape[:-3:-1]), (*x.strides[:-2], *x.strides[:-3:-1])
    return x._replace(shape=shape, strides=strides)


def _parts(plan: Plan, group: Group, threads: int) -> int:
    kind = KINDS[_sides(plan, group)[0].dtype]
    return sum(run.many for run in cut(group.shape, kind, threads).runs)


def _absorbs(group: Group, rows: Sequence[Row]) -> bool:
    return not any(row.gate is not None and row.gate.name in APART for row in rows)


def _over(plan: Plan, group: Group, wire: int, storage: int) -> bool:
    return in_step(plan, group, group.others, wire, storage)


# Writing it


def _write(w: Writing) -> None:
    row, shape, body = w.group.rows[0], w.group.shape, w.body
    if not product(shape):
        return
    a, b = (w.wire(i) for i in row.inputs)
    d = a.view.shape[-1]
    a = spread(a, (*shape[:-1], d))
    b = spread(b, (*shape[:-2], d, shape[-1]))
    reads = w.reads(w.group.rows[1:], shape)
    fixed = {
        i: body.load(body.pointer(at), at.kind)
        for i, at in reads.items()
        if isinstance(at, Placed) and not any(at.view.strides)
    }
    others = {i: at for i, at in reads.items() if i not in fixed}
    loop = Loop(w.group.rows, shape, others, [*w.writes.items()])
    how, scratch = cut(shape, a.kind, body.parts), w.scratch
    if body.parts > 1:
        body.most_turns = body.parts  # `_parts` has seen to it
        offset = body.impure(f"mul i64 %part, {w.group.scratch}", "i64").text
        scratch = body.at(scratch, offset, "i8") if scratch else ""

    def product_at(here: list[Index]) -> None:
        sides = _inner(body, a, here), _inner(body, b, here)
        inner = _at_batch(body, loop, here)
        if body.parts == 1 or how.batch >= 0:
            _product(body, sides, inner, fixed, scratch)
            return
        for run in how.runs:
            with body.among(run.first, run.many) as i:
                start = body.sum_of(run.start, (i, run.size))
                some = _some(body, sides, inner, how.axis, (start, run.size))
                _product(body, *some, fixed, scratch)

    _batches(body, shape[:-2], [], product_at, how.batch)


def _product(
    body: Body, sides: tuple[Placed, Placed], loop: Loop, fixed: dict[int, Number], scratch: str
) -> None:
    """One matrix times another, and what is done to each element of the product."""
    if _is_thin(*(at.view for at in sides)):
        sides, loop = (_turned(sides[1]), _turned(sides[0])), _turned_loop(loop)
    operands = [*loop.reads.values(), *(at for _, at in loop.writes)]
    beside = [at for at in operands if isinstance(at, Placed)]
    gemm.Gemm(body, *sides, scratch, _epilogue(body, loop, fixed), beside).write()


def _some(
    body: Body, sides: tuple[Placed, Placed], loop: Loop, axis: int, those: tuple[Index, int]
) -> tuple[tuple[Placed, Placed], Loop]:
    """A product of some rows (axis 0) or columns (1) only: `those` begin somewhere and are so many."""

    def of(at: Placed) -> Placed:
        pointer = body.at(at.pointer, body.sum_of(0, (those[0], at.view.strides[axis])), at.kind)
        shape = tuple(those[1] if i == axis else size for i, size in enumerate(at.view.shape))
        return Placed(at.view._replace(shape=shape), pointer)

    left, right = sides
    reads = {i: of(at) if isinstance(at, Placed) else at for i, at in loop.reads.items()}
    shape = tuple(those[1] if i == axis else size for i, size in enumerate(loop.shape))
    both = (of(left), right) if axis == 0 else (left, of(right))
    return both, Loop(loop.rows, shape, reads, [(w, of(at)) for w, at in loop.writes])


def _is_thin(left: View, right: View) -> bool:
    """Whether a product is one column: then it is made as one row, so that lanes are filled.

    Of a divided product each part is asked, when its scratch is measured as when it is written.
    """
    return right.shape[-1] == 1 and left.shape[-2] > 1


def _turned(at: Placed) -> Placed:
    return at.moved(0, at.view.shape[::-1], at.view.strides[::-1])


def _turned_loop(loop: Loop) -> Loop:
    reads = {i: _turned(at) if isinstance(at, Placed) else at for i, at in loop.reads.items()}
    return Loop(loop.rows, loop.shape[::-1], reads, [(w, _turned(at)) for w, at in loop.writes])


def _at_batch(body: Body, loop: Loop, here: list[Index]) -> Loop:
    reads = {
        i: _inner(body, at, here) if isinstance(at, Placed) else at for i, at in loop.reads.items()
    }
    return Loop(
        loop.rows, loop.shape[-2:], reads, [(w, _inner(body, at, here)) for w, at in loop.writes]
    )


def _epilogue(body: Body, loop: Loop, fixed: dict[int, Number]) -> gemm.Epilogue:
    """The rows behind a product, done on its tiles. fixed: operands that are one number."""
    row, *rest = loop.rows
    writes = dict(loop.writes)

    def epilogue(down: Index, right: Index) -> gemm.Piece:
        placed = {key: at for key, at in loop.reads.items() if isinstance(at, Placed)} | writes
        corners = {key: body.pointer(at, [down, right]) for key, at in placed.items()}

        def place(key: int, i: int, j: int) -> str:
            rows, columns = placed[key].view.strides
            return body.at(corners[key], i * rows + j * columns, placed[key].kind)

        def piece(y: Number, i: int, j: int) -> None:
            values = {row.wire: y}
            for wire, x in fixed.items():
                values[wire] = body.splat(x, y.lanes) if y.lanes > 1 else x
            for wire, at in loop.reads.items():
                if isinstance(at, Constant):
                    values[wire] = body.constant(at.value, at.kind, y.lanes)
                else:
                    columns = at.view.strides[1]
                    values[wire] = body.load_from(place(wire, i, j), at.kind, y.lanes, columns)
            compute(body, rest, values)
            for wire, at in writes.items():
                body.store_to(
                    values[wire], place(wire, i, j), at.view.strides[1] if y.lanes > 1 else 1
                )

        return piece

    return epilogue


def _batches(
    body: Body,
    sizes: tuple[int, ...],
    here: list[Index],
    write: Callable[[list[Index]], None],
    shared: int,
) -> None:
    if len(here) == len(sizes):
        write(here)
        return
    with (body.shared if len(here) == shared else body.loop)(sizes[len(here)]) as i:
        _batches(body, sizes, [*here, i], write, shared)


def _inner(body: Body, at: Placed, here: Sequence[Index]) -> Placed:
    """The last two axes, at one place of the axes before."""
    if not here:
        return at
    view = at.view
    pointer = body.pointer(at, here)
    n = len(here)
    return Placed(view._replace(offset=0, shape=view.shape[n:], strides=view.strides[n:]), pointer)


PRODUCT = NativeKernel(
    name="product",
    gates=frozenset({"matmul"}),
    anywhere=True,
    cost=_cost,
    absorbs=_absorbs,
    over=_over,
    scratch=_scratch,
    parts=_parts,
    write=_write,
)
