"""Loops: a step circuit run many times over rows of data inside one machine function.

The step circuit takes what is carried from step to step (weights), what a row of data brings, and
what stays fixed (a rate); it puts out the next carried values and whatever else one wants to see.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import BOOL
from pullback.core.shapes import Spec
from pullback.errors import CircuitError, RangeError, ShapeError
from pullback.executors.native.llvm.code import KINDS, Code, Number, type_of
from pullback.executors.native.llvm.fingerprint import fingerprint
from pullback.executors.native.llvm.interruptible import in_pieces
from pullback.executors.native.llvm.jit import build
from pullback.executors.native.llvm.lower import is_scalar, lower_rows
from pullback.executors.native.llvm.subnormals import flush_subnormals
from pullback.executors.native.scalars.pack import (
    Group,
    Lowering,
    Packs,
    fits_lanes,
    lanes_of,
    one_of,
    side_by_side,
)
from pullback.executors.native.scalars.speculate import quickest
from pullback.executors.native.scalars.straight import Slots, filled_slots, new_code, slot_of
from pullback.executors.reference.program import typed


@dataclass(frozen=True)
class Stepping:
    """What each input and output of a step circuit is for, by position.

    carried: input <- output. columns: inputs that come from a row of data. Other inputs are fixed.
    recorded: outputs that are kept for every step. shown: outputs that are not carried.
    """

    circuit: Circuit
    carried: tuple[tuple[int, int], ...]
    columns: tuple[int, ...]
    recorded: tuple[int, ...] = ()
    ending: bool = False  # after a step that records a number that is not finite

    @property
    def fixed(self) -> tuple[int, ...]:
        moving = {*(i for i, _ in self.carried), *self.columns}
        return tuple(i for i in range(len(self.circuit.inputs)) if i not in moving)

    @property
    def shown(self) -> tuple[int, ...]:
        kept = {o for _, o in self.carried}
        return tuple(o for o in range(len(self.circuit.outputs)) if o not in kept)

    def input(self, position: int) -> Spec:
        return self.circuit.spec_of(self.circuit.inputs[position])

    def kind(self, position: int) -> str:
        return KINDS[self.input(position).dtype]

    def output(self, position: int) -> Spec:
        return self.circuit.spec_of(self.circuit.outputs[position])


class Looped(NamedTuple):
    """What a loop came to: the steps it made, the carried values after them, the last step's other
    outputs, and one array a recorded output with an entry a step."""

    steps: int
    carried: list[Any]
    shown: list[Any]
    records: list[Any]


class Loop:
    """A step circuit of single numbers as a native loop.

    carried: which input each output becomes in the next step, {input: output} by position; columns:
    positions of the inputs that a row of data brings. ending: it ends early after a step that records
    a number that is not finite. Subnormal numbers count as 0 inside the loop; elsewhere they are kept.
    Cost: the step's own arithmetic, weights stay in registers.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        carried: Mapping[int, int],
        columns: Sequence[int] = (),
        recorded: Sequence[int] = (),
        ending: bool = False,
        fast: bool = False,
    ) -> None:
        pairs = tuple(carried.items())
        self.plan = plan = Stepping(circuit, pairs, tuple(columns), tuple(recorded), ending)
        check(plan)
        known = fingerprint(circuit, fast, plan.carried, plan.columns, plan.recorded, ending)
        library = build(lambda: _loop_text(plan, fast), ["steps"], level=0, fingerprint=known)
        self._steps = library.function("steps", None, *_ARGUMENTS)
        self.stopped: Looped | None = None

    def run(
        self,
        carried: Sequence[Any],
        *,
        fixed: Sequence[Any] = (),
        columns: Sequence[Any] = (),
        order: Any = None,
        steps: int | None = None,
    ) -> Looped:
        """Run `steps` steps, by default one for each entry of `order` (rows of the columns).

        order is any sequence of row numbers; left out, the rows come in turn, again and again.
        Ctrl-C ends it after a full step: `stopped` then holds how far it came.
        """
        arrays = _columns(self.plan, columns)
        total, rows = _rows(arrays, order, steps)
        records = [np.zeros(total, self.plan.output(o).dtype) for o in self.plan.recorded]
        return self.checked(carried, fixed, (arrays, rows, records), total)

    def checked(
        self,
        carried: Sequence[Any],
        fixed: Sequence[Any],
        tables: tuple[list[Slots], Slots, list[Slots]],
        total: int,
    ) -> Looped:
        """The same for (dense columns, rows of them, arrays for the records): nobody looks at them again."""
        plan, (arrays, rows, records) = self.plan, tables
        state = filled(plan, [i for i, _ in plan.carried], carried)
        given, shown = filled(plan, plan.fixed, fixed), np.zeros(len(plan.shown) + 1)
        held = (state, given, addresses(arrays), rows, shown, addresses(records))
        places = [x.ctypes.data for x in held]
        count = state.view(np.int64)[-1:]  # of the steps made

        def piece(start: int, stop: int) -> None:
            self._steps(*places[:4], max(len(rows), 1), start, stop, *places[4:])
            if count[0] < stop:
                raise _Ended

        try:
            in_pieces(total, piece, first=256)
        except _Ended:
            pass
        except KeyboardInterrupt:
            self.stopped = _looped(plan, state, shown, records)
            raise
        return _looped(plan, state, shown, records)


