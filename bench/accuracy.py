"""How accurate is it, beside scikit-learn, on the same rows? Digits and penguins, five seeds.

    python bench/accuracy.py [digits|penguins ...]

Each seed deals the rows out anew: all models learn from the same 70 %, ours stops by the 15 %, and all
are judged by the last 15 %. Theirs get the validation rows to learn from as well in the second column.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier as TheirNet
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from pullback.data.digits import digits
from pullback.data.shipped import table_path
from pullback.data.split import split
from pullback.data.table import read_any_table
from pullback.models import MLPClassifier
from pullback.models.problem import Question, problem_of_table

SEEDS = range(5)
Part = tuple[Any, Any]
Parts = list[Part]


def parts(name: str, seed: int) -> Parts:
    """Training, validation and test rows."""
    if name == "digits":
        data = digits()
        return [(data.X[rows], data.y[rows]) for rows in split(data.y, seed=seed)]
    table = read_any_table(table_path(name)).table
    problem = problem_of_table(table, Question("species"), seed)
    return [(problem.X[rows], problem.y[rows]) for rows in problem.parts]


def ours(rows: Parts, seed: int) -> float:
    """Our net: learns from the first part, stops by the second, is judged by the third."""
    train, validation, test = rows
    return MLPClassifier(random_state=seed).fit(*train, validation).score(*test)


def theirs(make: Callable[[int], Any], more: bool) -> Callable[[Parts, int], float]:
    """One of theirs on standardised columns; with `more`, the validation rows are learned from too."""

    def score(rows: Parts, seed: int) -> float:
        train, validation, test = rows
        X, y = (
            (np.concatenate(two) for two in zip(train, validation, strict=True)) if more else train
        )
        model = make_pipeline(StandardScaler(), make(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs stops at its own number of epochs
            return float(model.fit(X, y).score(*test))

    return score


def net(seed: int) -> TheirNet:
    """Their net, as wide as ours."""
    return TheirNet((64,), random_state=seed, max_iter=200)


def machine(seed: int) -> SVC:
    """Their support vector machine, as it comes."""
    return SVC()


MODELS: dict[str, Callable[[Parts, int], float]] = {
    "pullback MLPClassifier": ours,
    "scikit-learn MLPClassifier": theirs(net, more=False),
    "scikit-learn SVC": theirs(machine, more=False),
    "scikit-learn MLPClassifier, 85 %": theirs(net, more=True),
    "scikit-learn SVC, 85 %": theirs(machine, more=True),
}


def main(names: list[str]) -> None:
    """Print one line a model."""
    for name in names:
        print(f"{name}: test accuracy in per cent, seeds {SEEDS[0]} to {SEEDS[-1]}")
        dealt = [parts(name, seed) for seed in SEEDS]
        for model, score in MODELS.items():
            began = time.process_time()
            found = [100 * score(rows, seed) for rows, seed in zip(dealt, SEEDS, strict=True)]
            spent = (time.process_time() - began) / len(found)
            each = " ".join(f"{value:6.2f}" for value in found)
            print(f"  {model:34} mean {np.mean(found):6.2f}   {each}   {spent:5.2f} s")


if __name__ == "__main__":
    main(sys.argv[1:] or ["digits", "penguins"])
