"""The linear baseline of a net."""

from __future__ import annotations

from pullback.models.estimator import Estimator
from pullback.models.problem import Problem, rows_of


def linear_score(problem: Problem, model: Estimator) -> float:
    """The accuracy, or RMSE, on the test rows of a linear model with the options and rows of `model`.

    Softmax regression for classes, least squares for numbers, by the same steps.
    """
    linear = model.linear()
    train, validation, test = (rows_of(problem, part) for part in problem.parts)
    linear.fit(*train, validation, feature_names=problem.features)
    return float(linear.loss(*test) ** 0.5) if linear.task == "regression" else linear.score(*test)