class _Ended(Exception):
    """A step recorded a number that is not finite."""


def _looped(plan: Stepping, state: Slots, shown: Slots, records: list[Slots]) -> Looped:
    steps = int(state.view(np.int64)[-1])  # the last slot counts
    inputs = [plan.input(i).dtype for i, _ in plan.carried]
    carried = [slot_of(state, n, dtype)[0] for n, dtype in enumerate(inputs)]
    last = [slot_of(shown, n, plan.output(o).dtype)[0] for n, o in enumerate(plan.shown)]
    return Looped(steps, carried, last, [r[:steps] for r in records])


_ARGUMENTS = (
    *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 3, ctypes.c_void_p, ctypes.c_void_p,
)  # fmt: skip


def check(plan: Stepping) -> None:
    """Raises CircuitError for a step circuit that is no loop of single numbers."""
    if not is_scalar(plan.circuit):
        raise CircuitError("a native loop takes a circuit of single numbers with known gates.")
    for i, o in plan.carried:
        if plan.input(i) != plan.output(o):
            name = plan.circuit.input_names[i]
            raise CircuitError(
                f"'{name}' is carried as {plan.input(i)}, but output {o} is {plan.output(o)}."
            )


def _columns(plan: Stepping, columns: Sequence[Any]) -> list[Slots]:
    names = [plan.circuit.input_names[i] for i in plan.columns]
    if len(columns) != len(names):
        raise ShapeError(f"the loop takes {len(names)} columns, got {len(columns)}.")
    arrays = [
        np.ascontiguousarray(typed(column, plan.input(i).dtype, f"column {name!r}"))
        for name, i, column in zip(names, plan.columns, columns, strict=True)
    ]
    for name, array in zip(names, arrays, strict=True):
        if array.shape != arrays[0].shape or array.ndim != 1:
            said = f"column {name!r} has shape {array.shape}, {names[0]!r} has {arrays[0].shape}"
            raise ShapeError(f"{said}; columns are flat and of one length.")
    return arrays


def _rows(arrays: list[Slots], order: Any, steps: int | None) -> tuple[int, Slots]:
    """How many steps, and the rows they read in turn (nothing where there are no columns)."""
    count = len(arrays[0]) if arrays else 1
    total = steps if steps is not None else len(order) if order is not None else count
    if not arrays or total == 0:
        return total, np.zeros(0, np.int64)
    rows = np.arange(count) if order is None else np.asarray(order, np.int64).ravel()
    if len(rows) == 0:
        raise RangeError("there is no row of data to run the loop over.")
    if int(rows.view(np.uint64).max()) >= count:
        wrong = int(rows.min() if rows.min() < 0 else rows.max())
        raise RangeError(f"order asks for row {wrong}, the columns have rows 0 to {count - 1}.")
    return total, np.ascontiguousarray(rows, np.int64)


def filled(plan: Stepping, positions: Sequence[int], values: Sequence[Any]) -> Slots:
    """An 8-byte slot a value, checked against the input that it is for."""
    if len(values) != len(positions):
        names = ", ".join(plan.circuit.input_names[i] for i in positions)
        raise ShapeError(f"wanted {len(positions)} values ({names}), got {len(values)}.")
    return filled_slots(plan.circuit, [plan.circuit.inputs[i] for i in positions], values)


def addresses(arrays: Sequence[Slots]) -> Slots:
    """Where arrays begin, as a table for native code; the arrays must live as long as it is used."""
    return np.array([a.ctypes.data for a in arrays] or [0], np.uint64)


# Text


def _loop_text(plan: Stepping, fast: bool) -> str:
    """Carried values live in stack slots, which LLVM turns into registers."""
    circuit, found = quickest(plan.circuit, dict(plan.carried))
    plan = replace(plan, circuit=circuit)
    code, lanes = new_code(circuit, fast=fast), _lanes(circuit)
    body, slots = Lowering(code, circuit, found, lanes), _slots(plan, found)
    code.lines.append("entry:")
    restore = flush_subnormals(code)
    for n, i in enumerate(plan.fixed):
        _read(body, plan, i, code.at("%fixed", n, "double"))
    for slot in slots:
        slot.begin(code, lanes)
    pointers = [pointer_in(code, "%columns", n) for n in range(len(plan.columns))]
    records = [pointer_in(code, "%records", n) for n in range(len(plan.recorded))]
    _begin_step(code, plan)
    for slot in slots:
        body.put(slot.inputs, slot.load(code, lanes))
    for pointer, i in zip(pointers, plan.columns, strict=True):
        _read(body, plan, i, code.at(pointer, "%row", plan.kind(i)))
    body.lower()
    for slot in slots:
        code.store(body.together(slot.outputs), slot.name)
    for n, o in enumerate(plan.shown):
        code.store(body.single(circuit.outputs[o]), code.at("%shown", n, "double"))
    recorded = [body.single(circuit.outputs[o]) for o in plan.recorded]
    for pointer, x in zip(records, recorded, strict=True):
        code.store(x, code.at(pointer, "%i", x.kind))
    _end_step(code, recorded if plan.ending else ())
    for slot in slots:
        slot.end(code, lanes)
    code.line(f"store i64 %next, ptr {code.at('%state', len(plan.carried), 'i64')}")
    restore()
    code.line("ret void")
    return "\n".join([code.module(), _HEAD, *code.lines, "}"])


