"""The sets of the guide, which are three: its table, its programs and its loss example differ."""

from __future__ import annotations

import numpy as np

from pullback.data.dataset import Dataset

SOURCE = 'A. Karpathy, "Hacker\'s guide to Neural Networks" (2014), chapter 2'
LICENCE = "facts; six points of two numbers"


def seed_table() -> Dataset:
    """The points of the guide's table. Separable, but only with a margin of 0.0358.

    >>> seed_table().X[4].tolist(), int(seed_table().y[4])
    ([3.0, 1.1], -1)
    """
    points = [[1.2, 0.7], [-0.3, 0.5], [-3.0, -1.0], [0.1, 1.0], [3.0, 1.1], [2.1, -3.0]]
    return _set("seed_table", points, [1, -1, 1, -1, -1, 1])


def seed_code() -> Dataset:
    """The points of the guide's programs. Rows 2 to 5 differ from its table; the margin is 0.8325.

    >>> seed_code().X[4].tolist()
    [-1.0, 1.1]
    """
    points = [[1.2, 0.7], [-0.3, -0.5], [3.0, 0.1], [-0.1, -1.0], [-1.0, 1.1], [2.1, -3.0]]
    return _set("seed_code", points, [1, -1, 1, -1, -1, 1])


def seed_loss() -> Dataset:
    """The three points of the guide's loss example.

    >>> seed_loss().X.shape
    (3, 2)
    """
    return _set("seed_loss", [[1.2, 0.7], [-0.3, 0.5], [3.0, 2.5]], [1, -1, 1])


def _set(name: str, points: list[list[float]], labels: list[int]) -> Dataset:
    return Dataset(
        name=name,
        X=np.array(points),
        y=np.array(labels, dtype=np.int64),
        feature_names=("x", "y"),
        class_names=("-1", "+1"),
        source=SOURCE,
        licence=LICENCE,
    )
