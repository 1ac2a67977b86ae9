"""Forces: how hard to pull on a score, given its label. The other view of a loss: force = -dLoss/dscore.

A loss says how bad a score is; a force says which way and how hard to pull it. For every loss there
is a force; for a force there is a loss only if it is conservative, and `loss_of` says so when not.

One factor is easily lost. A loss summed over N examples with a term alpha w^2 pulls w with -2 alpha w
once; a spring -w felt with every single example pulls it with -N w in the same sum. So the spring of
strength 1 is alpha = N/2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from pullback.errors import CircuitError
from pullback.gates.choose import where
from pullback.gates.compare import less
from pullback.gates.curves import relu, sigmoid
from pullback.gates.gather import unpick
from pullback.gates.reduce import softmax
from pullback.lens.transforms import grad
from pullback.nn.losses import (
    CrossEntropy,
    Hinge,
    Logistic,
    Loss,
    MeanSquaredError,
    SquaredHinge,
)

Rule = Callable[[Any, Any], Any]


class Force(ABC):
    """A force specification: a rule from score and label to a pull. Takes numbers, wires and Units."""

    @abstractmethod
    def __call__(self, score: Any, label: Any) -> Any:
        """The pull on each score: up where positive."""


@dataclass(frozen=True)
class HingeForce(Force):
    """label where label * score < 1, else 0: pull until the margin is met, always just as hard.

    >>> [float(HingeForce()(s, +1.0)) for s in (-5.0, 0.9, 1.0)]
    [1.0, 1.0, 0.0]
    """

    def __call__(self, score: Any, label: Any) -> Any:
        return where(less(label * score, 1.0), label, 0.0)


@dataclass(frozen=True)
class SquaredHingeForce(Force):
    """2 label max(0, 1 - label * score): the further off, the harder.

    >>> float(SquaredHingeForce()(-1.0, +1.0))
    4.0
    """

    def __call__(self, score: Any, label: Any) -> Any:
        return 2.0 * label * relu(1.0 - label * score)


@dataclass(frozen=True)
class LogisticForce(Force):
    """label / (1 + e^(label * score)): never quite satisfied.

    >>> float(LogisticForce()(0.0, -1.0))
    -0.5
    """

    def __call__(self, score: Any, label: Any) -> Any:
        return label * sigmoid(-(label * score))


@dataclass(frozen=True)
class SoftmaxForce(Force):
    """1 on the right class, 0 elsewhere, minus softmax(score): what the right one gains the others lose.

    Shapes: score (n, k), label (n,) integers -> (n, k).

    >>> SoftmaxForce()(np.zeros((1, 2)), np.array([0])).tolist()
    [[0.5, -0.5]]
    """

    def __call__(self, score: Any, label: Any) -> Any:
        right = unpick(np.ones(np.shape(label)), label, size=score.shape[-1])
        return right - softmax(score, axis=-1)


@dataclass(frozen=True)
class SquaredForce(Force):
    """2 (target - score): a spring between score and target.

    >>> float(SquaredForce()(1.0, 3.0))
    4.0
    """

    def __call__(self, score: Any, label: Any) -> Any:
        return 2.0 * (label - score)


@dataclass(frozen=True)
class DerivedForce(Force):
    """The force of any loss, one example at a time: minus its gradient."""

    loss: Loss

    def __call__(self, score: Any, label: Any) -> Any:
        return -grad(lambda s: self.loss.each(s, label).sum())(np.asarray(score, float))


PAIRS: tuple[tuple[type[Loss], type[Force]], ...] = (
    (Hinge, HingeForce),
    (SquaredHinge, SquaredHingeForce),
    (Logistic, LogisticForce),
    (CrossEntropy, SoftmaxForce),
    (MeanSquaredError, SquaredForce),
)


def force_of(loss: Loss) -> Force:
    """The force of a loss: in closed form where it is known, else by its gradient.

    >>> force_of(Hinge())
    HingeForce()
    """
    return next((force() for known, force in PAIRS if type(loss) is known), DerivedForce(loss))


def loss_of(
    force: Force | Callable[[Any, Any], Any], scores: int = 1, label: Any = 1.0
) -> Callable[..., Any]:
    """The loss whose force this is: `each(score, label)`, zero at score 0 when it has to be measured.

    In closed form where it is known; else the work done against the force on the straight way from
    0, by Gauss-Legendre quadrature. scores: how many numbers one example's score has. A rule on
    several scores has a loss only if its Jacobian is symmetric; CircuitError names the first pair
    of scores that go around in circles.

    >>> round(float(loss_of(lambda s, y: -s**3)(2.0, 1.0)), 6)
    4.0
    """
    for known, paired in PAIRS:
        if type(force) is paired:
            return known().each
    _check_conservative(force, scores, label)
    return _Work(force)


@dataclass(frozen=True)
class _Work:
    """-(work done by the force) along the straight way from 0 to the score."""

    force: Callable[[Any, Any], Any]
    pieces: int = 64

    def __call__(self, score: Any, label: Any) -> Any:
        score = np.asarray(score, float)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        edges = np.linspace(0.0, 1.0, self.pieces + 1)
        total = np.zeros(score.shape[:-1] if score.ndim else ())
        for start, stop in pairwise(edges):
            for node, weight in zip(nodes, weights, strict=True):
                t = start + (stop - start) * (node + 1.0) / 2.0
                power = np.asarray(self.force(t * score, label)) * score
                total -= weight * (stop - start) / 2.0 * (power.sum(-1) if score.ndim else power)
        return total[()]


def _check_conservative(force: Callable[[Any, Any], Any], scores: int, label: Any) -> None:
    if scores == 1:
        return  # along one line every force is the slope of something
    generator = np.random.Generator(np.random.PCG64(3))
    for _ in range(5):
        at = generator.normal(size=scores)
        jacobian = _jacobian(force, at, label)
        uneven = np.abs(jacobian - jacobian.T)
        i, j = (int(k) for k in np.unravel_index(np.argmax(uneven), uneven.shape))
        if uneven[i, j] > 1e-6 * max(1.0, float(np.abs(jacobian).max())):
            raise CircuitError(
                "this force is not the gradient of any loss: its Jacobian is not symmetric.",
                where=[
                    f"d force[{i}] / d score[{j}] = {jacobian[i, j]:.6g}",
                    f"d force[{j}] / d score[{i}] = {jacobian[j, i]:.6g}, which should be the same",
                ],
            )


def _jacobian(force: Callable[[Any, Any], Any], at: Any, label: Any) -> Any:
    h = 1e-5
    columns = []
    for direction in np.eye(len(at)):
        up, down = force(at + h * direction, label), force(at - h * direction, label)
        columns.append((np.asarray(up) - np.asarray(down)) / (2.0 * h))
    return np.stack(columns, axis=-1)
