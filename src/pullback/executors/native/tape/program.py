"""`TapeProgram`: large circuits of single numbers, run entry by entry by one small machine.

25 bytes a gate: what it is, where its two inputs lie, its value and its pull. A million gates need no
more compiling than ten.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.errors import CircuitError
from pullback.executors.native.llvm.interruptible import in_pieces
from pullback.executors.native.llvm.jit import build
from pullback.executors.native.scalars.straight import PLAIN, Slots, slot_of
from pullback.executors.native.tape.plan import Tape, TooManyKinds, check_kinds, tape
from pullback.executors.native.tape.text import backward_text, forward_text
from pullback.executors.reference.program import Program, fitted, forced, one_an_input

FIRST = 256  # pages before the first look at Ctrl-C


class TapeProgram(Program):
    """A large circuit of single numbers; the numbers of the reference, exp and its kin within 4 ulp.

    run: as the reference. value_and_grad: forward and backward over one tape, without a backward
    circuit; 2 to 10 ns a gate. flush: subnormal numbers count as 0 in `run`. Raises TooManyKinds
    where more than 256 kinds of gate stand in it.
    """

    def __init__(self, circuit: Circuit, *, fast: bool = False, flush: bool = False) -> None:
        check_kinds(circuit)
        self.circuit, self.fast = circuit, fast  # the reference's own steps are made when asked for
        self._flush = flush
        self._pulling: dict[int, Machine] = {}

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The outputs for `inputs`, one a circuit input in order."""
        if checked:
            return self._reference.run(inputs, checked=True)  # it names the wire
        machine = self._machine
        values = machine.forward(inputs)
        found = [machine.read(values, wire) for wire in self.circuit.outputs]
        machine.give_back(values)
        return found

    def explain(self) -> str:
        """How long the tape is, of how many different words, and the LLVM text that runs it."""
        made = self._machine.tape
        text = forward_text(made.words, fast=self.fast, flush=self._flush)
        return f"{self.circuit.gate_count:,} gates on a tape of {len(made.words)} words\n\n{text}"

    def call(self, *values: Any) -> Any:
        """The outputs as plain numbers: a tuple, or the one there is."""
        found = tuple(value.item() for value in self.run(values))
        return found if len(found) != 1 else found[0]

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> Sequence[Any]:
        """The value of every wire, None where no output listens."""
        if checked:
            return self._reference.watch(inputs, checked=True)
        values = self._machine.forward(inputs)
        found = [
            None if place < 0 else self._machine.read(values, wire)
            for wire, place in enumerate(self._machine.tape.place.tolist())
        ]
        self._machine.give_back(values)
        return found

    def value_and_grad(
        self, inputs: Sequence[Any], force: Any = 1.0, output: int = 0
    ) -> tuple[Any, list[Any]]:
        """One output, and the pull on every input when `force` pulls that output; None for no pull.

        The bits of the circuit made by `passes.backward`, in a tenth of its time and memory; by that
        circuit itself where pulls make too many kinds of gate.
        """
        force = forced(self.circuit, force, output)
        try:
            machine = self.machine(output)
        except TooManyKinds:
            return super().value_and_grad(inputs, force, output)
        values = machine.forward(inputs)
        value, pulls = machine.read(values, machine.pulled), machine.backward(values, force)
        machine.give_back(values)
        return value, pulls

    def machine(self, output: int) -> Machine:
        """What pulls on one output, made when it is first asked for."""
        if output not in self._pulling:
            wire = self.circuit.outputs[output]
            if self.circuit.spec_of(wire).dtype.kind != "f":
                name = self.circuit.describe(wire)
                raise CircuitError(f"{name} is not a real number; only real numbers are pulled.")
            self._pulling[output] = Machine(tape(self.circuit, output), fast=self.fast, pulled=wire)
        return self._pulling[output]

    @cached_property
    def _machine(self) -> Machine:
        """What computes all outputs, made when it is first asked for."""
        return Machine(tape(self.circuit), fast=self.fast, flush=self._flush)

    @cached_property
    def _reference(self) -> Program:
        return Program(self.circuit)


