"""A circuit as a function of one flat vector, and its gradient by moving: what the strategies walk on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.structure import put_together
from pullback.errors import CircuitError, OptionError
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.numeric import slope
from pullback.lens.snapshot import full_force, plain
from pullback.lens.specialize import Specialization
from pullback.passes.expand import expand

METHODS = ("forward", "central", "richardson", "complex")
TINY = 1e-30  # of a complex step: its square is lost beside any real part


class Objective:
    """A circuit's one number as a function of one flat vector: the free inputs, end to end."""

    def __init__(
        self,
        function: Any,
        values: tuple[Any, ...],
        named: Mapping[str, Any] | None = None,
        pinned: Sequence[str] = (),
    ) -> None:
        self.made: CircuitFunction = as_circuit_function(function)
        self.view, self.leaves = self.made.specialize(self.made.bind(values, named or {}))
        self.view.scalar_output(self.made.name)
        self.free = _free(self.made, self.view, pinned)
        self.start = np.concatenate(
            [np.ravel(np.asarray(self.leaves[i], float)) for i in self.free]
        )
        self.evaluations = 0

    def __call__(self, vector: np.ndarray[Any, Any]) -> Any:
        """The output with the free inputs at `vector`; complex vectors are allowed."""
        self.evaluations += 1
        if np.iscomplexobj(vector):
            return _bodies(self.opened, self._filled(vector))
        return self.view.program.run(self._filled(vector))[0]

    @cached_property
    def opened(self) -> Circuit:
        """The circuit without recipes, for numbers that only the gates' own bodies take."""
        return expand(self.view.circuit)

    def gradient(self) -> np.ndarray[Any, Any]:
        """The analytic gradient at the start, by one backward pass."""
        self.evaluations += 1
        outputs = self.view.gradient_program.run([*self.leaves, full_force(self.view, 1.0)])
        pulled = iter(outputs[len(self.view.circuit.outputs) :])
        pulls = [next(pulled) if p >= 0 else None for p in self.view.back.input_pulls]
        return np.concatenate([_flat(pulls[i], self.leaves[i]) for i in self.free])

    def named(self, vector: np.ndarray[Any, Any]) -> dict[str, Any]:
        """`vector` put back into the inputs, by parameter name."""
        leaves = [plain(x) for x in self._filled(vector)]
        result = {}
        for name, structure in self.view.arguments:
            mine, leaves = leaves[: structure.leaves], leaves[structure.leaves :]
            result[name] = put_together(mine, structure)
        return result

    def _filled(self, vector: np.ndarray[Any, Any]) -> list[Any]:
        leaves, used = [np.asarray(x)[()] for x in self.leaves], 0
        for i in self.free:
            shape = np.shape(leaves[i])
            size = int(np.prod(shape))
            moved = np.reshape(vector[used : used + size], shape)
            dtype = self.view.circuit.spec_of(self.view.circuit.inputs[i]).dtype
            leaves[i] = (moved if np.iscomplexobj(moved) else moved.astype(dtype))[()]
            used += size
        return leaves


def _bodies(circuit: Circuit, inputs: Sequence[Any]) -> Any:
    """The first output by the gates' NumPy bodies alone, which take complex numbers where wires do not."""
    values: list[Any] = [None] * len(circuit)
    for wire, value in zip(circuit.inputs, inputs, strict=True):
        values[wire] = value
    for row in circuit.rows():
        if row.gate is not None:
            values[row.wire] = row.gate.body(*[values[i] for i in row.inputs], **row.attributes)
        elif circuit.is_constant(row.wire):
            values[row.wire] = circuit.constant_of(row.wire)
    return values[circuit.outputs[0]]


def _flat(pull: Any, like: Any) -> np.ndarray[Any, Any]:
    return np.zeros(np.size(like)) if pull is None else np.ravel(np.asarray(pull, float))


def _free(made: CircuitFunction, view: Specialization, pinned: Sequence[str]) -> list[int]:
    for name in pinned:
        made.check_known(name)
    fixed = {*pinned, *(p for p, role in made.roles.items() if role in ("frozen", "constant"))}
    owners = [name for name, structure in view.arguments for _ in range(structure.leaves)]
    wires = view.circuit.inputs
    real = [view.circuit.spec_of(w).dtype.kind == "f" for w in wires]
    free = [
        i
        for i, (owner, ok) in enumerate(zip(owners, real, strict=True))
        if ok and owner not in fixed
    ]
    if not free:
        raise CircuitError("no input can move: each is pinned, frozen or not a real number.")
    return free


def numerical_gradient(
    f: Objective, method: str = "central", h: float | None = None
) -> np.ndarray[Any, Any]:
    """The gradient by moving each input: "forward" (N+1 runs), "central" (2N), "richardson", "complex" (N).

    h is the step, 1e-4 forward and 1e-5 central unless given. Forward differences are off by about h
    times the curvature; that is why central is the default. Complex steps lose no digits (Squire
    and Trapp 1998) but need every gate on the way to be holomorphic.

    >>> numerical_gradient(Objective("x*y", (-2, 3)), "complex").tolist()
    [3.0, -2.0]
    """
    if method not in METHODS:
        raise OptionError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    directions = np.eye(len(f.start))
    if method == "forward":
        here, h = float(f(f.start)), h or 1e-4
        return np.array([(float(f(f.start + h * e)) - here) / h for e in directions])
    if method == "central":
        h = h or 1e-5
        ends = [(float(f(f.start + h * e)), float(f(f.start - h * e))) for e in directions]
        return np.array([(high - low) / (2.0 * h) for high, low in ends])
    if method == "complex":
        _check_holomorphic(f)
        return np.array([float(np.imag(f(f.start + 1j * TINY * e))) / TINY for e in directions])
    return np.array([_richardson(f, e, x) for e, x in zip(directions, f.start, strict=True)])


def _richardson(f: Objective, e: np.ndarray[Any, Any], x: float) -> float:
    return slope(lambda t: float(f(f.start + (t - x) * e)), x).value


def _check_holomorphic(f: Objective) -> None:
    for row in f.opened.rows():
        if row.gate is not None and not row.gate.holomorphic:
            raise OptionError(
                f"method='complex' needs holomorphic gates; {row.gate.name} is not.",
                fix="method='central'",
            )
