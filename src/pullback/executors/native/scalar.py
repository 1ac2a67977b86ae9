"""Straight-line programs: a circuit of single numbers as one function, every wire in a register."""

from __future__ import annotations

import ctypes
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.errors import ShapeError
from pullback.executors.native import builtin
from pullback.executors.native.code import FAST, KINDS, Code, Number
from pullback.executors.native.jit import Library, build, has_fma
from pullback.executors.native.lower import lower_rows
from pullback.executors.reference.program import Program, fitted

INLINE = 8  # curves (exp and its kin) up to which they are written where they are used


def new_code(circuit: Circuit, *, fast: bool = False) -> Code:
    """Where the lines of `circuit` are to be written."""
    cheap = int((circuit.op > 1).sum()) <= INLINE or _curves(circuit) <= INLINE
    return Code(flags=FAST if fast else "", fused=has_fma(), inline=cheap)


def _curves(circuit: Circuit) -> int:
    curved = [op for op, gate in enumerate(circuit.gates) if gate is not None and not gate.infix]
    return int(np.isin(circuit.op, curved).sum())


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


class Straight:
    """One compiled circuit of single numbers. `asked`: the wires that are put out.

    library: holds `builtin`'s functions too where all numbers are float64 and the interpreter plays
    along, else it is None.
    """

    def __init__(self, circuit: Circuit, asked: Sequence[int], *, fast: bool = False) -> None:
        self.circuit = circuit
        self.asked = tuple(asked)
        self._dtypes = [circuit.spec_of(wire).dtype for wire in asked]
        self._odd = [(slot, d) for slot, d in enumerate(self._dtypes) if d != FLOAT64]
        real = not self._odd and all(circuit.spec_of(i).dtype == FLOAT64 for i in circuit.inputs)
        direct = real and bool(asked) and builtin.usable()
        ir, exports = values_text(circuit, asked, fast=fast), ["values"]
        if direct:
            ir += builtin.text(len(circuit.inputs), len(asked))
            exports += builtin.EXPORTS
        library = build(ir, exports)
        self._values = library.function("values", None, ctypes.c_void_p, ctypes.c_void_p)
        self.library: Library | None = library if direct else None

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The values of the asked wires for any numbers that fit, one an input."""
        if checked:
            asking = dataclasses.replace(self.circuit, outputs=self.asked)
            return Program(asking).run(inputs, checked=True)  # the reference names the wire
        given, found = self._given(inputs), np.zeros(len(self.asked) + 1)
        self._values(given.ctypes.data, found.ctypes.data)
        values: list[Any] = list(found[:-1])
        for slot, dtype in self._odd:
            values[slot] = _slot(found, slot, dtype)[0]
        return values

    def call(self, *values: Any) -> Any:
        """The asked values for `values`: a tuple of plain numbers, or the one number there is."""
        found = tuple(value.item() for value in self.run(values))
        return found if len(found) != 1 else found[0]

    def _given(self, inputs: Sequence[Any]) -> np.ndarray[Any, Any]:
        circuit = self.circuit
        if len(inputs) != len(circuit.inputs):
            raise ShapeError(f"the circuit has {len(circuit.inputs)} inputs, got {len(inputs)}.")
        given = np.zeros(len(inputs) + 1)
        for slot, (wire, value) in enumerate(zip(circuit.inputs, inputs, strict=True)):
            spec = circuit.spec_of(wire)
            _slot(given, slot, spec.dtype)[0] = fitted(value, spec, circuit.describe(wire))
        return given


def _slot(slots: np.ndarray[Any, Any], slot: int, dtype: np.dtype[Any]) -> Any:
    return slots[slot : slot + 1].view(np.uint8)[: dtype.itemsize].view(dtype)