class Machine:
    """A tape with the code that runs it. pulled: the wire that `backward` pulls on, -1 for none."""

    def __init__(self, made: Tape, *, fast: bool, flush: bool = False, pulled: int = -1) -> None:
        self.tape, self.pulled = made, pulled
        if made.words:
            text = forward_text(made.words, fast=fast, flush=flush)
            self._forward = _function(text, "forward")
        if made.words and pulled >= 0:
            self._backward = _function(backward_text(made.words, fast=fast), "backward")
        self._columns = [c.ctypes.data for c in (made.word, made.a, made.b)]
        # Columns to use again, so that threads never share one: taken and put back whole.
        self._spare: list[Slots] = []
        self._spare_pulls: list[Slots] = []

    def forward(self, inputs: Sequence[Any]) -> Slots:
        """All values, one 8-byte slot a place, until `give_back`."""
        made, circuit = self.tape, self.tape.circuit
        one_an_input(circuit, circuit.inputs, inputs)
        values = _taken(self._spare, self._fresh)
        if self._is_plain and PLAIN.issuperset(map(type, inputs)):
            values[self._places] = inputs
        else:
            for wire, place, value in zip(circuit.inputs, self._places, inputs, strict=True):
                spec = circuit.spec_of(wire)
                slot_of(values, place, spec.dtype)[0] = fitted(value, spec, circuit.describe(wire))
        columns, pages = (*self._columns, values.ctypes.data, made.start), made.pages

        def work(start: int, stop: int) -> None:
            self._forward(*columns, pages[start], pages[stop], None)

        in_pieces(len(pages) - 1, work, FIRST)
        return values

    def backward(self, values: Slots, force: Any) -> list[Any]:
        """The pull on each input, None where nothing can pull."""
        made, circuit = self.tape, self.tape.circuit
        pulls = _taken(self._spare_pulls, self._fresh_pulls)
        pulls[: made.start] = self._at_rest
        spec = circuit.spec_of(self.pulled)
        slot_of(pulls, int(made.place[self.pulled]), spec.dtype)[0] = fitted(force, spec, "force")
        columns, pages = (*self._columns, values.ctypes.data, made.start), made.pages[::-1]

        def work(start: int, stop: int) -> None:
            self._backward(*columns, pages[stop], pages[start], pulls.ctypes.data)

        in_pieces(len(pages) - 1, work, FIRST)
        found: list[Any] = list(pulls[self._places])
        for i, reached in self._odd_pulls:
            found[i] = self.read(pulls, circuit.inputs[i]) if reached else None
        if not self._spare_pulls:
            self._spare_pulls.append(pulls)
        return found

    def read(self, values: Slots, wire: int) -> Any:
        """The number at a wire's place."""
        dtype = self.tape.circuit.spec_of(wire).dtype
        place = int(self.tape.place[wire])
        return values[place] if dtype == FLOAT64 else slot_of(values, place, dtype)[0]

    def give_back(self, values: Slots) -> None:
        """Whoever asked for values needs them no more."""
        if not self._spare:
            self._spare.append(values)

    def _fresh(self) -> Slots:
        made = self.tape
        values = np.zeros(made.places + 1)
        for wire in made.constants:
            dtype = made.circuit.spec_of(wire).dtype
            slot_of(values, int(made.place[wire]), dtype)[0] = made.circuit.constant_of(wire)
        return values

    def _fresh_pulls(self) -> Slots:
        """-0 everywhere, the one number that changes nothing it is added to; `backward` leaves it so."""
        circuit, place = self.tape.circuit, self.tape.place
        pulls = np.full(self.tape.places + 1, -0.0)
        single = np.array([s.dtype == FLOAT32 for s in circuit.specs], bool)[circuit.spec]
        pulls.view(np.uint64)[place[single & (place >= 0)]] = 1 << 31
        return pulls

    @cached_property
    def _at_rest(self) -> Slots:
        """The pulls on inputs and constants before anything pulls."""
        return self._fresh_pulls()[: self.tape.start].copy()

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """The place of each input; the last one for those that nobody listens to."""
        return np.asarray(self.tape.place[list(self.tape.circuit.inputs)])

    @cached_property
    def _is_plain(self) -> bool:
        """Whether every input is a float64."""
        circuit = self.tape.circuit
        return all(circuit.spec_of(wire).dtype == FLOAT64 for wire in circuit.inputs)

    @cached_property
    def _odd_pulls(self) -> list[tuple[int, bool]]:
        """The inputs that no pull can come to, or that are no float64; and whether one can come."""
        circuit, reached = self.tape.circuit, self.tape.reached
        pairs = [
            (i, bool(reached[place]) or wire == self.pulled)
            for i, (wire, place) in enumerate(zip(circuit.inputs, self._places, strict=True))
        ]
        specs = map(circuit.spec_of, circuit.inputs)
        return [p for p, s in zip(pairs, specs, strict=True) if not p[1] or s.dtype != FLOAT64]


def _taken(spare: list[Slots], fresh: Callable[[], Slots]) -> Slots:
    try:
        return spare.pop()
    except IndexError:
        return fresh()


def _function(text: str, name: str) -> Any:
    library = build(text, [name], level=0)
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    return library.function(name, None, *[pointer] * 4, *[count] * 3, pointer)
