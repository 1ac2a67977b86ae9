"""Training step: pulls on weights and an optimizer's lines, as one circuit that moves the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.names import unique
from pullback.core.shapes import spec_of
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.passes.backward import Backward, backward
from pullback.passes.objective import Objective
from pullback.passes.optimizer import Optimizer, States
from pullback.passes.share import share
from pullback.passes.tidy import tidy


@dataclass(frozen=True, eq=False)
class Step:
    """One step of training as a circuit, with the names of what it is given and what it gives.

    carried: {input: output}, what it hands to the next step: weights, what the optimizer
    remembers, what the objective carries. states: the input that is an optimizer's state, by weight
    and key. rate: the input that is the learning rate.
    """

    circuit: Circuit
    objective: Objective
    optimizer: Optimizer
    outputs: tuple[str, ...]
    carried: Mapping[str, str]
    states: Mapping[tuple[str, str], str]
    rate: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs that each step brings, a row an example."""
        return self.objective.columns

    @property
    def fixed(self) -> tuple[str, ...]:
        """The inputs that are the same in every step, the learning rate last."""
        known = {*self.carried, *self.columns}
        return tuple(name for name in self.circuit.input_names if name not in known)

    @property
    def recorded(self) -> tuple[str, ...]:
        """The single numbers that a step shows, the loss first."""
        ends = zip(self.outputs, self.circuit.outputs, strict=True)
        shown = self.objective.shown
        return tuple(n for n, wire in ends if n in shown and not self.circuit.spec_of(wire).shape)

    def begin(self, weights: Mapping[str, Any]) -> dict[str, Any]:
        """What the optimizer remembers before the first step, by the name of its input."""
        started = self.optimizer.begin({n: weights[n] for n in self.objective.learned})
        return {name: started[weight][key] for (weight, key), name in self.states.items()}

    @property
    def positions(self) -> tuple[dict[int, int], list[int]]:
        """What executors are told: {input: output} of what is carried, and the columns."""
        inputs, outputs = self.circuit.input_names, self.outputs
        carried = {inputs.index(i): outputs.index(o) for i, o in self.carried.items()}
        return carried, [inputs.index(name) for name in self.columns]


def training_step(objective: Objective, optimizer: Optimizer, back: Backward | None = None) -> Step:
    """(*weights, *states, *others, learning_rate) -> (*weights, *states, *outputs).

    The optimizer moves what the objective learns against the pull of its loss. The outputs are
    those before the step. A weight `W` goes out as `W_next`; its state `velocity` goes in as
    `W_velocity` and out as `W_velocity_next`. back: the objective's backward, if it was made before.

    Errors: CircuitError for a weight that the loss does not depend on.
    """
    return _Writer(objective, optimizer, back or backward(objective.circuit)).step()


class _Writer:
    """Writes the rows of one step."""

    def __init__(self, objective: Objective, optimizer: Optimizer, back: Backward) -> None:
        self.objective, self.optimizer, self.back = objective, optimizer, back
        circuit = self.circuit = objective.circuit
        specs = [circuit.spec_of(wire) for wire in circuit.inputs]
        self.specs = dict(zip(circuit.input_names, specs, strict=True))
        self.roles = dict(zip(circuit.input_names, circuit.roles, strict=True))
        self.taken = {*circuit.names, *objective.outputs}
        self.builder = Builder()

    def step(self) -> Step:
        objective, builder, learned = self.objective, self.builder, self.objective.learned
        pulls = self._pulls()
        weights = {n: builder.input(self.specs[n], n, "parameter") for n in learned}
        states, names = self._states()
        others = {
            name: builder.input(spec, name, self.roles[name])
            for name, spec in self.specs.items()
            if name not in weights
        }
        rate, dtype = self._new("learning_rate"), self._loss_dtype()
        force = builder.constant(np.ones((), dtype))
        speed = builder.input(spec_of(np.zeros((), dtype)), rate)
        asked = self.back.asking([*self.circuit.outputs, *pulls])
        given = [{**others, **weights}[n] for n in self.specs]
        made = builder.inline(asked, [*given, force])
        shown, grads = made[: len(objective.outputs)], made[len(objective.outputs) :]
        with scope("update"):
            moved, kept = self.optimizer.at(speed).step(
                weights, dict(zip(learned, grads, strict=True)), states
            )
        after = {n: moved[n] for n in learned}
        after |= {name: kept[weight][key] for (weight, key), name in names.items()}
        carried = {name: self._new(f"{name}_next") for name in after}
        ends = [_called(wire, carried[name]) for name, wire in after.items()]
        return Step(
            circuit=tidy(share(builder.finish([*ends, *shown]))),
            objective=objective,
            optimizer=self.optimizer,
            outputs=(*carried.values(), *objective.outputs),
            carried={**carried, **objective.carried},
            states=names,
            rate=rate,
        )

    def _new(self, name: str) -> str:
        """A name that nothing in the step has."""
        name = unique(name, self.taken)
        self.taken.add(name)
        return name

    def _loss_dtype(self) -> np.dtype[Any]:
        return self.circuit.spec_of(self.circuit.outputs[0]).dtype

    def _pulls(self) -> list[int]:
        """The wires that carry the pulls on the weights."""
        by_name = dict(zip(self.circuit.input_names, self.back.input_pulls, strict=True))
        for name in self.objective.learned:
            if by_name[name] < 0:
                raise CircuitError(f"the loss does not depend on weight '{name}'.")
        return [by_name[name] for name in self.objective.learned]

    def _states(self) -> tuple[States, dict[tuple[str, str], str]]:
        """An input for every array that the optimizer remembers, and what it is called."""
        specs = {name: self.specs[name] for name in self.objective.learned}
        started = self.optimizer.begin({n: np.zeros(s.shape, s.dtype) for n, s in specs.items()})
        states: States = {}
        names: dict[tuple[str, str], str] = {}
        for weight, state in started.items():
            states[weight] = {}
            for key, value in state.items():
                name = self._new(f"{weight}_{key}" if weight else key)
                names[weight, key] = name
                states[weight][key] = self.builder.input(spec_of(value), name, "state")
        return states, names


def _called(wire: Wire, name: str) -> Wire:
    """A wire under a name of its own; an input that went through unchanged keeps the one it has."""
    return wire if wire.id in wire.builder.inputs else wire.named(name)
