"""Straight-line programs: a circuit of single numbers as one function, every wire in a register."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.executors.native.cpython import scalar_call
from pullback.executors.native.llvm.code import FAST, KINDS, Code, Number
from pullback.executors.native.llvm.jit import build, has_fma
from pullback.executors.native.llvm.lower import curves, lower_rows
from pullback.executors.reference.program import Program, fitted, one_an_input

Slots = np.ndarray[Any, Any]
PLAIN = frozenset({float, np.float64})  # what goes into a float64 slot as it is
INLINE = 64  # curves (exp and its kin) up to which they are written where they are used


def new_code(circuit: Circuit, *, fast: bool = False) -> Code:
    """Where the lines of `circuit` are to be written."""
    return Code(flags=FAST if fast else "", fused=has_fma(), inline=curves(circuit) <= INLINE)


def values_text(circuit: Circuit, asked: Sequence[int], *, fast: bool = False) -> str:
    """`void @values(ptr in, ptr out)`: one 8-byte slot an input and one a wire that is asked for."""
    code = new_code(circuit, fast=fast)
    kinds = [KINDS[circuit.spec_of(i).dtype] for i in circuit.inputs]
    inputs = [code.load(code.at("%in", i, "double"), kind) for i, kind in enumerate(kinds)]
    values = lower_rows(code, circuit, inputs)
    for slot, wire in enumerate(asked):
        value = values[wire]
        assert isinstance(value, Number)
        code.store(value, code.at("%out", slot, "double"))
    head = "define void @values(ptr noalias %in, ptr noalias %out) nounwind {"
    return "\n".join([code.module(), head, *code.lines, "  ret void", "}"])


def straight(circuit: Circuit, asked: Sequence[int], *, fast: bool = False) -> Straight:
    """`circuit` compiled so that it puts out the wires `asked`."""
    return Straight(values_text(circuit, asked, fast=fast), circuit, circuit.inputs, asked)


class Straight:
    """A compiled text with `@values`, which takes the wires `taken` and gives the wires `asked`.

    direct: all numbers are float64 and the interpreter plays along, so builtins can be made of it.
    """

    def __init__(
        self, ir: str, circuit: Circuit, taken: Sequence[int], asked: Sequence[int]
    ) -> None:
        self.circuit, self.taken, self.asked = circuit, tuple(taken), tuple(asked)
        self._odd = [
            (slot, circuit.spec_of(wire).dtype)
            for slot, wire in enumerate(asked)
            if circuit.spec_of(wire).dtype != FLOAT64
        ]
        real = not self._odd and all(circuit.spec_of(i).dtype == FLOAT64 for i in taken)
        self.direct = real and scalar_call.usable()
        exports = [name for name in ("values", "state", "fixed") if f"@{name}" in ir]
        self.library = build(ir, exports, level=0)
        self._values = self.library.function("values", None, ctypes.c_void_p, ctypes.c_void_p)

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The values of the asked wires for any numbers that fit, one an input."""
        if checked:
            asking = dataclasses.replace(self.circuit, outputs=self.asked)
            return Program(asking).run(inputs, checked=True)  # the reference names the wire
        given, found = self._given(inputs), np.zeros(len(self.asked) + 1)
        self._values(given.ctypes.data, found.ctypes.data)
        values: list[Any] = list(found[:-1])
        for slot, dtype in self._odd:
            values[slot] = slot_of(found, slot, dtype)[0]
        return values

    def call(self, *values: Any) -> Any:
        """The asked values for `values`: a tuple of plain numbers, or the one number there is."""
        found = tuple(value.item() for value in self.run(values))
        return found if len(found) != 1 else found[0]

    def _given(self, inputs: Sequence[Any]) -> Slots:
        one_an_input(self.circuit, self.taken, inputs)
        return filled_slots(self.circuit, self.taken, inputs)


def filled_slots(circuit: Circuit, wires: Sequence[int], values: Sequence[Any]) -> Slots:
    """An 8-byte slot a value, checked against the wire that it goes to."""
    slots = np.zeros(len(wires) + 1)
    for slot, (wire, value) in enumerate(zip(wires, values, strict=True)):
        spec = circuit.spec_of(wire)
        if type(value) in PLAIN and spec.dtype == FLOAT64 and not spec.shape:
            slots[slot] = value
        else:
            slot_of(slots, slot, spec.dtype)[0] = fitted(value, spec, circuit.describe(wire))
    return slots


def slot_of(slots: Slots, slot: int, dtype: np.dtype[Any]) -> Any:
    """Slot number `slot` of a buffer of 8-byte slots, as an array of one number of `dtype`."""
    return slots[slot : slot + 1].view(np.uint8)[: dtype.itemsize].view(dtype)
