"""The kernel that looks at indices before anything is written: is each of them in range?"""

from __future__ import annotations

from contextlib import ExitStack

from pullback.core.circuit import Circuit, Row
from pullback.executors.native.arrays.kernel import NativeKernel, Writing
from pullback.executors.native.llvm.code import Number
from pullback.passes.planning.groups import Group, Plan


def indices(circuit: Circuit, row: Row) -> tuple[tuple[int, int], ...]:
    """The second input of a row chooses among `size`, or among what lies along `axis` of the first."""
    size = row.attributes.get("size")
    if size is None:
        size = circuit.spec_of(row.inputs[0]).shape[row.attributes.get("axis", -1)]
    return ((row.inputs[1], size),)


def _write(w: Writing) -> Number:
    """Whether some index lies outside 0..size-1."""
    body, index = w.body, w.wire(w.group.index)
    slot = body.slot("i1")
    body.store_bit(slot, body.constant(0, "i1"))
    if index.view.size:
        with ExitStack() as loops:
            here = [loops.enter_context(body.loop(size)) for size in index.view.shape]
            found = body.load(body.pointer(index, here), "i64")
            is_outside = body.compare("uge", found, w.group.size)
            body.store_bit(slot, body.load_bit(slot) | is_outside)
    return body.load_bit(slot)


def _cost(plan: Plan, group: Group) -> float:
    return plan.views[group.index].size / 2


CHECK = NativeKernel(name="check", gates=frozenset(), cost=_cost, write=_write)
