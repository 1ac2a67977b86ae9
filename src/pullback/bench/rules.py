"""The optimizers of the bench, for every library: SGD with momentum, and Adam.

The library has no Adam; ours is written here, as anybody may write an optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.gates.curves import sqrt
from pullback.loop.optimizers import SGD, Optimizer, State

FIRST, SECOND, TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class AdamStep(Optimizer):
    """Adam (Kingma and Ba 2015), with the powers of its two rates kept as state."""

    learning_rate: float = 0.001

    def start(self, weight: Any) -> State:
        """Means of nothing yet."""
        one, nothing = np.ones((), weight.dtype), np.zeros_like(weight)
        return {"mean": nothing, "square": nothing, "first": one, "second": one}

    def update(self, weight: Any, grad: Any, state: State) -> tuple[Any, State]:
        """One step."""
        first, second = FIRST * state["first"], SECOND * state["second"]
        mean = FIRST * state["mean"] + (1 - FIRST) * grad
        square = SECOND * state["square"] + (1 - SECOND) * (grad * grad)
        scale, size = self.learning_rate / (1 - first), 1 / sqrt(1 - second)
        step = scale * mean / (sqrt(square) * size + TINY)
        kept = {"mean": mean, "square": square, "first": first, "second": second}
        return weight - step, kept


class Momentum:
    """velocity <- momentum velocity + pull; weight <- weight - rate velocity. Plain where momentum is 0."""

    said = "SGD with momentum"

    def __init__(self, rate: float, momentum: float) -> None:
        self.rate, self.momentum = rate, momentum

    @property
    def ours(self) -> Optimizer:
        return SGD(self.rate, momentum=self.momentum)

    def start(self, weight: Any) -> list[Any]:
        """What NumPy and JAX remember of a weight."""
        return [weight * 0]

    def moved(self, f: Any, weight: Any, pull: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        """The weight after a step, for JAX."""
        velocity = self.momentum * state[0] + pull
        return weight - self.rate * velocity, [velocity]

    def move(self, weight: Any, pull: Any, state: list[Any]) -> None:
        """The same in place, for NumPy."""
        velocity = state[0]
        velocity *= weight.dtype.type(self.momentum)
        velocity += pull
        weight -= weight.dtype.type(self.rate) * velocity

    def torch(self, torch: Any, weights: Any) -> Any:
        """torch's own, fused."""
        return torch.optim.SGD(weights, lr=self.rate, momentum=self.momentum, fused=True)

    def sklearn(self) -> dict[str, Any]:
        """What MLPClassifier calls it."""
        chosen = {"solver": "sgd", "momentum": self.momentum, "nesterovs_momentum": False}
        return {**chosen, "learning_rate_init": self.rate}


class Adam:
    """Adam as everybody has it."""

    said = "Adam"

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @property
    def ours(self) -> Optimizer:
        return AdamStep(self.rate)

    def start(self, weight: Any) -> list[Any]:
        """Two means, and how many steps were made."""
        return [weight * 0, weight * 0, 0]

    def moved(self, f: Any, weight: Any, pull: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        """The weight after a step, for JAX."""
        mean = FIRST * state[0] + (1 - FIRST) * pull
        square = SECOND * state[1] + (1 - SECOND) * pull * pull
        count = state[2] + 1
        size = f.sqrt(square / (1 - SECOND**count)) + TINY
        step = self.rate * (mean / (1 - FIRST**count)) / size
        return weight - step.astype(weight.dtype), [mean, square, count]

    def move(self, weight: Any, pull: Any, state: list[Any]) -> None:
        """The same in place, for NumPy."""
        mean, square, state[2] = state[0], state[1], state[2] + 1
        single = weight.dtype.type
        mean *= single(FIRST)
        mean += single(1 - FIRST) * pull
        square *= single(SECOND)
        square += single(1 - SECOND) * pull * pull
        size = np.sqrt(square)
        size *= single(1 / np.sqrt(1 - SECOND ** state[2]))
        size += single(TINY)
        weight -= single(self.rate / (1 - FIRST ** state[2])) * mean / size

    def torch(self, torch: Any, weights: Any) -> Any:
        """torch's own, fused."""
        return torch.optim.Adam(weights, lr=self.rate, betas=(FIRST, SECOND), eps=TINY, fused=True)

    def sklearn(self) -> dict[str, Any]:
        """What MLPClassifier calls it."""
        return {"solver": "adam", "learning_rate_init": self.rate}


Rule = Momentum | Adam
