"""`ArrayProgram`: runs a circuit of arrays as one machine function, with the reference's manners."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.shapes import Spec
from pullback.executors.native.arrays.memory import ALIGNED, Memory, plan_memory
from pullback.executors.native.arrays.plan import asking, plan, prepared
from pullback.executors.native.arrays.text import Copy, Module, needs_scratch
from pullback.executors.native.arrays.views import dense
from pullback.executors.native.jit import build
from pullback.executors.reference.program import Program
from pullback.passes.rewrite import live

Array = np.ndarray[Any, Any]


class Compiled:
    """One circuit as machine code: addresses in, numbers in memory.

    table: the addresses it reads, inputs first, then constants, then outputs. Outputs that are
    inputs or constants have none.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False) -> None:
        self.circuit = circuit = prepared(circuit)
        self.plan = plan(circuit)
        needs_scratch(self.plan)
        self.constants = [np.ascontiguousarray(circuit.constant_of(w)) for w in _constants(circuit)]
        first = len(circuit.inputs) + len(self.constants)
        self.made = [o for o in circuit.outputs if int(circuit.op[o]) > 1]
        slots = {w: n for n, w in enumerate((*circuit.inputs, *_constants(circuit)))}
        copies = []
        for n, wire in enumerate(self.made):
            view = self.plan.views[wire]
            if view == dense(circuit, wire) and wire not in slots:
                slots[wire] = first + n
            else:
                target = dense(circuit, wire)._replace(storage=-2 - n)
                slots[-2 - n] = first + n
                copies.append(Copy(view, target))
        self.memory: Memory = plan_memory(self.plan, slots)
        self.text = Module(self.plan, self.memory, copies, fast=fast).text()
        self.library = build(self.text, ["run"], level=0)
        self._run = self.library.function("run", ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        self._arenas: list[tuple[Array, int]] = []

    def run(self, inputs: Sequence[Array], outputs: Sequence[Array]) -> bool:
        """Fill `outputs`, one an entry of `made`; False when an index was out of range."""
        arena = self._arenas.pop() if self._arenas else self._new_arena()
        arrays = (*inputs, *self.constants, *outputs)
        table = np.array([a.ctypes.data for a in arrays], np.uint64)
        good = bool(self._run(table.ctypes.data, arena[1]) == 0)
        self._arenas.append(arena)
        return good

    def _new_arena(self) -> tuple[Array, int]:
        memory = np.empty(self.memory.bytes + ALIGNED, np.uint8)
        return memory, -(-memory.ctypes.data // ALIGNED) * ALIGNED


def _constants(circuit: Circuit) -> list[int]:
    wires: list[int] = np.nonzero(circuit.op == 1)[0].tolist()
    return wires


class ArrayProgram(Program):
    """A circuit of arrays as one machine function.

    Elementwise gates and choices give the reference's bits, exp and its kin stay within 4 ulp;
    products of matrices and sums over n numbers differ by at most n eps sum|terms| (see the
    README). Cost: compiling takes some 10 ms a group, next to nothing if it was done before.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False) -> None:
        super().__init__(circuit)
        self.fast = fast
        self._made = Compiled(circuit, fast=fast)

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The outputs for `inputs`, one a circuit input in order."""
        return super().run(inputs, checked) if checked else self._ran(self._made, inputs)

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The value of every wire, None where no output listens."""
        if checked:
            return super().watch(inputs, checked)
        wires, made = self._watched
        values: list[Any] = [None] * len(self.circuit)
        for wire, value in zip(wires, self._ran(made, inputs), strict=True):
            values[wire] = value
        return values

    @cached_property
    def _watched(self) -> tuple[list[int], Compiled]:
        wires = [wire for wire, wanted in enumerate(live(self.circuit)) if wanted]
        return wires, Compiled(asking(self.circuit, wires), fast=self.fast)

    def _ran(self, made: Compiled, inputs: Sequence[Any]) -> list[Any]:
        values = self._loaded(inputs)
        given = [values[i] for i in self.circuit.inputs]
        arrays = [np.require(x, requirements=["C", "A"]) for x in given]
        found = {w: _empty(made.circuit.spec_of(w)) for w in made.made}
        outputs = [found[w] for w in made.made]
        if not made.run(arrays, outputs):
            return super().run(inputs)  # it says which index, and raises
        inner = dict(zip(made.circuit.inputs, given, strict=True))
        return [_value(made.circuit, o, inner, found) for o in made.circuit.outputs]

    @property
    def memory(self) -> str:
        """What the program will need, before it runs."""
        return described(self._made)


def _empty(spec: Spec) -> Array:
    return np.empty(spec.shape, spec.dtype)


def _value(circuit: Circuit, wire: int, given: dict[int, Any], found: dict[int, Array]) -> Any:
    if wire in given:
        return given[wire]
    if wire in found:
        return found[wire][()]
    return circuit.constant_of(wire)


def described(made: Compiled) -> str:
    """A line a storage of the arena, the largest first, and the sum of it all."""
    circuit, memory = made.circuit, made.memory
    lines = [f"{len(made.plan.groups)} groups, arena {memory.bytes:,} bytes"]
    for wire, piece in sorted(memory.pieces.items(), key=lambda p: -p[1].size):
        over = f", over {circuit.describe(memory.inplace[wire])}" if wire in memory.inplace else ""
        spec = circuit.spec_of(wire)
        lines.append(
            f"  {piece.offset:>9,} + {piece.size:>9,}  {spec} {circuit.describe(wire)}{over}"
        )
    return "\n".join(lines)
