"""`Compiled`: one circuit of arrays as machine code, with what it works in."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.shapes import Spec
from pullback.executors.native.arrays.kernels import KERNELS
from pullback.executors.native.arrays.split import divide
from pullback.executors.native.arrays.text import Copy, Module, writers
from pullback.executors.native.cpython.array_call import ArrayCall, fits
from pullback.executors.native.llvm import bounds
from pullback.executors.native.llvm.fingerprint import fingerprint
from pullback.executors.native.llvm.jit import build
from pullback.executors.native.llvm.pool import team
from pullback.passes.planning.memory import ALIGNED, Memory, first_whole, plan_memory
from pullback.passes.planning.plan import plan, prepared
from pullback.passes.planning.views import dense

Array = np.ndarray[Any, Any]
LONG = 5e6  # nanoseconds, about: as long as Python itself lets one thread run before another


class Compiled:
    """One circuit as machine code: addresses in, numbers in memory.

    table: the addresses it reads, inputs first, then outputs (`made`), then constants. Outputs that
    are inputs or constants have none. kept: outputs are not put out but stay in the arena, a new
    block each time, whose address is the only one between inputs and constants. threads: into how
    many parts long groups are divided; behind the constants then is the team that shares them.
    """

    def __init__(
        self, circuit: Circuit, *, fast: bool = False, kept: bool = False, threads: int = 1
    ) -> None:
        self.circuit, self.kept = prepared(circuit), kept
        circuit = self.circuit
        self.plan = plan(circuit, KERNELS)
        self.threads = divide(self.plan, threads)
        self.made = [] if kept else [o for o in circuit.outputs if int(circuit.op[o]) > 1]
        fixed: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
        self.constants = [np.ascontiguousarray(circuit.constant_of(w)) for w in fixed]
        inputs = len(circuit.inputs)
        others = inputs + (1 if kept else len(self.made))
        slots = {w: n for n, w in enumerate(circuit.inputs)}
        slots |= {w: n for n, w in enumerate(fixed, others)}
        copies = []
        for slot, wire in enumerate(self.made, inputs):
            view, whole = self.plan.views[wire], dense(circuit, wire)
            if view == whole and wire not in slots:
                slots[wire] = slot
            else:
                slots[-2 - slot] = slot
                copies.append(Copy(view, whole._replace(storage=-2 - slot)))
        self.memory: Memory = plan_memory(self.plan, slots)
        block = Spec(((self.memory.bytes + ALIGNED) // 8,), FLOAT64)
        self.specs = [block] if kept else [circuit.spec_of(w) for w in self.made]
        self._copies, self._team, self.fast = copies, others + len(fixed), fast
        parts = [g.parts for g in self.plan.groups]
        known = fingerprint(circuit, fast, kept, parts, bounds.asked(), writers=writers(self.plan))
        self.library = build(self.text, ["run", *bounds.exports()], level=0, fingerprint=known)
        run = self.library.function("run", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        self._run = bounds.checked(self.library, run)
        self._arenas: list[tuple[Array, int]] = []

    def text(self) -> str:
        """The machine code as LLVM text."""
        return Module(self.plan, self.memory, self._copies, fast=self.fast, team=self._team).text()

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> bool:
        """Fill `outputs`, one an entry of `made`; False when an index was out of range."""
        try:
            arena = self._arenas.pop()
        except IndexError:  # they are all in use
            arena = self.new_arena()
        table = self.table([*inputs, *outputs])
        good = bool(self._run(table.ctypes.data, arena[1]) == 0)
        self._arenas.append(arena)
        return good

    def keep(self, inputs: Sequence[Array]) -> Array | None:
        """A new block with everything in it; None when an index was out of range."""
        block = np.empty(*self.specs[0])
        table = self.table([*inputs, block])
        good = self._run(table.ctypes.data, block.ctypes.data + first_whole(block)) == 0
        return block if good else None

    def table(self, arrays: Sequence[Array]) -> Array:
        """Where arrays lie, and behind them the constants and who shares the work."""
        places = [a.ctypes.data for a in (*arrays, *self.constants)]
        return np.array([*places, team(self.threads) if self.threads > 1 else 0], np.uint64)

    def new_arena(self) -> tuple[Array, int]:
        """Memory to work in, and where it starts."""
        memory = np.empty(self.memory.bytes + ALIGNED, np.uint8)
        return memory, memory.ctypes.data + first_whole(memory)

    def array_call(self, slow: Callable[[Sequence[Any]], Any]) -> Callable[..., Any] | None:
        """A list of inputs in, a list of outputs or of the block out; what `slow` gives otherwise.

        None where that is not possible or would not pay.
        """
        circuit = self.circuit
        inputs = [circuit.spec_of(w) for w in circuit.inputs]
        once = list(circuit.outputs) == self.made and len({*self.made}) == len(self.made)
        long = self.threads > 1 or self.plan.work > LONG
        if not (once or self.kept) or long or not fits([*inputs, *self.specs]):
            return None
        arena, start = (None, 0) if self.kept else self.new_arena()
        nothing = np.zeros(0)
        table = self.table([nothing] * (len(inputs) + len(self.specs)))
        keeps = (self.library, self.constants, arena)
        return ArrayCall(
            self.library.address("run"), (inputs, self.specs), (table, start), slow, keeps
        ).ask
