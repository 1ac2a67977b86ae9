"""`Steps`: a step circuit of arrays that keeps its carried arrays, called step by step or looped over rows.

A training step is such a circuit: weights and optimizer state are carried, each batch comes from
rows of data. The whole loop, forward, backward and update, is one machine function.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pullback.core.circuit import Circuit
from pullback.errors import CircuitError, RangeError, ShapeError
from pullback.executors.native.arrays.door import Door, fits
from pullback.executors.native.arrays.memory import ALIGNED, plan_memory
from pullback.executors.native.arrays.plan import plan, prepared, work
from pullback.executors.native.arrays.program import LONG, Array
from pullback.executors.native.arrays.text import Copy, Module, needs_scratch
from pullback.executors.native.arrays.views import dense
from pullback.executors.native.code import Code
from pullback.executors.native.flush import flush_subnormals
from pullback.executors.native.jit import build
from pullback.executors.native.pieces import in_pieces
from pullback.executors.reference.program import Program, fitted

FIXED_ROLE = "the step"


class Looped(NamedTuple):
    """What a loop came to: the steps it made, and for each shown single number an entry a step."""

    steps: int
    records: list[Array]


class Steps:
    """A step circuit with its carried arrays in place.

    carried: which input each output becomes in the next step, {input: output} by position. columns:
    positions of the inputs that each step brings. The other inputs are `fixed`. Outputs that are
    not carried are shown.

    step: one step with the columns' values; gives the shown outputs, a tuple or the one there is.
    run: many steps over rows of data, in one native loop in which subnormal numbers count as 0.
    Not for two threads at once.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        carried: Mapping[int, int],
        columns: Sequence[int],
        start: Sequence[Any],
        fixed: Sequence[Any] = (),
        fast: bool = False,
    ) -> None:
        self.circuit = circuit
        self.columns = tuple(columns)
        self._pairs = tuple(carried.items())
        taken = {*carried, *columns}
        self._fixed = tuple(i for i in range(len(circuit.inputs)) if i not in taken)
        self._shown = [o for o in range(len(circuit.outputs)) if o not in carried.values()]
        self._order = (*self.columns, *carried, *self._fixed)  # of the inputs in the table
        self._compile(fast)
        self._values = self._places()
        self.carried, self.fixed = start, fixed
        self._open()

    # What is kept

    @property
    def carried(self) -> list[Array]:
        """Copies of the carried arrays after the last step, in the order they were declared."""
        return [self._values[i].copy()[()] for i, _ in self._pairs]

    @carried.setter
    def carried(self, values: Sequence[Any]) -> None:
        self._set([i for i, _ in self._pairs], values)

    @property
    def fixed(self) -> list[Array]:
        """The inputs that are neither carried nor columns, such as a learning rate."""
        return [self._values[i].copy()[()] for i in self._fixed]

    @fixed.setter
    def fixed(self, values: Sequence[Any]) -> None:
        self._set(self._fixed, values)

    def _set(self, positions: Sequence[int], values: Sequence[Any]) -> None:
        if len(values) != len(positions):
            names = ", ".join(self.circuit.input_names[i] for i in positions)
            raise ShapeError(f"wanted {len(positions)} values ({names}), got {len(values)}.")
        given = [self._fit(i, value) for i, value in zip(positions, values, strict=True)]
        for i, value in zip(positions, given, strict=True):
            self._values[i][...] = value

    def _fit(self, position: int, value: Any) -> Any:
        wire = self.circuit.inputs[position]
        return fitted(value, self.circuit.spec_of(wire), self.circuit.describe(wire))

    # Steps

    def step(self, *columns: Any) -> Any:
        """One step. Raises what the reference would, and then nothing has moved."""
        self._enter(*columns)
        shown = tuple([x.item() if x.ndim == 0 else x.copy() for x in self._out])
        return shown[0] if len(shown) == 1 else shown

    def run(self, columns: Sequence[Any], order: Any) -> Looped:
        """One step for each len(batch) entries of `order`, rows of the columns.

        A column's rows lie along its first axis; its input takes as many as that input has.
        Ctrl-C ends it after a full step: `steps` counts those made, and the weights are theirs.
        """
        data = self._data(columns)
        rows = self._rows(data, order)
        total = len(rows) // self._batch()
        records = [np.zeros(total, x.dtype) for x in self._out if x.ndim == 0]
        self.steps = 0
        where = [np.array([a.ctypes.data for a in x] or [0], np.uint64) for x in (data, records)]

        def piece(start: int, stop: int) -> None:
            done = self._loop(
                self._tables[1].ctypes.data, self._arena[1], rows.ctypes.data, start, stop,
                where[0].ctypes.data, where[1].ctypes.data,
            )  # fmt: skip
            self.steps = done
            if done < stop:
                self._explain(data, rows, done)

        in_pieces(total, piece, first=1)
        return Looped(self.steps, records)

    def _explain(self, data: list[Array], rows: Array, step: int) -> None:
        size = self._batch()
        batch = rows[step * size : (step + 1) * size]
        self._reference([x[batch] for x in data])

    def _reference(self, columns: Sequence[Any]) -> list[Any]:
        """The step on the reference executor, from where we are; it changes nothing here."""
        values: dict[int, Any] = dict(self._values)
        values.update(zip(self.columns, columns, strict=True))
        return Program(self.circuit).run([values[i][()] for i in range(len(values))])

    def _slow(self, *columns: Any) -> None:
        if len(columns) != len(self.columns):
            names = ", ".join(self.circuit.input_names[i] for i in self.columns)
            raise ShapeError(
                f"a step takes {len(self.columns)} values ({names}), got {len(columns)}."
            )
        given = [self._fit(i, x) for i, x in zip(self.columns, columns, strict=True)]
        for i, value in zip(self.columns, given, strict=True):
            self._values[i][...] = value
        if self._run(self._tables[1].ctypes.data, self._arena[1]):
            self._reference(given)

    def _data(self, columns: Sequence[Any]) -> list[Array]:
        names = [self.circuit.input_names[i] for i in self.columns]
        if len(columns) != len(names):
            raise ShapeError(f"the loop takes {len(names)} columns, got {len(columns)}.")
        data = []
        for i, name, column in zip(self.columns, names, columns, strict=True):
            spec = self.circuit.spec_of(self.circuit.inputs[i])
            array = np.ascontiguousarray(column)
            if array.shape[1:] != spec.shape[1:] or not spec.shape:
                raise ShapeError(
                    f"rows of {name!r} have shape {array.shape[1:]}, the circuit wants {spec.shape[1:]}."
                )
            whole = fitted(array, spec._replace(shape=array.shape), f"column {name!r}")
            data.append(np.require(whole, requirements=["C", "A"]))
        return data

    def _batch(self) -> int:
        """How many rows one step takes."""
        sizes = {self._values[i].shape[0] for i in self.columns}
        if len(sizes) != 1:
            raise CircuitError("a loop over rows wants columns with one number of rows a step.")
        return int(sizes.pop())

    def _rows(self, data: list[Array], order: Any) -> Array:
        rows = np.ascontiguousarray(order, np.int64).ravel()
        size, count = self._batch(), min(len(x) for x in data)
        if len(rows) % size:
            raise RangeError(f"order has {len(rows)} rows, which steps of {size} do not divide.")
        if len(rows) and int(rows.view(np.uint64).max()) >= count:
            wrong = int(rows.min() if rows.min() < 0 else rows.max())
            raise RangeError(f"order asks for row {wrong}, the columns have rows 0 to {count - 1}.")
        return rows

    # Machine code

    def _compile(self, fast: bool) -> None:
        circuit = prepared(self.circuit)
        inputs, outputs = circuit.inputs, circuit.outputs
        pairs = [(inputs[i], outputs[o]) for i, o in self._pairs]
        made = plan(circuit, pairs)
        needs_scratch(made)
        kept: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
        self._constants = [np.ascontiguousarray(circuit.constant_of(w)) for w in kept]
        shown = [outputs[o] for o in self._shown]
        self._specs = [circuit.spec_of(w) for w in shown]
        slots = {inputs[i]: n for n, i in enumerate(self._order)}
        slots |= {w: n for n, w in enumerate(kept, len(inputs) + len(shown))}
        copies: list[Copy] = []
        for given, taken in made.over.items():
            slots[given] = slots[taken]
        for taken, given in pairs:
            if given != taken and made.over.get(given) != taken:
                copies.append(Copy(made.views[given], dense(circuit, taken)))
        for slot, wire in enumerate(shown, len(inputs)):
            slots[-2 - slot] = slot
            copies.append(Copy(made.views[wire], dense(circuit, wire)._replace(storage=-2 - slot)))
        moving = {t for t, _ in pairs}
        if any(one.source.storage in moving for one in copies):
            raise CircuitError("an output is a carried input as it was before the step.")
        memory = plan_memory(made, slots)
        self.memory, self._plan = memory, made
        text = Module(made, memory, copies, fast=fast).text()
        self._text = text + "\n" + self._loop_text(len(inputs))
        self._library = build(self._text, ["run", "steps"], level=0)
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        self._run = self._library.function("run", count, pointer, pointer)
        self._loop = self._library.function(
            "steps", count, pointer, pointer, pointer, count, count, pointer, pointer
        )

    def _places(self) -> dict[int, Array]:
        """An array for every input, and for the outputs that are shown; and tables of where they lie."""
        specs = [self.circuit.spec_of(w) for w in self.circuit.inputs]
        values = {i: np.zeros(s.shape, s.dtype) for i, s in enumerate(specs)}
        self._out = [np.zeros(s.shape, s.dtype) for s in self._specs]
        arrays = [*(values[i] for i in self._order), *self._out, *self._constants]
        table = np.array([a.ctypes.data for a in arrays] or [0], np.uint64)
        self._tables = table.copy(), table  # one for callers' own arrays, one for ours
        memory = np.empty(self.memory.bytes + ALIGNED, np.uint8)
        self._arena = memory, -(-memory.ctypes.data // ALIGNED) * ALIGNED
        return values

    def _open(self) -> None:
        """The quick way in, if there is one."""
        specs = [self.circuit.spec_of(self.circuit.inputs[i]) for i in self.columns]
        self._enter = self._slow
        if work(self._plan) <= LONG and fits(specs):
            keeps = (self._library, self._constants, self._values, self._out, self._arena[0])
            places = self._tables[0], self._arena[1]
            run = self._library.address("run")
            self._enter = Door(run, [(s, False) for s in specs], places, self._slow, keeps).enter

    def _loop_text(self, first_output: int) -> str:
        """`@steps(table, arena, rows, from, to, data, records)`: the step it stopped before."""
        code = Code()
        restore = flush_subnormals(code)
        code.line("br label %step")
        code.lines += ["step:", "  %i = phi i64 [%from, %entry], [%next, %recorded]"]
        rows = 1
        for n, i in enumerate(self.columns):
            spec = self.circuit.spec_of(self.circuit.inputs[i])
            rows = spec.shape[0] if spec.shape else 1
            row = spec.dtype.itemsize * int(np.prod(spec.shape[1:], dtype=np.int64))
            code.lines.append(_GATHER.format(n=n, row=row))
        code.lines.append(_STEP.format(rows=rows))
        gathers = "\n".join(_GATHERED.format(n=n) for n in range(len(self.columns)))
        code.lines[-1] = code.lines[-1].replace("GATHERED", gathers)
        kept = [n for n, s in enumerate(self._specs) if not s.shape]
        for k, n in enumerate(kept):
            size = self._specs[n].dtype.itemsize
            code.lines.append(_RECORD.format(k=k, slot=first_output + n, bits=8 * size))
        code.lines.append(_NEXT)
        restore()
        head = (
            "define i64 @steps(ptr %table, ptr %arena, ptr %rows, i64 %from, i64 %to, ptr %data, "
            "ptr %records) nounwind {\nentry:"
        )
        return "\n".join([code.module(), _COPY, head, *code.lines, "  ret i64 %stopped", "}"])


_COPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"

_GATHER = """  %data{n}.at = getelementptr ptr, ptr %data, i64 {n}
  %data{n} = load ptr, ptr %data{n}.at
  %place{n}.at = getelementptr ptr, ptr %table, i64 {n}
  %place{n} = load ptr, ptr %place{n}.at
  %size{n} = add i64 {row}, 0"""

_GATHERED = """  %from{n}.bytes = mul i64 %row, %size{n}
  %from{n} = getelementptr i8, ptr %data{n}, i64 %from{n}.bytes
  %to{n}.bytes = mul i64 %r, %size{n}
  %to{n} = getelementptr i8, ptr %place{n}, i64 %to{n}.bytes
  call void @llvm.memcpy.p0.p0.i64(ptr %to{n}, ptr %from{n}, i64 %size{n}, i1 false)"""

_STEP = """  %first = mul i64 %i, {rows}
  br label %gather
gather:
  %r = phi i64 [0, %step], [%r.next, %gather]
  %row.at.index = add i64 %first, %r
  %row.at = getelementptr i64, ptr %rows, i64 %row.at.index
  %row = load i64, ptr %row.at
GATHERED
  %r.next = add i64 %r, 1
  %r.more = icmp slt i64 %r.next, {rows}
  br i1 %r.more, label %gather, label %gathered
gathered:
  %bad = call i64 @run(ptr %table, ptr %arena)
  %fine = icmp eq i64 %bad, 0
  br i1 %fine, label %recorded, label %done
recorded:"""

_RECORD = """  %shown{k}.at = getelementptr ptr, ptr %table, i64 {slot}
  %shown{k} = load ptr, ptr %shown{k}.at
  %value{k} = load i{bits}, ptr %shown{k}
  %record{k}.at = getelementptr ptr, ptr %records, i64 {k}
  %record{k} = load ptr, ptr %record{k}.at
  %record{k}.i = getelementptr i{bits}, ptr %record{k}, i64 %i
  store i{bits} %value{k}, ptr %record{k}.i"""

_NEXT = """  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %to
  br i1 %more, label %step, label %done
done:
  %stopped = phi i64 [%i, %gathered], [%next, %recorded]"""
