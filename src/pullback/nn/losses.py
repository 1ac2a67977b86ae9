"""Losses: one number that measures how wrong the scores are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.errors import ShapeError
from pullback.gates.compare import equal
from pullback.gates.curves import relu, softplus
from pullback.gates.gather import pick
from pullback.gates.reduce import argmax, logsumexp, mean, sum
from pullback.gates.shape import cast


class Loss(ABC):
    """A loss of the net's last wire. Takes wires and writes gates, or arrays and computes."""

    @abstractmethod
    def each(self, scores: Any, target: Any) -> Any:
        """The loss of every example by itself: the cost receipt."""

    def __call__(self, scores: Any, target: Any) -> Any:
        """One number, the mean over the examples: scores and target -> ()."""
        return mean(self.each(scores, target))


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """mean of -log softmax(scores)[label].

    Takes scores, not probabilities; a net that ends in softmax would be squashed twice.

    Shapes: scores (n, k), target (n,) integers from 0 to k - 1.
    Errors: RangeError for a label outside.

    >>> import numpy as np
    >>> round(float(CrossEntropy()(np.zeros((2, 10)), np.array([3, 7]))), 4)
    2.3026
    """

    def each(self, scores: Any, target: Any) -> Any:
        return logsumexp(scores, axis=-1) - pick(scores, target)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """mean of (scores - target)^2, over every element.

    Shapes: scores and target alike.

    >>> import numpy as np
    >>> float(MeanSquaredError()(np.array([[1.0], [3.0]]), np.array([[0.0], [1.0]])))
    2.5
    """

    def each(self, scores: Any, target: Any) -> Any:
        if np.shape(scores) != np.shape(target):
            # Broadcast, (n, 1) against (n,) would compare every row with every other.
            said = f"scores {np.shape(scores)} and target {np.shape(target)}"
            raise ShapeError(f"{said} differ in shape.")
        miss = scores - target
        return miss * miss


@dataclass(frozen=True)
class Hinge(Loss):
    """max(0, 1 - label * score): nothing to pay once the margin of 1 is met. The SVM's loss.

    Shapes: scores and target alike; target -1 or +1. Source: Cortes and Vapnik 1995.

    >>> round(float(Hinge().each(0.56, 1.0)), 6)
    0.44
    """

    def each(self, scores: Any, target: Any) -> Any:
        return relu(1.0 - target * scores)


@dataclass(frozen=True)
class SquaredHinge(Loss):
    """max(0, 1 - label * score)^2: smooth at the margin, harsh on outlying labels.

    Shapes: scores and target alike; target -1 or +1.

    >>> float(SquaredHinge().each(-1.0, 1.0))
    4.0
    """

    def each(self, scores: Any, target: Any) -> Any:
        short = relu(1.0 - target * scores)
        return short * short


@dataclass(frozen=True)
class Logistic(Loss):
    """log(1 + e^(-label * score)): the surprise at a label -1 or +1. No overflow for any score.

    Shapes: scores and target alike.

    >>> round(float(Logistic().each(0.0, 1.0)), 6)
    0.693147
    """

    def each(self, scores: Any, target: Any) -> Any:
        return softplus(-(target * scores))


def are_right(scores: Any, target: Any) -> Any:
    """Whether each row has its largest score at the label.

    >>> import numpy as np
    >>> are_right(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    array([ True, False])
    """
    return equal(argmax(scores, axis=-1), target)


def count_right(scores: Any, target: Any) -> Any:
    """How many rows have their largest score at the label.

    >>> import numpy as np
    >>> int(count_right(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1])))
    1
    """
    return sum(cast(are_right(scores, target), dtype="int64"))
