"""`Optimizer`: how weights move when they are pulled, written in operators.

The same lines run on arrays and become part of the training-step circuit.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from pullback.core.build import Builder
from pullback.core.wire import Wire

State = dict[str, Any]
States = dict[str, State]


class Optimizer(ABC):
    """How weights move. Write a frozen dataclass with `start` and `update`, which see one weight.

    What sees all weights at once, by name, overrides `begin` and `step`.
    """

    learning_rate: float

    @abstractmethod
    def start(self, weight: Any) -> State:
        """What is remembered about a weight before its first step: arrays by name."""

    @abstractmethod
    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        """The weight and its state after one step. `grad` is the pull of the loss on the weight."""

    def begin(self, weights: Mapping[str, Any]) -> States:
        """What is remembered before the first step, by weight; under "" what all weights share."""
        return {name: self.start(weight) for name, weight in weights.items()}

    def step(
        self, weights: Mapping[str, Any], grads: Mapping[str, Any], states: Mapping[str, State]
    ) -> tuple[dict[str, Any], States]:
        """All weights and states after one step, under the names they came with."""
        moved: dict[str, Any] = {}
        kept: States = {}
        for name, weight in weights.items():
            with prefixed(weight, f"{name}_"):
                moved[name], kept[name] = self.update(weight, grads[name], states[name])
        return moved, kept

    def at(self, learning_rate: Any) -> Self:
        """The same optimizer with its learning rate on a wire, so that every step can have its own."""
        twin = copy.copy(self)
        object.__setattr__(twin, "learning_rate", learning_rate)
        return twin

    @property
    def moves_each_alone(self) -> bool:
        """Whether every weight moves without regard to the others and to its name."""
        kind = type(self)
        return kind.begin is Optimizer.begin and kind.step is Optimizer.step


@contextmanager
def prefixed(wire: Any, prefix: str) -> Iterator[None]:
    """Rows recorded inside, in the circuit of `wire`, carry `prefix` before the name their code gave."""
    start = len(wire.builder) if isinstance(wire, Wire) else 0
    yield
    if isinstance(wire, Wire):
        prefix_names(wire.builder, start, prefix)


def prefix_names(builder: Builder, start: int, prefix: str) -> None:
    """Put `prefix` before every name that the code gave to rows from `start` on.

    A layer's own variables name its wires, and two layers of a kind must not share a name.
    """
    for wire in range(start, len(builder)):
        name = builder.label_of(wire)
        if name and wire not in builder.explicit:
            builder.name(wire, prefix + name)
