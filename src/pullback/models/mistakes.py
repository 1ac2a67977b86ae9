"""The worst mistakes of a model on its test rows, each with the columns that led there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pullback.models.attribution import contributions, in_words
from pullback.models.problem import Problem
from pullback.nn.init import Array

if TYPE_CHECKING:
    from pullback.models.estimator import Estimator

WORST, MOST_CELLS = 10, 10


class Worst(NamedTuple):
    """Rows on which a model errs most: which, what to say of each under `head`, and what pulls on their
    scores when one asks why."""

    rows: list[int]
    head: list[str]
    said: list[list[str]]
    forces: Sequence[Any]


def worst_labels(codes: Array, proba: Array, names: Sequence[str]) -> Worst:
    """The wrong rows whose true class was thought least likely."""
    taken = proba.argmax(axis=-1)
    sure = proba[np.arange(len(codes)), codes]
    rows = [int(i) for i in np.argsort(sure, kind="stable") if taken[i] != codes[i]][:WORST]
    said = [[names[codes[i]], names[taken[i]], f"{proba[i, taken[i]]:.1%}"] for i in rows]
    one = np.eye(len(names))
    forces = [one[taken[i]] - one[codes[i]] for i in rows]
    return Worst(rows, ["true", "predicted", "probability"], said, forces)


def worst_numbers(y: Array, expected: Array) -> Worst:
    """The rows with the largest residual."""
    miss = y - expected
    rows = [int(i) for i in np.argsort(-np.abs(miss), kind="stable")[:WORST]]
    said = [[f"{y[i]:.6g}", f"{expected[i]:.6g}", f"{miss[i]:+.4g}"] for i in rows]
    return Worst(rows, ["true", "predicted", "residual"], said, [np.ones(1)] * len(rows))


@dataclass(eq=False)
class Mistakes:
    """Rows as cells under `head`; images: each row as grey cells from 0 to 1, where it is a picture."""

    head: list[str]
    rows: list[list[str]]
    images: list[list[float]] = field(default_factory=list)


def mistakes_of(problem: Problem, model: Estimator, found: Worst) -> Mistakes:
    """These test rows with their cells, and why the model said so."""
    rows = [int(problem.parts.test[i]) for i in found.rows]
    images = _images(problem, rows)
    names, cells = _cells(problem, rows)
    if images:
        numbered = [[*a, b[0]] for a, b in zip(found.said, cells, strict=True)]
        return Mistakes([*found.head, "row"], numbered, images)
    why = [
        in_words(contributions(model, problem.X[row], force, problem.groups))
        for row, force in zip(rows, found.forces, strict=True)
    ]
    told = [[*a, b, *c] for a, b, c in zip(found.said, why, cells, strict=True)]
    return Mistakes([*found.head, "why", *names], told)


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
