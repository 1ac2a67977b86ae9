"""`NativeProgram`: runs one circuit as machine code, with the reference executor's interface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from pullback.core.circuit import Circuit
from pullback.executors.native.cpython.scalar_call import builtin
from pullback.executors.native.scalars.straight import Straight, straight, values_text
from pullback.executors.reference.program import Program
from pullback.passes.rewrite import live

LARGEST = 300  # gates in one straight line; compiling more takes longer than it is worth
MOST_ENDS = 600  # inputs and outputs; compiling takes the square of them


def is_short(circuit: Circuit) -> bool:
    """Whether a circuit is worth a straight line."""
    ends = len(circuit.inputs) + len(circuit.outputs)
    return circuit.gate_count <= LARGEST and ends <= MOST_ENDS


class NativeProgram(Program):
    """A circuit of single numbers as one machine function, every wire in a register.

    The same numbers as the reference gives: + - * / and every choice to the bit, exp and its kin
    within 4 ulp. fast: sums and products may be reordered and fused; then no bit is promised.

    run: a list in, a list out. call: plain numbers in, plain numbers out (a tuple, or the one there
    is); the quickest way, about 50 ns. Compiling takes some 10 ms, 2 if it was done before.
    """

    run: Callable[..., list[Any]]
    call: Callable[..., Any]

    def __init__(self, circuit: Circuit, *, fast: bool = False) -> None:
        super().__init__(circuit)
        self.fast = fast
        self.run, self.call = calls_of(straight(circuit, circuit.outputs, fast=fast))

    def explain(self) -> str:
        """The LLVM text: a function of all inputs, every wire in a register."""
        circuit = self.circuit
        text = values_text(circuit, circuit.outputs, fast=self.fast)
        return f"{circuit.gate_count} gates in one straight line\n\n{text}"

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The value of every wire, None where no output listens."""
        watched, run = self._watched
        values: list[Any] = [None] * len(self.circuit)
        for wire, value in zip(watched, run(inputs, checked), strict=True):
            values[wire] = value
        return values

    @cached_property
    def _watched(self) -> tuple[list[int], Callable[..., list[Any]]]:
        """A second build of the circuit that puts out every wire."""
        wires = [wire for wire, wanted in enumerate(live(self.circuit)) if wanted]
        return wires, calls_of(straight(self.circuit, wires, fast=self.fast))[0]


def calls_of(made: Straight) -> tuple[Callable[..., list[Any]], Callable[..., Any]]:
    """run and call: builtins where that is possible, else the Python functions beside them."""
    if not made.direct:
        return made.run, made.call
    counts = len(made.taken), len(made.asked)
    run = builtin("run", made.library, counts, made.run)
    return run, builtin("call", made.library, counts, made.call)
