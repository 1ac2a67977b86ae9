"""The worst mistakes of a model on its test rows, each with the columns that led there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from pullback.models.attribution import contributions, in_words
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.problem import Problem
from pullback.models.rows import codes_of
from pullback.nn.init import Array

WORST, MOST_CELLS = 10, 10


@dataclass(eq=False)
class Mistakes:
    """Rows as cells under `head`; images: each row as grey cells from 0 to 1, where it is a picture."""

    head: list[str]
    rows: list[list[str]]
    images: list[list[float]] = field(default_factory=list)


def worst(
    problem: Problem,
    model: MLPClassifier | MLPRegressor,
    proba: Array | None,
    expected: Array | None,
) -> Mistakes:
    """The ten worst test rows: the true class thought least likely, or the largest residual."""
    test = problem.parts.test
    y = problem.y[test]
    if isinstance(model, MLPClassifier):
        assert proba is not None
        codes, taken = codes_of(y, model.classes_), proba.argmax(axis=-1)
        sure = proba[np.arange(len(codes)), codes]
        order = [int(i) for i in np.argsort(sure, kind="stable") if taken[i] != codes[i]][:WORST]
        names = [str(label) for label in model.classes_.tolist()]
        said = [[names[codes[i]], names[taken[i]], f"{proba[i, taken[i]]:.1%}"] for i in order]
        head = ["true", "predicted", "probability"]
        one = np.eye(len(names))
        forces = [one[taken[i]] - one[codes[i]] for i in order]
    else:
        assert expected is not None
        miss = y - expected
        order = [int(i) for i in np.argsort(-np.abs(miss), kind="stable")[:WORST]]
        said = [[f"{y[i]:.6g}", f"{expected[i]:.6g}", f"{miss[i]:+.4g}"] for i in order]
        head = ["true", "predicted", "residual"]
        forces = [np.ones(1)] * len(order)
    rows = [int(test[i]) for i in order]
    images = _images(problem, rows)
    names, cells = _cells(problem, rows)
    if images:
        return Mistakes(
            [*head, "row"], [[*a, b[0]] for a, b in zip(said, cells, strict=True)], images
        )
    why = [
        in_words(contributions(model, problem.X[row], force, problem.groups))
        for row, force in zip(rows, forces, strict=True)
    ]
    found = [[*a, b, *c] for a, b, c in zip(said, why, cells, strict=True)]
    return Mistakes([*head, "why", *names], found)


def _images(problem: Problem, rows: list[int]) -> list[list[float]]:
    """Each row as a square picture, where its columns are the pixels of one: p00, p01, ..."""
    side = math.isqrt(len(problem.features))
    if side * side != len(problem.features) or not all(n[:1] == "p" for n in problem.features):
        return []
    if not all(name[1:].isdecimal() for name in problem.features):
        return []
    most = float(problem.X.max()) or 1.0
    return [(problem.X[row] / most).tolist() for row in rows]


def _cells(problem: Problem, rows: list[int]) -> tuple[list[str], list[list[str]]]:
    if problem.table is None:
        some = list(problem.features[:MOST_CELLS])
        cells = [[str(i), *(f"{v:g}" for v in problem.X[i, :MOST_CELLS])] for i in rows]
        return ["row", *some], cells
    names = [c.name for c in problem.columns if c.used][:MOST_CELLS]
    lines, columns = problem.table.lines, [problem.table.column(name) for name in names]
    return ["line", *names], [[str(lines[i]), *(cells[i] for cells in columns)] for i in rows]
