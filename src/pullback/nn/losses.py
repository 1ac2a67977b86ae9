"""Losses: one number that says how wrong the scores are. Training makes it smaller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from pullback.errors import ShapeError
from pullback.gates.compare import equal
from pullback.gates.gather import pick
from pullback.gates.reduce import argmax, logsumexp, mean, sum
from pullback.gates.shape import cast


class Loss(ABC):
    """What the net's last wire is compared with. Takes wires and writes gates, or arrays and computes."""

    @abstractmethod
    def __call__(self, scores: Any, target: Any) -> Any:
        """One number, the mean over the rows: scores and target -> ()."""


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """mean of -log softmax(scores)[label]: the surprise at the right label.

    Takes scores, not probabilities; a net that ends in softmax would be squashed twice.

    Shapes: scores (n, k), target (n,) integers from 0 to k - 1.
    Errors: RangeError for a label outside.

    >>> import numpy as np
    >>> round(float(CrossEntropy()(np.zeros((2, 10)), np.array([3, 7]))), 4)
    2.3026
    """

    def __call__(self, scores: Any, target: Any) -> Any:
        return mean(logsumexp(scores, axis=-1) - pick(scores, target))


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """mean of (scores - target)^2, over every element.

    Shapes: scores and target alike.

    >>> import numpy as np
    >>> float(MeanSquaredError()(np.array([[1.0], [3.0]]), np.array([[0.0], [1.0]])))
    2.5
    """

    def __call__(self, scores: Any, target: Any) -> Any:
        if scores.shape != target.shape:
            # Broadcast, (n, 1) against (n,) would compare every row with every other.
            raise ShapeError(f"scores {scores.shape} and target {target.shape} differ in shape.")
        miss = scores - target
        return mean(miss * miss)


def count_right(scores: Any, target: Any) -> Any:
    """How many rows have their largest score at the label.

    >>> import numpy as np
    >>> int(count_right(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1])))
    1
    """
    return sum(cast(equal(argmax(scores, axis=-1), target), dtype="int64"))
