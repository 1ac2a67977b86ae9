"""`Specialization`: a function traced for one set of shapes, with everything that is made from it once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cached_property
from typing import Any

from pullback.core.circuit import Circuit
from pullback.core.dtypes import typed_by_hand
from pullback.core.shapes import Spec, spec_of
from pullback.core.structure import Structure, take_apart
from pullback.core.trace import Trace, trace
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.executors.reference.points import Points
from pullback.executors.reference.program import Program
from pullback.executors.unit import Unit
from pullback.passes.backward import Backward, backward
from pullback.passes.tidy import tidy

MANY = 1000  # gates; for fewer, compiling takes longer than making a backward circuit


class Derived:
    """A circuit made from another, and the program that runs it, compiled when it is first run."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    @cached_property
    def program(self) -> Program:
        return compile(self.circuit)


class Specialization:
    """A trace and its programs. `arguments` says how each parameter's leaves nest.

    maps: the programs that run it for many points, by what they are asked for.
    """

    def __init__(self, traced: Trace, arguments: list[tuple[str, Structure]]) -> None:
        self.trace, self.arguments = traced, arguments
        self._derived: dict[Hashable, Derived] = {}
        self.maps: dict[Hashable, Points] = {}

    def derived(self, key: Hashable, make: Callable[[], Circuit]) -> Derived:
        """A circuit made from this one, once for each key."""
        if key not in self._derived:
            self._derived[key] = Derived(make())
        return self._derived[key]

    @property
    def circuit(self) -> Circuit:
        return self.trace.circuit

    @cached_property
    def back(self) -> Backward:
        return backward(self.circuit)

    @cached_property
    def program(self) -> Program:
        """Runs the outputs."""
        return compile(self.circuit)

    @cached_property
    def gradient_program(self) -> Program:
        """(inputs, force) -> outputs, then the pull on each real input that is pulled."""
        pulls = [p for p in self.back.input_pulls if p >= 0]
        return compile(tidy(self.back.asking([*self.circuit.outputs, *pulls])))

    @cached_property
    def tape(self) -> Program | None:
        """For many gates between single numbers: what goes forward and back without a circuit for it."""
        circuit = self.circuit
        single = len(circuit.outputs) == 1 and not any(spec.shape for spec in circuit.specs)
        return compile(circuit, executor="auto") if single and circuit.gate_count > MANY else None

    @cached_property
    def watched_program(self) -> Program:
        """(inputs, force) -> every wire and every pull."""
        forward = range(len(self.circuit))
        return compile(
            self.back.asking([*forward, *sorted({p for p in self.back.pulls if p >= 0})])
        )

    def only_output(self, name: str) -> None:
        """Refuse to choose for the person which output, and which element of it, to pull on."""
        count = len(self.circuit.outputs)
        if count > 1:
            raise CircuitError(
                f"{name} puts out {count} values; a gradient needs one number to pull on.",
                fix="return the one that is pulled; or jacobian(f), or vjp(f, x) with a pull on each",
            )
        self.scalar_output(name)

    def scalar_output(self, name: str) -> None:
        """Refuse to choose for the person which element to pull on."""
        shape = self.circuit.spec_of(self.circuit.outputs[0]).shape
        if shape:
            raise CircuitError(
                f"{name} puts out an array of shape {shape}; a gradient needs one number to pull on.",
                fix="return y.sum(), return y[0], or vjp(f, x) and give the pull yourself",
            )


class Specializations:
    """All that one function was traced as; latest: what it was last called as, None before that."""

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Sequence[str],
        roles: Mapping[str, str],
        name: str,
    ) -> None:
        self.function, self.parameters, self.roles, self.name = function, parameters, roles, name
        self.latest: Specialization | None = None
        self._known: dict[Hashable, Specialization] = {}

    def call(self, bound: list[Any]) -> tuple[Specialization, list[Any]]:
        """What `of` gives, which is from now on the latest."""
        found, leaves = self.of(bound)
        if not found.trace.captured:
            self.latest = found
        return found, leaves

    def of(self, bound: list[Any]) -> tuple[Specialization, list[Any]]:
        """The one for these bound values, and their leaves in the order of the circuit's inputs."""
        nests = [take_apart(value) for value in self.as_arrays(bound)]
        leaves = [leaf for found, _ in nests for leaf in found]
        if any(isinstance(leaf, Unit) for leaf in leaves):
            raise CircuitError(
                f"{self.name} runs as a circuit, which takes numbers; an input is a Unit.",
                fix=f"unit.value; or {self.name}(unit), then backward() on what comes out",
            )
        arguments = [(p, s) for p, (_, s) in zip(self.parameters, nests, strict=True)]
        return self.traced(arguments, [spec_of(leaf) for leaf in leaves]), leaves

    def traced(self, arguments: list[tuple[str, Structure]], specs: list[Spec]) -> Specialization:
        """The one for these specs, traced once; not kept when it captured outer wires."""
        key = (tuple(arguments), tuple(specs))
        found = self._known.get(key)
        if found is None:
            made = trace(self.function, arguments, specs, self.roles, self.name)
            found = Specialization(made, arguments)
            if not made.captured:
                self._known[key] = found
        return found

    def as_arrays(self, bound: list[Any]) -> list[Any]:
        """A list of plain numbers as an array; lists and tuples of anything else nest."""
        return [typed_by_hand(v, repr(p)) for p, v in zip(self.parameters, bound, strict=True)]
