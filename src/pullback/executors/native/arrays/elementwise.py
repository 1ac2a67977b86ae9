"""Elementwise rows in one loop: each number is loaded once, goes through all rows, and is stored once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from pullback.core.circuit import Row
from pullback.executors.native.arrays.nest import Body, Index, Placed, lanes_for
from pullback.executors.native.llvm.code import Number
from pullback.executors.native.llvm.lower import lower
from pullback.passes.planning.views import product

Values = dict[int, Number]
ENOUGH = 0.9  # of the threads busy, on average: no other axis is looked for


@dataclass(frozen=True)
class Constant:
    """An operand that is the same number everywhere."""

    value: object
    kind: str


Operand = Placed | Constant


@dataclass(frozen=True)
class Loop:
    """What one loop computes. reads, writes: by wire, spread out to `shape` (strides of 0).

    shared: the axis along which it is divided among threads.
    """

    rows: Sequence[Row]
    shape: tuple[int, ...]
    reads: Mapping[int, Operand]
    writes: Sequence[tuple[int, Placed]]
    shared: int = 0


def elementwise(body: Body, loop: Loop) -> None:
    """Write the loops. Axes that lie one behind the other in every operand become one."""
    if product(loop.shape) == 0:
        return
    loop, axis = _merged(loop)
    if not loop.shape:
        with body.shared(1):
            _level(body, loop, 0, [], {}, axis)
        return
    turns = [*loop.shape[:-1], -(-loop.shape[-1] // _lanes(loop))]
    _level(body, replace(loop, shared=widest(turns, body.parts)), 0, [], {}, axis)


def widest(turns: Sequence[int], parts: int) -> int:
    """Which of several loops, one in the other, is best divided: the first that keeps all threads busy.

    >>> widest([2, 100, 3], 8)
    1
    """
    used = [n / (parts * -(-n // parts)) for n in turns]
    return max(range(len(turns)), key=lambda i: (min(used[i], ENOUGH), -i))


def compute(
    body: Body, rows: Sequence[Row], values: Values, counter: Callable[[int], Number] | None = None
) -> None:
    """Lower rows whose inputs are in `values`. counter(lanes): places along the last axis."""
    for row in rows:
        assert row.gate is not None
        if row.wire in values:
            continue
        lanes = max(values[i].lanes for i in row.inputs)
        inputs = [
            body.splat(values[i], lanes) if values[i].lanes < lanes else values[i]
            for i in row.inputs
        ]
        if row.gate.name == "unpick":
            assert counter is not None
            here = counter(lanes)
            x, index = (body.splat(v, here.lanes) if v.lanes < here.lanes else v for v in inputs)
            values[row.wire] = body.select(body.compare("eq", index, here), x, 0)
        else:
            values[row.wire] = lower(row.gate, inputs, row.attributes)


def lanes_of(kinds: Sequence[str]) -> int:
    """Lanes that fit the widest real number among the operands."""
    real = [k for k in kinds if k in ("float", "double")] or [k for k in kinds if k == "i64"]
    if not real:
        return 2 * lanes_for("double")
    return min(lanes_for(k) for k in real)


def _level(
    body: Body, loop: Loop, depth: int, indices: list[Index], values: Values, last_axis: int
) -> None:
    """Load and compute what does not change further in, then open the next loop."""
    for wire, at in loop.reads.items():
        if isinstance(at, Constant):
            values.setdefault(wire, body.constant(at.value, at.kind))
        elif wire not in values and not any(at.view.strides[depth:]):
            pointer = body.pointer(at, indices)
            values[wire] = body.load(pointer, at.kind)
    depths = len(loop.shape)
    ready = [r for r in loop.rows if _is_ready(r, values)]
    if depth == depths:
        compute(body, loop.rows, values, lambda lanes: _counter(body, indices, lanes, last_axis))
        _store(body, loop, indices, values, 1)
        return
    compute(body, ready, values)
    if depth < depths - 1:
        with _turns(body, loop, depth)(loop.shape[depth]) as i:
            _level(body, loop, depth + 1, [*indices, i], dict(values), last_axis)
        return
    _innermost(body, loop, indices, values, last_axis)


def _is_ready(row: Row, values: Values) -> bool:
    assert row.gate is not None
    return row.gate.name != "unpick" and all(i in values for i in row.inputs)


def _innermost(
    body: Body, loop: Loop, indices: list[Index], values: Values, last_axis: int
) -> None:
    size, lanes = loop.shape[-1], _lanes(loop)
    whole = size - size % lanes
    turns = _turns(body, loop, len(loop.shape) - 1)
    for start, count, width in ((0, whole, lanes), (whole, size - whole, size - whole)):
        if count:
            with turns(count, width) as i:
                here = [*indices, body.sum_of(start, (i, 1))]
                _turn(body, loop, here, dict(values), width, last_axis)


def _lanes(loop: Loop) -> int:
    kinds = [at.kind for at in loop.reads.values() if isinstance(at, Placed)]
    return lanes_of([*kinds, *(at.kind for _, at in loop.writes)])


def _turns(body: Body, loop: Loop, axis: int) -> Callable[..., AbstractContextManager[Index]]:
    return body.shared if axis == loop.shared else body.loop


def _turn(
    body: Body, loop: Loop, indices: list[Index], values: Values, lanes: int, last_axis: int
) -> None:
    for wire, at in loop.reads.items():
        if wire not in values:
            assert isinstance(at, Placed)
            pointer = body.pointer(at, indices)
            values[wire] = body.load_from(pointer, at.kind, lanes, at.view.strides[-1])
    compute(body, loop.rows, values, lambda _: _counter(body, indices, lanes, last_axis))
    _store(body, loop, indices, values, lanes)


def _store(body: Body, loop: Loop, indices: list[Index], values: Values, lanes: int) -> None:
    for wire, at in loop.writes:
        value = values[wire]
        if value.lanes < lanes:
            value = body.splat(value, lanes)
        body.store_to(value, body.pointer(at, indices), at.view.strides[-1] if lanes > 1 else 1)


def _counter(body: Body, indices: list[Index], lanes: int, size: int) -> Number:
    """The place of each lane along the last axis, which has `size` elements."""
    first = indices[-1] if indices else 0
    start = body.number(str(first), "i64")
    if lanes == 1:
        return start
    order = ", ".join(f"i64 {i}" for i in range(lanes))
    steps = body.number(f"<{order}>", "i64", lanes)
    wide = (
        body.constant(first, "i64", lanes) if isinstance(first, int) else body.splat(start, lanes)
    )
    return wide + steps


# Axes


def _merged(loop: Loop) -> tuple[Loop, int]:
    """The same loop with as few axes as possible; and how long the last one was."""
    keeps_last = any(row.gate is not None and row.gate.name == "unpick" for row in loop.rows)
    operands = [
        at for at in (*loop.reads.values(), *(w for _, w in loop.writes)) if isinstance(at, Placed)
    ]
    shape, strides = merged(loop.shape, [at.view.strides for at in operands], keeps_last)
    by_id = {id(at): at.moved(0, shape, s) for at, s in zip(operands, strides, strict=True)}
    reads = {w: by_id[id(at)] if isinstance(at, Placed) else at for w, at in loop.reads.items()}
    writes = [(w, by_id[id(at)]) for w, at in loop.writes]
    return Loop(loop.rows, shape, reads, writes), loop.shape[-1] if loop.shape else 1


def merged(
    shape: tuple[int, ...], strides: Sequence[tuple[int, ...]], keeps_last: bool = False
) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """Axes that lie one behind the other in all operands become one; axes of size 1 go.

    >>> merged((2, 1, 3), [(3, 9, 1), (0, 0, 1)])
    ((2, 3), [(3, 1), (0, 1)])
    >>> merged((2, 3), [(3, 1)])
    ((6,), [(1,)])
    """
    sizes: list[int] = []
    kept: list[list[int]] = []  # per axis, a stride an operand
    for axis, size in enumerate(shape):
        here = [s[axis] for s in strides]
        is_last = axis == len(shape) - 1
        if size == 1 and not (is_last and keeps_last):
            continue
        may_join = sizes and not (is_last and keeps_last)
        if may_join and all(a == b * size for a, b in zip(kept[-1], here, strict=True)):
            sizes[-1] *= size
            kept[-1] = here
        else:
            sizes.append(size)
            kept.append(here)
    return tuple(sizes), [tuple(axis[n] for axis in kept) for n in range(len(strides))]


def spread(at: Placed, shape: tuple[int, ...]) -> Placed:
    """An operand repeated along the axes of `shape` that it lacks or has once."""
    view = at.view
    missing = len(shape) - len(view.shape)
    strides = (0,) * missing + tuple(
        0 if own == 1 and size != 1 else stride
        for own, size, stride in zip(view.shape, shape[missing:], view.strides, strict=True)
    )
    return at.moved(0, shape, strides)


def copy(body: Body, source: Operand, target: Placed) -> None:
    """Numbers moved as they are, from any view (or one constant) to any other of the same shape."""
    loop = Loop([], target.view.shape, {0: source}, [(0, target)])
    elementwise(body, loop)
