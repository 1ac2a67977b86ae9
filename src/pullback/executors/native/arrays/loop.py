"""The kernel of elementwise rows: one loop, in which each number is loaded once and stored once."""

from __future__ import annotations

from collections.abc import Iterator

from pullback.core.circuit import Circuit, Row
from pullback.executors.native.arrays.check import indices
from pullback.executors.native.arrays.elementwise import Loop, Operand, elementwise
from pullback.executors.native.arrays.kernel import (
    NativeKernel,
    Writing,
    curves_in,
    every_thread,
)
from pullback.executors.native.arrays.nest import Placed
from pullback.executors.native.llvm.lower import RULES
from pullback.passes.planning.groups import Group, Plan, in_step
from pullback.passes.planning.views import product

CURVE = 16  # additions that exp and its kin are worth


class _Elementwise:
    """The gates that run in a loop: those with a rule, whenever that is made, and unpick."""

    def __contains__(self, name: object) -> bool:
        return name in RULES or name == "unpick"


def steps_of(group: Group) -> int:
    """How many additions the elementwise rows of a group are worth, an element."""
    return len(group.rows) + CURVE * curves_in(group)


def _write(w: Writing) -> None:
    shape, rows = w.group.shape, [_by_row(row) for row in w.group.rows]
    inside = {row.wire for row in rows}
    wanted = dict.fromkeys(i for row in rows for i in row.inputs if i not in inside)
    reads = {i: _read(w, i, shape) for i in wanted}
    elementwise(w.body, Loop(rows, shape, reads, list(w.writes.items())))


def _by_row(row: Row) -> Row:
    """An unpick reads ~wire: other rows may read the same wire along the columns."""
    is_unpick = row.gate is not None and row.gate.name == "unpick"
    return row._replace(inputs=tuple(~i for i in row.inputs)) if is_unpick else row


def _read(w: Writing, i: int, shape: tuple[int, ...]) -> Operand:
    """A wire spread out to `shape`; ~wire has one number for each row of it."""
    if i >= 0:
        return w.operand(i, shape)
    at = w.operand(~i, shape[:-1])
    return at.moved(0, shape, (*at.view.strides, 0)) if isinstance(at, Placed) else at


def _cost(plan: Plan, group: Group) -> float:
    return product(group.shape) * steps_of(group) / 8


def _checks(circuit: Circuit, row: Row) -> Iterator[tuple[int, int]]:
    assert row.gate is not None
    if row.gate.name == "unpick":
        yield from indices(circuit, row)


def _over(plan: Plan, group: Group, wire: int, storage: int) -> bool:
    return in_step(plan, group, group.rows, wire, storage)


LOOP = NativeKernel(
    name="loop",
    gates=_Elementwise(),
    anywhere=True,
    cost=_cost,
    checks=_checks,
    absorbs=lambda group, rows: True,
    over=_over,
    parts=every_thread,
    write=_write,
)
