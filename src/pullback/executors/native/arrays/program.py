"""`ArrayProgram`: runs a circuit of arrays as one machine function, with the reference's interface."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.shapes import Spec
from pullback.executors.native.arrays.compiled import Array, Compiled
from pullback.executors.native.arrays.watched import Watching
from pullback.executors.reference.program import Program
from pullback.passes.planning.described import described, explained


class ArrayProgram(Program):
    """A circuit of arrays as one machine function.

    Elementwise gates and choices give the reference's bits, exp and its kin stay within 4 ulp;
    products of matrices and sums over n numbers differ by at most 2 n eps sum|terms| (see the
    README). Cost: compiling takes some 10 ms a group, next to nothing if it was done before. Any
    number of threads gives the same bits; what is too short for several runs on one: `threads` says
    how many it came to.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False, threads: int = 1) -> None:
        super().__init__(circuit)
        self.fast, self._asked = fast, threads
        self._compiled = Compiled(circuit, fast=fast, threads=threads)
        self.threads = self._compiled.threads
        self._ran = _Runner(self, self._compiled)

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The outputs for `inputs`, one a circuit input in order."""
        return super().run(inputs, checked) if checked else self._ran.run(inputs)

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> Sequence[Any]:
        """The value of every wire, None where no output listens."""
        if checked:
            return super().watch(inputs, checked)
        return self._watching.watch(inputs)

    @cached_property
    def _watching(self) -> Watching:
        """A second build, made when it is first asked."""
        made = partial(Compiled, fast=self.fast, kept=True, threads=self._asked)
        return Watching(self.circuit, self.fitted, made)

    def fitted(self, inputs: Sequence[Any]) -> list[Any]:
        """The inputs as the circuit wants them, or the reference's error."""
        values = self._loaded(inputs)
        return [values[i] for i in self.circuit.inputs]

    @property
    def memory(self) -> str:
        """What the program will need, before it runs."""
        return described(self._compiled.plan, self._compiled.memory)

    def explain(self) -> str:
        """The plan: groups in running order with about what each costs, memory; and the LLVM text."""
        made = self._compiled
        return f"{explained(made.plan, made.memory)}\n\n{made.text()}"


class _Runner:
    """A list of inputs in, a list of outputs out, by the quick way where one fits."""

    def __init__(self, program: ArrayProgram, made: Compiled) -> None:
        self.made = made
        self._specs = [made.circuit.spec_of(w) for w in made.circuit.inputs]
        self._program = weakref.proxy(program)
        slow = weakref.WeakMethod(self._slow)
        quick = made.array_call(lambda inputs: slow()(inputs))  # type: ignore[misc]
        self.run: Callable[[Sequence[Any]], list[Any]] = quick or self._slow

    def _slow(self, inputs: Sequence[Any]) -> list[Any]:
        made, given = self.made, inputs
        arrays = inputs
        listed = isinstance(inputs, list | tuple) and len(inputs) == len(self._specs)
        if not listed or not all(map(_is_as_it_lies, inputs, self._specs)):
            given = self._program.fitted(inputs)
            arrays = [np.require(x, requirements=["C", "A"]) for x in given]
        found = {w: np.empty(s.shape, s.dtype) for w, s in zip(made.made, made.specs, strict=True)}
        if not made.run(arrays, [found[w] for w in made.made]):
            Program(self._program.circuit).run(given)  # it says which index, and raises
        known = dict(zip(made.circuit.inputs, given, strict=True))
        return [_value(made.circuit, o, known, found) for o in made.circuit.outputs]


def _is_as_it_lies(x: Any, spec: Spec) -> bool:
    """Whether an input can be read where it is."""
    if type(x) is not np.ndarray or x.dtype is not spec.dtype or x.shape != spec.shape:
        return False
    return x.flags.c_contiguous and x.flags.aligned


def _value(circuit: Circuit, wire: int, given: dict[int, Any], found: dict[int, Array]) -> Any:
    if wire in given:
        return np.copy(given[wire])[()]  # what comes out is the caller's own to write to
    if wire in found:
        return found[wire][()]
    return circuit.constant_of(wire)
