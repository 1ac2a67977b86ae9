"""Training step: pulls on weights and an optimizer's lines, as one circuit that moves the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.names import unique
from pullback.core.shapes import Spec, spec_of
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.passes.backward import Backward
from pullback.passes.share import share
from pullback.passes.tidy import tidy


class Optimizer(Protocol):
    """How a weight moves when it is pulled; written in operators, so it takes wires and arrays."""

    @property
    def learning_rate(self) -> Any: ...
    def start(self, weight: Any) -> dict[str, Any]: ...
    def update(
        self, weight: Any, grad: Any, state: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]: ...
    def at(self, learning_rate: Any) -> Optimizer: ...


def training_step(back: Backward, learned: Sequence[int], optimizer: Optimizer) -> Circuit:
    """(*weights, *states, *others, learning_rate) -> (*weights, *states, *outputs).

    learned: positions of the inputs that are weights; the optimizer moves them against the pull of
    the first output, a loss. The outputs are those before the step. A weight `W` goes out as
    `W_next`; its state `velocity` goes in as `W_velocity` and out as `W_velocity_next`.

    Errors: CircuitError for a weight that the output does not listen to.
    """
    circuit = back.forward
    builder = Builder()
    weights = {i: builder.input(*_input(circuit, i), "parameter") for i in learned}
    states = {i: _states(builder, circuit, i, optimizer) for i in learned}
    inputs = [
        weights[i] if i in weights else builder.input(*_input(circuit, i), circuit.roles[i])
        for i in range(len(circuit.inputs))
    ]
    dtype = circuit.spec_of(circuit.outputs[0]).dtype
    rate = builder.input(Spec((), dtype), unique("learning_rate", circuit.names))
    one = builder.constant(np.ones((), dtype))
    asked = back.asking([*circuit.outputs, *_pulls(back, learned)])
    made = builder.inline(asked, [*inputs, one])
    count = len(circuit.outputs)
    with scope("update"):
        moved = _moved(optimizer.at(rate), circuit, weights, made[count:], states)
    return tidy(share(builder.finish([*moved, *made[:count]])))


def _input(circuit: Circuit, position: int) -> tuple[Spec, str]:
    return circuit.spec_of(circuit.inputs[position]), circuit.input_names[position]


def _pulls(back: Backward, learned: Sequence[int]) -> list[int]:
    pulls = [back.input_pulls[i] for i in learned]
    for i, pull in zip(learned, pulls, strict=True):
        if pull < 0:
            name = back.forward.input_names[i]
            raise CircuitError(f"the loss does not listen to weight '{name}'.")
    return pulls


def _states(
    builder: Builder, circuit: Circuit, position: int, optimizer: Optimizer
) -> dict[str, Wire]:
    spec, name = _input(circuit, position)
    start = optimizer.start(np.zeros(spec.shape, spec.dtype))
    return {k: builder.input(spec_of(v), f"{name}_{k}", "state") for k, v in start.items()}


def _moved(
    optimizer: Optimizer,
    circuit: Circuit,
    weights: dict[int, Wire],
    grads: Sequence[Wire],
    states: dict[int, dict[str, Wire]],
) -> list[Wire]:
    moved: list[Wire] = []
    remembered: list[Wire] = []
    for (i, weight), grad in zip(weights.items(), grads, strict=True):
        name, start = circuit.input_names[i], len(weight.builder)
        after, kept = optimizer.update(weight, grad, states[i])
        moved.append(_called(after, f"{name}_next"))
        remembered.extend(_called(kept[k], f"{name}_{k}_next") for k in states[i])
        prefix_names(weight.builder, start, f"{name}_")
    return [*moved, *remembered]


def _called(wire: Wire, name: str) -> Wire:
    """A wire under a name of its own; an input that went through unchanged keeps the one it has."""
    return wire if wire.id in wire.builder.inputs else wire.named(name)


def prefix_names(builder: Builder, start: int, prefix: str) -> None:
    """Put `prefix` before every name that the code gave to rows from `start` on.

    A layer's own variables name its wires, and two layers of a kind must not share a name.
    """
    for wire in range(start, len(builder)):
        name = builder.label_of(wire)
        if name and wire not in builder.explicit:
            builder.name(wire, prefix + name)
