"""Why this row: how much each column of a row moved the model's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pullback.lens.function import function_of_circuit
from pullback.nn.init import Array

if TYPE_CHECKING:
    from pullback.models.estimator import Estimator


def contributions(
    model: Estimator,
    row: Array,
    force: Sequence[float],
    groups: Mapping[str, Sequence[int]],
) -> list[tuple[str, float]]:
    """Pull times distance from the training mean (from 0 where the circuit has none), added up by column.

    force: what pulls on each score, for instance +1 on the predicted class and -1 on the true one. In a
    net without a corner between the row and the mean they add up to the difference of the two answers.
    Shapes: row (d,), force (k,).
    """
    scorer = model.scorer_
    circuit = scorer.circuit
    middle = circuit.by_name.get("mean", -1)
    mean = circuit.constant_of(middle) if middle >= 0 else np.zeros_like(row)
    run = function_of_circuit(circuit).run(
        {"x": row[None, :], **scorer.weights}, force=np.array([force])
    )
    moved = (run.grads["x"] * (row - mean))[0]
    found = [(name, float(moved[list(features)].sum())) for name, features in groups.items()]
    return sorted(found, key=lambda one: -abs(one[1]))


def in_words(found: Sequence[tuple[str, float]], most: int = 3) -> str:
    """The strongest columns in one line.

    >>> in_words([("Sex", 3.14), ("Fare", -0.8), ("Age", 0.0)])
    'Sex +3.1, Fare -0.8'
    """
    return ", ".join(f"{name} {value:+.2g}" for name, value in found[:most] if value)
