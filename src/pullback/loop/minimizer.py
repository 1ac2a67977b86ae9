"""`Minimizer`: full-batch methods with steps of their own; and a training as the function they minimise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from pullback.core.circuit import Circuit
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.loop.plan import Array
from pullback.passes.backward import backward
from pullback.passes.objective import Objective
from pullback.passes.tidy import tidy

Function = Callable[[Array], tuple[float, Array]]


class Point(NamedTuple):
    """Where a minimizer has come to: all weights end to end, the loss there, how long the gradient is."""

    weights: Array
    loss: float
    slope: float


class Minimizer(Protocol):
    """A method that takes its own steps and measures as it likes: L-BFGS, Levenberg-Marquardt, a search."""

    def minimize(self, function: Function, start: Array) -> Iterator[Point]:
        """Points, each better than those before, for as long as somebody asks for the next one.

        function: of all weights as one vector, the loss and its gradient.
        """
        ...


class FullBatch:
    """An objective over all its rows, as a function of one vector.

    known: columns and fixed inputs by name. `vector` puts weights end to end, `weights` takes them
    apart again. Errors: CircuitError for an objective that carries something from step to step: a
    minimizer may measure anywhere, in any order.

    >>> from pullback import circuit
    >>> made = circuit("loss = (w*x - y) ** 2").circuit()
    >>> f = FullBatch(Objective(made, ("w",), ("x", "y")), {"x": 2.0, "y": 4.0})
    >>> f(np.array([1.0]))
    (4.0, array([-8.]))
    """

    def __init__(
        self,
        objective: Objective,
        known: Mapping[str, Any],
        executor: str = "auto",
        threads: int = 1,
    ) -> None:
        if objective.carried:
            names = ", ".join(objective.carried)
            raise CircuitError(f"a minimizer measures in any order, but {names} is carried.")
        circuit = objective.circuit
        specs = dict(zip(circuit.input_names, map(circuit.spec_of, circuit.inputs), strict=True))
        self.specs = {name: specs[name] for name in objective.learned}
        self.known = {**known, "": np.ones((), circuit.spec_of(circuit.outputs[0]).dtype)}
        self._order = [*circuit.input_names, ""]
        made = _with_pulls(circuit, [circuit.input_names.index(n) for n in objective.learned])
        self._program = compile(made, executor=executor, threads=threads)
        self.evaluations = 0

    def __call__(self, vector: Array) -> tuple[float, Array]:
        self.evaluations += 1
        given = {**self.known, **self.weights(vector)}
        loss, *pulls = self._program.run([given[name] for name in self._order])
        return float(loss), np.concatenate([np.ravel(p).astype(np.float64) for p in pulls])

    def vector(self, weights: Mapping[str, Any]) -> Array:
        """Weights by name, end to end, as float64."""
        return np.concatenate([np.ravel(weights[n]).astype(np.float64) for n in self.specs])

    def weights(self, vector: Array) -> dict[str, Any]:
        """A vector as weights by name, in their shapes and dtypes."""
        found, at = {}, 0
        for name, (shape, dtype) in self.specs.items():
            size = math.prod(shape)
            found[name] = vector[at : at + size].reshape(shape).astype(dtype)[()]
            at += size
        return found


def _with_pulls(circuit: Circuit, learned: list[int]) -> Circuit:
    """(*inputs, force) -> loss and the pulls on what is learned."""
    back = backward(circuit)
    pulls = [back.input_pulls[i] for i in learned]
    for i, pull in zip(learned, pulls, strict=True):
        if pull < 0:
            raise CircuitError(f"the loss does not depend on weight '{circuit.input_names[i]}'.")
    return tidy(back.asking([circuit.outputs[0], *pulls]))
