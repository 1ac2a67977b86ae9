"""`NativeSteps`: a step circuit of arrays with what it carries in place, called or looped over rows.

A training step is such a circuit: weights and optimizer state are carried, each batch comes from
rows of data. The whole loop, forward, backward and update, is one machine function.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from weakref import WeakMethod

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.shapes import Spec
from pullback.executors.native.arrays.compiled import LONG, Array
from pullback.executors.native.arrays.kernels import KERNELS
from pullback.executors.native.arrays.rows import gathering
from pullback.executors.native.arrays.split import divide
from pullback.executors.native.arrays.text import Copy, Module, writers
from pullback.executors.native.cpython.array_call import ArrayCall, fits
from pullback.executors.native.llvm import bounds
from pullback.executors.native.llvm.code import KINDS, Code, Number
from pullback.executors.native.llvm.fingerprint import fingerprint
from pullback.executors.native.llvm.interruptible import in_pieces
from pullback.executors.native.llvm.jit import build
from pullback.executors.native.llvm.pool import team
from pullback.executors.native.llvm.subnormals import flush_subnormals
from pullback.executors.native.scalars.loop import pointer_in
from pullback.executors.reference.program import Program
from pullback.executors.reference.steps import Steps
from pullback.passes.planning.described import described, explained
from pullback.passes.planning.memory import ALIGNED, plan_memory
from pullback.passes.planning.plan import plan, prepared
from pullback.passes.planning.views import dense


class CannotCarry(Exception):
    """An output is a carried input as it was, which is gone when the outputs are written."""


class NativeSteps(Steps):
    """`Steps` as machine code: what is carried stays in place, many steps are one native loop.

    Inside `run` subnormal numbers count as 0. A call of `step` costs half a microsecond beside the
    step itself. Not for two threads at once. threads: how many share a step where it is long enough;
    any number gives the same bits.
    """

    def __init__(
        self, circuit: Circuit, *, fast: bool = False, threads: int = 1, **plan: Any
    ) -> None:
        self._fast, self.threads = fast, threads
        super().__init__(circuit, **plan)

    @property
    def done(self) -> int:
        """How many steps the last `run` has made."""
        return int(self._count[0])

    @property
    def memory(self) -> str:
        """What a step works in, beside the inputs and outputs themselves."""
        return described(self._plan, self._memory)

    def explain(self) -> str:
        """The plan of a step: groups in running order, memory; and the LLVM text, the loop included."""
        return f"{explained(self._plan, self._memory)}\n\n{self._text()}"

    def _kept(self) -> Sequence[Any]:
        return [self._values[i][()] for i, _ in self._pairs]

    def _keep(self, state: list[Any]) -> None:
        self._set((i for i, _ in self._pairs), state)

    def _adopt(self, values: Sequence[Any]) -> None:
        """Go on in these very arrays, where they lie as machine code can write to them."""
        fitted = self._fit([i for i, _ in self._pairs], values)
        usable = _to_work_in(fitted)
        for n, ((i, _), given) in enumerate(zip(self._pairs, fitted, strict=True)):
            if n in usable:
                self._values[i] = given
                for table in self._tables:
                    table[self._order.index(i)] = given.ctypes.data
            else:
                self._values[i][...] = given

    def _give(self, given: list[Any]) -> None:
        self._set(self._fixed, given)
        super()._give(given)

    def _set(self, positions: Iterable[int], values: list[Any]) -> None:
        for i, value in zip(positions, values, strict=True):
            self._values[i][...] = value

    def step(self, *columns: Any) -> Any:
        """One step; gives the shown outputs, a tuple or the one there is."""
        self._enter(*columns)
        shown = tuple([x.item() if x.ndim == 0 else x.copy() for x in self._out])
        return shown[0] if len(shown) == 1 else shown

    def _slow(self, *columns: Any) -> None:
        fitted = self._fit(self._columns, columns)
        arrays = [np.require(x, requirements=["C", "A"]) for x in fitted]
        table, _ = self._tables
        table[: len(arrays)] = [a.ctypes.data for a in arrays]
        self._gather_team()
        if self._run(table.ctypes.data, self._arena[1]):
            self._explain(fitted)

    def _gather_team(self) -> None:
        """Who shares the work: the threads of this process, which may be a fork of another."""
        if self.threads > 1:
            for table in self._tables:
                table[-1] = team(self.threads)

    def _explain(self, columns: Sequence[Any]) -> None:
        """An index is out of range: nothing was written, and the reference says which one it is."""
        self._state = self.carried
        self._program = Program(self.circuit)
        self._stepped(columns)

    def _forget(self) -> None:
        super()._forget()
        self._count[0] = 0

    def _loop(self, data: list[Array], rows: Array, total: int) -> None:
        arrays = [
            np.array([a.ctypes.data for a in x] or [0], np.uint64) for x in (data, self.records)
        ]
        places = (self._tables[1].ctypes.data, self._arena[1], rows.ctypes.data)
        others = (arrays[0].ctypes.data, arrays[1].ctypes.data, self._count.ctypes.data)

        self._gather_team()

        def piece(start: int, stop: int) -> None:
            self._loop_code(*places, start, stop, *others)
            if not all(np.isfinite(r[start : self.done]).all() for r in self.records):
                raise _NotFinite
            if self.done < stop:
                batch = rows[self.done * self.batch : (self.done + 1) * self.batch]
                self._explain([x[batch] for x in data])

        try:
            in_pieces(total, piece, first=1)
        except _NotFinite:
            return

    # Machine code

    def _prepare(self) -> None:
        self._count = np.zeros(1, np.int64)
        self._compile()
        self._values = self._places()
        self._open()

    def _compile(self) -> None:
        circuit = prepared(self.circuit)
        # Of the inputs in the table: what a caller brings comes first.
        self._order = (*self._columns, *(i for i, _ in self._pairs), *self._fixed)
        inputs, outputs = circuit.inputs, circuit.outputs
        pairs = [(inputs[i], outputs[o]) for i, o in self._pairs]
        made, moving = plan(circuit, KERNELS, pairs), dict(pairs)
        kept = [o for o in outputs if made.views[o].storage in moving]
        if any(moving.get(o) != o for o in kept):
            raise CannotCarry
        self.threads = divide(made, self.threads)
        fixed: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
        self._constants = [np.ascontiguousarray(circuit.constant_of(w)) for w in fixed]
        shown = [outputs[o] for o in self._shown]
        self._specs = [circuit.spec_of(w) for w in shown]
        slots = {inputs[i]: n for n, i in enumerate(self._order)}
        slots |= {w: n for n, w in enumerate(fixed, len(inputs) + len(shown))}
        copies: list[Copy] = []
        for given, taken in made.over.items():
            slots[given] = slots[taken]
        for taken, given in pairs:
            if given != taken and made.over.get(given) != taken:
                copies.append(Copy(made.views[given], dense(circuit, taken)))
        for slot, wire in enumerate(shown, len(inputs)):
            slots[-2 - slot] = slot
            copies.append(Copy(made.views[wire], dense(circuit, wire)._replace(storage=-2 - slot)))
        memory = plan_memory(made, slots)
        self._memory, self._plan = memory, made

        self._copies = copies
        parts = [group.parts for group in made.groups]
        more = self._fast, self._pairs, self._columns, parts, bounds.asked()
        known = fingerprint(circuit, *more, writers=writers(made))
        self._library = build(
            self._text, ["run", "steps", *bounds.exports()], level=0, fingerprint=known
        )
        pointer, count = ctypes.c_void_p, ctypes.c_int64
        run = self._library.function("run", count, pointer, pointer)
        loop = self._library.function(
            "steps", None, pointer, pointer, pointer, count, count, pointer, pointer, pointer
        )
        self._run, self._loop_code = (bounds.checked(self._library, f) for f in (run, loop))

    def _text(self) -> str:
        """The step, and the loop around it."""
        first_output = len(self.circuit.inputs)
        team_slot = first_output + len(self._shown) + len(self._constants)
        module = Module(
            self._plan, self._memory, self._copies, fast=self._fast, team=team_slot
        )  # fmt: skip
        return module.text() + "\n" + self._loop_text(first_output, team_slot)

    def _places(self) -> dict[int, Array]:
        """An array for every input, and for the outputs that are shown; and tables of where they lie."""
        specs = [self.circuit.spec_of(w) for w in self.circuit.inputs]
        values = {i: _zeros(s) for i, s in enumerate(specs)}
        self._out = [_zeros(s) for s in self._specs]
        arrays = [*(values[i] for i in self._order), *self._out, *self._constants]
        table = np.array([*(a.ctypes.data for a in arrays), 0], np.uint64)
        self._tables = table.copy(), table  # one for callers' own arrays, one for ours
        memory = np.empty(self._memory.bytes + ALIGNED, np.uint8)
        self._arena = memory, -(-memory.ctypes.data // ALIGNED) * ALIGNED
        return values

    def _open(self) -> None:
        """The quick way in, if there is one. It does not hold us, or we would go only with the next sweep."""
        specs = [self.circuit.spec_of(self.circuit.inputs[i]) for i in self._columns]
        slow = WeakMethod(self._slow)
        self._enter: Callable[..., None] = lambda *columns: slow()(*columns)  # type: ignore[misc]
        if self.threads == 1 and self._plan.work <= LONG and fits(specs):
            keeps = (self._library, self._constants, self._values, self._out, self._arena[0])
            places = self._tables[0], self._arena[1]
            run = self._library.address("run")
            self._enter = ArrayCall(run, (specs, ()), places, self._enter, keeps).enter

    def _loop_text(self, first_output: int, team: int) -> str:
        """`@steps`: rows gathered, a step, its numbers recorded, and one more done, while they are finite."""
        code = Code()
        restore = flush_subnormals(code)
        specs = [self.circuit.spec_of(self.circuit.inputs[i]) for i in self._columns]
        sizes = [s.dtype.itemsize * int(np.prod(s.shape[1:], dtype=np.int64)) for s in specs]
        rows = next((s.shape[0] for s in specs if s.shape), 1)
        gather, head, call = gathering(sizes, rows, self.threads, team)
        code.lines += [head, "  br label %step", "step:"]
        code.lines += ["  %i = phi i64 [%from, %entry], [%next, %recorded]", call, _STEP]
        kinds = {n: KINDS[s.dtype] for n, s in enumerate(self._specs) if not s.shape}
        shown = [_record(code, k, first_output + n, kinds[n]) for k, n in enumerate(kinds)]
        code.lines.append(_NEXT)
        more = code.emit("icmp slt i64 %next, %to", "i1")
        for x in shown:
            if x.is_real:
                more = more & code.compare("oeq", x - x, 0.0)  # NaN where x is not finite
        code.lines += [f"  br {more}, label %step, label %end", "end:"]
        restore()
        start = (
            "define void @steps(ptr %table, ptr %arena, ptr %rows, i64 %from, i64 %to, ptr %data, "
            "ptr %records, ptr %done) nounwind {\nentry:"
        )
        return "\n".join([code.module(), gather, start, *code.lines, "  ret void", "}"])


def _to_work_in(values: Sequence[Any]) -> set[int]:
    """Which of these are dense arrays that may be written to and lie on no other of them."""
    found, end = set(), 0
    dense = [n for n, x in enumerate(values) if isinstance(x, np.ndarray) and x.flags.carray]
    for n in sorted(dense, key=lambda n: values[n].ctypes.data):
        start = values[n].ctypes.data
        if start >= end:
            found.add(n)
            end = start + values[n].nbytes
    return found


def _zeros(spec: Spec) -> Array:
    """Zeros that begin where a line of the cache does: no vector then lies across two."""
    size = spec.dtype.itemsize * int(np.prod(spec.shape, dtype=np.int64))
    memory = np.zeros(size + ALIGNED, np.uint8)
    start = -memory.ctypes.data % ALIGNED
    return memory[start : start + size].view(spec.dtype).reshape(spec.shape)


_STEP = """  %bad = call i64 @run(ptr %table, ptr %arena)
  %fine = icmp eq i64 %bad, 0
  br i1 %fine, label %recorded, label %end
recorded:"""

_NEXT = """  %next = add i64 %i, 1
  store i64 %next, ptr %done"""


def _record(code: Code, k: int, slot: int, kind: str) -> Number:
    """The single number that a step has shown at a slot of the table, kept as its entry of record k."""
    x = code.load(pointer_in(code, "%table", slot), kind)
    code.store(x, code.at(pointer_in(code, "%records", k), "%i", kind))
    return x


class _NotFinite(Exception):
    """A step showed a number that is not finite."""
