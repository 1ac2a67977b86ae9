"""The training problem of a circuit: its parameters, and data with one row for each example."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.names import unique
from pullback.core.structure import LEAF
from pullback.errors import CircuitError, OptionError, PullbackError, ShapeError
from pullback.gates.reduce import mean
from pullback.loop.plan import Plan
from pullback.passes.backward import Backward, backward
from pullback.passes.objective import Objective
from pullback.passes.optimizer import Optimizer
from pullback.passes.training_step import Step, training_step

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction


class FitProblem:
    """The parameters of `made` and the rows of its other inputs.

    weights, rows: names of the inputs that learn, and of those that bring a row an example. values:
    by name, as given, weights as real numbers. count: how many rows. size: rows of a full batch.
    A loss with a number a row is averaged over the batch.

    Errors: CircuitError where nothing learns, nothing is learned from, or the loss does not depend
    on a weight; ShapeError where data differ in their number of rows.
    """

    def __init__(self, made: CircuitFunction, values: dict[str, Any], plan: Plan) -> None:
        check_has("plan", plan, "order", "Plan(batch_size=32, max_epochs=100)")
        self.made, self.plan = made, plan
        self.values = {n: np.asarray(v) if np.ndim(v) else v for n, v in values.items()}
        roles = {name: made.roles.get(name, "data") for name in made.parameters}
        self.weights = [name for name, role in roles.items() if role == "parameter"]
        self.rows = [n for n, role in roles.items() if role == "data" and np.ndim(self.values[n])]
        self.count = self._count()
        self.size = min(plan.batch_size, self.count)
        self.rest = self.count % self.size
        self.backs = {rows: self.back(rows) for rows in {self.size, self.rest or self.size}}
        circuit = self.circuit = self.backs[self.size].forward
        self.dtype = circuit.spec_of(circuit.outputs[0]).dtype
        some = self.batch(self.values, np.zeros(self.size, np.int64))
        made.specialize([some[n] for n in made.parameters])  # a training is a call, of a full batch
        for name in self.weights:  # a weight that is given as 1 is 1.0
            dtype = circuit.spec_of(circuit.find(name)).dtype
            self.values[name] = np.asarray(self.values[name], dtype)[()]

    @property
    def columns(self) -> dict[str, Any]:
        """What each step takes rows of."""
        return {name: self.values[name] for name in self.rows}

    @property
    def fixed(self) -> dict[str, Any]:
        """What is the same in every step."""
        known = {*self.weights, *self.rows}
        return {name: value for name, value in self.values.items() if name not in known}

    @property
    def start(self) -> dict[str, Any]:
        """The weights as they were given, in arrays that nobody else writes to."""
        return {name: np.array(self.values[name]) for name in self.weights}

    def step(self, rows: int, optimizer: Optimizer) -> Step:
        """One step of so many rows; one row comes without an axis of rows where all are single numbers."""
        single = self.back_of_one() if self.size == 1 else None
        back = single or self.backs[rows]
        objective = Objective(back.forward, tuple(self.weights), tuple(self.rows))
        return training_step(objective, optimizer, back)

    def _count(self) -> int:
        name = self.made.name
        if not self.weights:
            fix = f'pb.circuit(..., parameters="{self.made.parameters[0]}")'
            raise CircuitError(f"{name} has no parameters: nothing would learn.", fix=fix)
        lengths = {n: len(self.values[n]) for n in self.rows}
        if not any(lengths.values()):
            raise CircuitError(
                f"{name} is given no rows to learn from; data are arrays, a row each."
            )
        if len(set(lengths.values())) > 1:
            said = ", ".join(f"{n!r} {count}" for n, count in lengths.items())
            raise ShapeError(f"the data of {name} differ in their number of rows: {said}.")
        return next(iter(lengths.values()))

    def batch(self, values: Mapping[str, Any], rows: Any) -> dict[str, Any]:
        """The values by name, of the data only these rows."""
        return {n: v[rows] if n in self.rows else v for n, v in values.items()}

    def back(self, rows: int) -> Backward:
        """Loss and pulls for a batch of so many rows."""
        return self._back(np.zeros(rows, np.int64))

    def back_of_one(self) -> Backward | None:
        """Loss and pulls for one row without an axis of rows; None where there are not only numbers."""
        given = [self.values[n] for n in self.weights]
        if any(np.ndim(v) for v in given) or any(self.values[n].ndim > 1 for n in self.rows):
            return None
        try:
            return self._back(0)
        except PullbackError:
            return None  # it wants the axis

    def _back(self, rows: Any) -> Backward:
        name = self.made.name
        batch = self.batch(self.values, rows)
        view, _ = self.made.traces.of([batch[n] for n in self.made.parameters])
        circuit = dataclasses.replace(view.circuit, outputs=view.circuit.outputs[:1])
        if np.shape(rows) and circuit.spec_of(circuit.outputs[0]).shape == np.shape(rows):
            circuit = averaged(circuit)
        else:
            view.scalar_output(name)
        if any(structure is not LEAF for _, structure in view.arguments):
            raise CircuitError(f"{name} takes nested inputs; a training takes arrays.")
        back = backward(circuit)
        for weight in self.weights:
            wire = circuit.find(weight)
            dtype = circuit.spec_of(wire).dtype
            if dtype.kind != "f":
                raise CircuitError(
                    f"weight {weight!r} is {dtype}; only real numbers can learn.",
                    fix=f"{weight}.astype(float)",
                )
            if back.pulls[wire] < 0:
                raise CircuitError(f"the loss {name} does not depend on weight {weight!r}.")
        return back


def check_has(option: str, value: Any, method: str, such_as: str) -> None:
    """Refuse what lacks a method, or is a class where one of its kind is wanted."""
    if isinstance(value, type) or not hasattr(value, method):
        said = f"the class {value.__name__}" if isinstance(value, type) else f"{value!r:.60}"
        raise OptionError(f"{option} is {said}.", fix=f"{option}={such_as} of pullback.train")


def averaged(circuit: Circuit) -> Circuit:
    """The circuit whose output is the mean of what was its output."""
    builder = Builder()
    names = zip(circuit.inputs, circuit.input_names, circuit.roles, strict=True)
    inputs = [builder.input(circuit.spec_of(wire), name, role) for wire, name, role in names]
    (each,) = builder.inline(circuit, inputs)
    return builder.finish([mean(each).named(unique("mean_loss", circuit.names))])
