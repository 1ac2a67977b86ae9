"""The reference executor's program: each row calls its gate's own NumPy body. The meaning of a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import repeat
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import canonical
from pullback.core.shapes import Spec
from pullback.core.speech import said
from pullback.errors import CircuitError, DtypeError, NotFiniteError, PullbackError, ShapeError
from pullback.passes.backward import backward
from pullback.passes.rewrite import live
from pullback.passes.tidy import tidy


class Program:
    """Runs one circuit. A value is forgotten after its last use, unless it is watched.

    Cost: about 1 microsecond a gate plus NumPy's own time; peak memory is the live values.
    """

    again: Callable[[Circuit], Program] | None = None  # compiles another circuit as this one was

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._steps = _steps(circuit)
        self._last = _forgettable(circuit, self._steps)
        self._start: list[Any] = [None] * len(circuit)
        for wire in np.nonzero(circuit.op == 1)[0].tolist():
            self._start[wire] = circuit.constant_of(wire)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} for {self.circuit!r}>"

    def __reduce__(self) -> Any:
        """Pickled are the circuit and how it was compiled; machine code is made anew."""
        return self.again or Program, (self.circuit,)

    def run(self, inputs: Sequence[Any], checked: bool = False) -> list[Any]:
        """The outputs for `inputs`, one a circuit input in order."""
        values = self._computed(inputs, checked, self._last)
        return [values[o] for o in self.circuit.outputs]

    def watch(self, inputs: Sequence[Any], checked: bool = False) -> Sequence[Any]:
        """The value of every wire, None where no output listens."""
        return self._computed(inputs, checked, repeat(()))

    def explain(self) -> str:
        """What runs when the program does: here the gates one after the other, as NumPy computes them."""
        circuit, say = self.circuit, self.circuit.describe
        lines = [f"{len(self._steps)} gates in NumPy, one after the other:"]
        for wire, _, listened in self._steps:
            name, inputs = circuit.ops[int(circuit.op[wire])], ", ".join(map(say, listened))
            lines.append(f"  {say(wire)}  {circuit.spec_of(wire)} = {name}({inputs})")
        return "\n".join(lines)

    def _computed(
        self, inputs: Sequence[Any], checked: bool, forgotten: Iterable[tuple[int, ...]]
    ) -> list[Any]:
        values = self._loaded(inputs)
        with np.errstate(all="ignore"):
            for (out, compute, listened), forget in zip(self._steps, forgotten, strict=False):
                try:
                    values[out] = compute(*[values[i] for i in listened])
                except PullbackError as error:
                    raise self._placed(error, out) from None
                if checked:
                    self._check(out, values)
                for wire in forget:
                    values[wire] = None
        return values

    def value_and_grad(
        self, inputs: Sequence[Any], force: Any = 1.0, output: int = 0
    ) -> tuple[Any, list[Any]]:
        """One output, and the pull on every input when `force` pulls it; None where nothing can pull.

        >>> from pullback import circuit
        >>> Program(circuit("x * y").circuit()).value_and_grad([3.0, 4.0])
        (np.float64(12.0), [np.float64(4.0), np.float64(3.0)])
        """
        one_an_input(self.circuit, self.circuit.inputs, inputs)
        force = forced(self.circuit, force, output)
        if output not in self._backs:
            self._backs[output] = self._back(output)
        program, pulled = self._backs[output]
        value, *pulls = program.run([*inputs, force])
        found = iter(pulls)
        return value, [next(found) if ok else None for ok in pulled]

    def _back(self, output: int) -> tuple[Program, list[bool]]:
        """(inputs, force) -> the output and the pulls there are; which inputs have one."""
        wire = self.circuit.outputs[output]
        back = backward(self.circuit, [output])
        pulls = back.input_pulls
        asking = tidy(back.asking([wire, *(p for p in pulls if p >= 0)]))
        return (self.again or Program)(asking), [p >= 0 for p in pulls]

    @cached_property
    def _backs(self) -> dict[int, tuple[Program, list[bool]]]:
        return {}

    def _loaded(self, inputs: Sequence[Any]) -> list[Any]:
        circuit = self.circuit
        one_an_input(circuit, circuit.inputs, inputs)
        values = self._start.copy()
        for wire, value in zip(circuit.inputs, inputs, strict=True):
            values[wire] = fitted(value, circuit.spec_of(wire), circuit.describe(wire))
        return values

    def _check(self, wire: int, values: list[Any]) -> None:
        value = np.asarray(values[wire])
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise not_finite(self.circuit, wire, values)

    def _placed(self, error: PullbackError, wire: int) -> PullbackError:
        site = self.circuit.sites[int(self.circuit.site[wire])]
        here = f"'{said(self.circuit, wire)}'" + (f"  {site}" if site.file else "")
        error.where = (*error.where, here)
        return error


def not_finite(circuit: Circuit, wire: int, values: Sequence[Any]) -> NotFiniteError:
    """The error that names the first wire that went bad, its gate, and what that gate listened to."""
    value = np.asarray(values[wire])
    first = tuple(np.argwhere(~np.isfinite(value))[0].tolist())
    place = f"{value[first]}" + (f" at index {first}" if first else "")
    row, site = circuit.row(wire), circuit.sites[int(circuit.site[wire])]
    inputs = [
        f"{circuit.describe(i)} = {np.array2string(np.asarray(values[i]), threshold=4)}"
        for i in row.inputs
    ]
    at = f" at {site}" if site.file else ""
    gate = f"the {row.gate.name if row.gate else 'input'} gate{at}"
    what = f"'{said(circuit, wire)}' is {place}: {gate} is the first whose value is not finite."
    return NotFiniteError(what, where=inputs)


def one_an_input(circuit: Circuit, wires: Sequence[int], inputs: Any) -> None:
    """Refuse what is no list with a value for each of these wires."""
    if not isinstance(inputs, Sequence | np.ndarray):
        raise CircuitError(
            f"a program takes a list, one value an input in order, got {type(inputs).__name__}.",
            fix=f"program.run([{', '.join(circuit.names[w] for w in wires)}])",
        )
    if len(inputs) != len(wires):
        names = [*(circuit.names[w] for w in wires[:3]), *["..."] * (len(wires) > 3)]
        said = f"the circuit has {len(wires)} inputs, got {len(inputs)}"
        raise ShapeError(f"{said}; they are {', '.join(names)}" if names else f"{said}.")


def forced(circuit: Circuit, force: Any, output: int) -> Any:
    """`force` in the shape of the output it pulls, or an error that says which of them does not fit."""
    if output not in range(len(circuit.outputs)):
        count = f"the circuit has {len(circuit.outputs)}, counted from 0"
        raise CircuitError(f"there is no output {output!r}; {count}.")
    return force_on(circuit.spec_of(circuit.outputs[output]).shape, force)


def force_on(shape: tuple[int, ...], force: Any) -> Any:
    """`force` as numbers of this shape, or a ShapeError."""
    array = canonical(force, "the force")
    check_force(array.shape, shape)
    return np.broadcast_to(array, shape)[()]


def check_force(given: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """ShapeError unless a force of shape `given` can pull an output of this shape."""
    if given not in ((), shape):
        said = f"the force has shape {given}, the output has {shape}."
        raise ShapeError(said, fix="one number, or an array of the output's shape")


def fitted(value: Any, spec: Spec, what: str) -> Any:
    """`value` as the numbers a wire of `spec` carries, or an error that names the input."""
    array = typed(value, spec.dtype, what)
    if np.shape(array) != spec.shape:
        said = f"{what} has shape {np.shape(array)}, the circuit wants {spec.shape}."
        raise ShapeError(said, fix="compile it again for such a shape: pb.compile(f.circuit(...))")
    return array


def typed(value: Any, dtype: np.dtype[Any], what: str) -> Any:
    """`value` as numbers of `dtype`, where none of them loses its meaning."""
    array = canonical(value, what)
    if array.dtype == dtype:
        return array
    if dtype.kind != "f" or array.dtype.kind not in "if":
        raise DtypeError(f"{what} is {array.dtype.name}, the circuit wants {dtype.name}.")
    return array.astype(dtype)[()]


def _steps(circuit: Circuit) -> list[tuple[int, Any, tuple[int, ...]]]:
    wanted = live(circuit)
    steps = []
    for row in circuit.rows():
        if row.gate is not None and wanted[row.wire]:
            body = partial(row.gate.body, **row.attributes) if row.attributes else row.gate.body
            steps.append((row.wire, body, row.inputs))
    return steps


def _forgettable(circuit: Circuit, steps: list[Any]) -> list[tuple[int, ...]]:
    """For each step, the wires that nobody needs after it."""
    kept = {*circuit.outputs, *np.nonzero(circuit.op == 1)[0].tolist()}
    last: list[tuple[int, ...]] = []
    for out, _, listened in reversed(steps):
        done = tuple(w for w in dict.fromkeys((out, *listened)) if w not in kept)
        kept.update(done)
        last.append(done)
    return last[::-1]