_HEAD = """define void @steps(ptr noalias %state, ptr noalias %fixed, ptr noalias %columns,
    ptr noalias %rows, i64 %count, i64 %from, i64 %to, ptr noalias %shown, ptr noalias %records) nounwind {"""


class _Slot(NamedTuple):
    """Where carried values stay from step to step: a single one, or packs. at: their places in the state."""

    name: str
    kind: str
    at: tuple[int, ...]
    inputs: Group
    outputs: Group

    def begin(self, code: Code, lanes: int) -> None:
        lanes = lanes_of(self.inputs, lanes)
        stored = type_of("i8" if self.kind == "i1" else self.kind, lanes)
        code.line(f"{self.name} = alloca {stored}")
        numbers = [code.load(code.at("%state", n, "double"), self.kind) for n in self.at]
        code.store(side_by_side(numbers, lanes), self.name)

    def load(self, code: Code, lanes: int) -> Number:
        return code.load(self.name, self.kind, lanes_of(self.inputs, lanes))

    def end(self, code: Code, lanes: int) -> None:
        last = self.load(code, lanes)
        for lane, n in enumerate(self.at):
            code.store(one_of(last, lane), code.at("%state", n, "double"))


def _slots(plan: Stepping, found: Packs) -> list[_Slot]:
    circuit = plan.circuit
    made: dict[Group, _Slot] = {}
    places = {circuit.inputs[i]: n for n, (i, _) in enumerate(plan.carried)}
    for n, (i, _) in enumerate(plan.carried):
        wires = found.of.get(circuit.inputs[i], (circuit.inputs[i],))
        at = tuple(places[wire] for wire in wires)
        outputs = tuple(circuit.outputs[plan.carried[k][1]] for k in at)
        made.setdefault(wires, _Slot(f"%carried{n}", plan.kind(i), at, wires, outputs))
    return list(made.values())


def _lanes(circuit: Circuit) -> int:
    """Where there are choices, every number stands in both lanes of a register.

    LLVM makes jumps of choices between single numbers, and a jump that cannot be foretold takes as
    long as twenty gates.
    """
    chooses = any(spec.dtype == BOOL for spec in circuit.specs)
    return 2 if chooses and fits_lanes(circuit) else 1


def _read(body: Lowering, plan: Stepping, i: int, pointer: str) -> None:
    body.put((plan.circuit.inputs[i],), body.code.load(pointer, plan.kind(i)))


def _begin_step(code: Code, plan: Stepping) -> None:
    code.line("%first = urem i64 %from, %count")
    code.line("br label %step")
    code.block("step")
    code.line("%i = phi i64 [%from, %entry], [%next, %step]")
    if plan.columns:
        code.line("%turn = phi i64 [%first, %entry], [%turn.next, %step]")
        code.line(f"%row = load i64, ptr {code.at('%rows', '%turn', 'i64')}")
        code.line("%up = add i64 %turn, 1")
        code.line("%over = icmp eq i64 %up, %count")
        code.line("%turn.next = select i1 %over, i64 0, i64 %up")


def _end_step(code: Code, watched: Sequence[Number]) -> None:
    """Again, as long as there are steps and all that is watched is finite: x - x is 0 then."""
    code.line("%next = add i64 %i, 1")
    more = code.emit("icmp slt i64 %next, %to", "i1")
    for x in watched:
        if x.is_real:
            more = more & code.compare("oeq", x - x, 0.0)
    code.line(f"br {more}, label %step, label %done")
    code.block("done")


def pointer_in(code: Code, table: str, n: int) -> str:
    """The register with pointer number `n` of a table of addresses."""
    name = code.fresh()
    code.line(f"{name} = load ptr, ptr {code.at(table, n, 'double')}")
    return name


def lower_outputs(code: Code, circuit: Circuit, inputs: Mapping[int, Number]) -> list[Number]:
    """The circuit's outputs, for Numbers by input position."""
    values = lower_rows(code, circuit, [inputs[i] for i in range(len(circuit.inputs))])
    found = [values[o] for o in circuit.outputs]
    return [value for value in found if value is not None]
