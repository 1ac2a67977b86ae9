"""`ArrayProgram`: runs a circuit of arrays as one machine function, with the reference's manners."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.arrays.door import Door, fits
from pullback.executors.native.arrays.known import known_by
from pullback.executors.native.arrays.memory import ALIGNED, Memory, described, plan_memory
from pullback.executors.native.arrays.plan import asking, plan, prepared, work
from pullback.executors.native.arrays.text import Copy, Module, needs_scratch
from pullback.executors.native.arrays.views import dense
from pullback.executors.native.jit import build
from pullback.executors.reference.program import Program, typed
from pullback.passes.rewrite import live

Array = np.ndarray[Any, Any]
LONG = 10**8  # operations; what takes longer lets other threads run meanwhile


class Compiled:
    """One circuit as machine code: addresses in, numbers in memory.

    table: the addresses it reads, inputs first, then outputs (`made`), then constants. Outputs that
    are inputs or constants have none.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False) -> None:
        self.circuit = circuit = prepared(circuit)
        self.plan = plan(circuit)
        needs_scratch(self.plan)
        self.made = [o for o in circuit.outputs if int(circuit.op[o]) > 1]
        self.specs = [circuit.spec_of(w) for w in self.made]
        kept: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
        self.constants = [np.ascontiguousarray(circuit.constant_of(w)) for w in kept]
        inputs = len(circuit.inputs)
        slots = {w: n for n, w in enumerate(circuit.inputs)}
        slots |= {w: n for n, w in enumerate(kept, inputs + len(self.made))}
        copies = []
        for slot, wire in enumerate(self.made, inputs):
            view, whole = self.plan.views[wire], dense(circuit, wire)
            if view == whole and wire not in slots:
                slots[wire] = slot
            else:
                slots[-2 - slot] = slot
                copies.append(Copy(view, whole._replace(storage=-2 - slot)))
        self.memory: Memory = plan_memory(self.plan, slots)
        self.library = build(
            lambda: Module(self.plan, self.memory, copies, fast=fast).text(),
            ["run"],
            level=0,
            known_by=known_by(circuit, fast),
        )
        self._run = self.library.function("run", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        self._arenas: list[tuple[Array, int]] = []

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> bool:
        """Fill `outputs`, one an entry of `made`; False when an index was out of range."""
        arena = self._arenas.pop() if self._arenas else self.new_arena()
        table = self.table([*inputs, *outputs])
        good = bool(self._run(table.ctypes.data, arena[1]) == 0)
        self._arenas.append(arena)
        return good

    def table(self, arrays: Sequence[Array]) -> Array:
        """Where arrays lie, and behind them the constants."""
        return np.array([a.ctypes.data for a in (*arrays, *self.constants)] or [0], np.uint64)

    def new_arena(self) -> tuple[Array, int]:
        """Memory to work in, and where it starts."""
        memory = np.empty(self.memory.bytes + ALIGNED, np.uint8)
        return memory, -(-memory.ctypes.data // ALIGNED) * ALIGNED

    def door(self, slow: Callable[[Sequence[Any]], list[Any]]) -> Callable[..., list[Any]] | None:
        """A list of inputs in, a list of outputs out; None where that is not possible or would not pay."""
        circuit = self.circuit
        inputs = [circuit.spec_of(w) for w in circuit.inputs]
        plain = list(circuit.outputs) == self.made and len({*self.made}) == len(self.made)
        if not plain or work(self.plan) > LONG or not fits([*inputs, *self.specs]):
            return None
        arena, start = self.new_arena()
        nothing = np.zeros(0)
        table = self.table([nothing] * (len(inputs) + len(self.specs)))
        keeps = (self.library, self.constants, arena)
        return Door(
            self.library.address("run"), (inputs, self.specs), (table, start), slow, keeps
        ).ask


class ArrayProgram(Program):
    """A circuit of arrays as one machine function.

    Elementwise gates and choices give the reference's bits, exp and its kin stay within 4 ulp;
    products of matrices and sums over n numbers differ by at most 2 n eps sum|terms| (see the
    README). Cost: compiling takes some 10 ms a group, next to nothing if it was done before.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False) -> None:
        super().__init__(circuit)
        self.fast = fast
        self._compiled = Compiled(circuit, fast=fast)
        self._ran = _Runner(self, self._compiled)
        self._entries = [(w, circuit.spec_of(w).dtype) for w in circuit.inputs]

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The outputs for `inputs`, one a circuit input in order."""
        return super().run(inputs, checked) if checked else self._ran.run(inputs)

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The value of every wire, None where no output listens."""
        if checked:
            return super().watch(inputs, checked)
        ran, sorted_out = self._watched
        found = ran.run(inputs)  # refuses what does not fit
        given = [
            x if type(x) is dtype.type or (type(x) is np.ndarray and x.dtype is dtype)
            else typed(x, dtype, self.circuit.describe(wire))
            for (wire, dtype), x in zip(self._entries, inputs, strict=True)
        ]  # fmt: skip
        return list(sorted_out([*found, *given, *self._constants, None])[:-1])

    @cached_property
    def _watched(self) -> tuple[_Runner, Callable[[list[Any]], tuple[Any, ...]]]:
        """A second build that puts out what every gate puts out; and what puts all wires in order."""
        circuit, wanted = self.circuit, live(self.circuit)
        made = [w for w in range(len(circuit)) if wanted[w] and int(circuit.op[w]) > 1]
        ran = _Runner(self, Compiled(asking(circuit, made), fast=self.fast))
        kept: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
        self._constants = [circuit.constant_of(w) for w in kept]
        listed = (*made, *circuit.inputs, *kept)
        at = {wire: n for n, wire in enumerate(listed)}
        return ran, itemgetter(*[at.get(w, len(listed)) for w in range(len(circuit))], len(listed))

    def fitted(self, inputs: Sequence[Any]) -> list[Any]:
        """The inputs as the circuit wants them, or the reference's error."""
        values = self._loaded(inputs)
        return [values[i] for i in self.circuit.inputs]

    @property
    def memory(self) -> str:
        """What the program will need, before it runs."""
        return described(self._compiled.plan, self._compiled.memory)


class _Runner:
    """A list of inputs in, a list of outputs out, by the quick way where one fits."""

    def __init__(self, program: ArrayProgram, made: Compiled) -> None:
        self.made = made
        self._program = weakref.proxy(program)
        slow = weakref.WeakMethod(self._slow)
        door = made.door(lambda inputs: slow()(inputs))  # type: ignore[misc]
        self.run: Callable[[Sequence[Any]], list[Any]] = door or self._slow

    def _slow(self, inputs: Sequence[Any]) -> list[Any]:
        made, given = self.made, self._program.fitted(inputs)
        arrays = [np.require(x, requirements=["C", "A"]) for x in given]
        found = {w: np.empty(s.shape, s.dtype) for w, s in zip(made.made, made.specs, strict=True)}
        if not made.run(arrays, [found[w] for w in made.made]):
            Program(self._program.circuit).run(given)  # it says which index, and raises
        known = dict(zip(made.circuit.inputs, given, strict=True))
        return [_value(made.circuit, o, known, found) for o in made.circuit.outputs]


def _value(circuit: Circuit, wire: int, given: dict[int, Any], found: dict[int, Array]) -> Any:
    if wire in given:
        return given[wire]
    if wire in found:
        return found[wire][()]
    return circuit.constant_of(wire)
