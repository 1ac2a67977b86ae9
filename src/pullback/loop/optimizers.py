"""Optimizers: two pure functions each, how the state starts and what one step does.

Written in operators, so the same lines run on arrays and become part of the training-step circuit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.core.ranges import check_number
from pullback.errors import OptionError
from pullback.passes.optimizer import Optimizer, State


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent with heavy-ball momentum (Polyak 1964).

    grad <- grad + weight_decay weight
    velocity <- momentum velocity + grad
    weight <- weight - learning_rate velocity
    or, with nesterov (Nesterov 1983),
    weight <- weight - learning_rate (grad + momentum velocity)

    The learning rate scales the step, not the velocity, so changing it takes effect at once.

    Limits: learning_rate > 0, 0 <= momentum < 1, weight_decay >= 0; nesterov needs momentum.

    >>> sgd = SGD(learning_rate=0.5)
    >>> weight = np.array([1.0])
    >>> sgd.update(weight, np.array([2.0]), sgd.start(weight))[0]
    array([0.])
    """

    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_number("learning_rate", self.learning_rate, above=0)
        check_number("momentum", self.momentum, least=0, below=1)
        check_number("weight_decay", self.weight_decay, least=0)
        if self.nesterov and not self.momentum:
            raise OptionError("nesterov looks ahead along the momentum, but momentum is 0.")

    def start(self, weight: Any) -> State:
        return {"velocity": np.zeros_like(weight)}

    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        if self.weight_decay:
            grad = grad + self.weight_decay * weight
        velocity = self.momentum * state["velocity"] + grad
        ahead = grad + self.momentum * velocity if self.nesterov else velocity
        step = self.learning_rate * ahead
        return weight - step, {"velocity": velocity}


__all__ = ["SGD", "Optimizer", "State"]
