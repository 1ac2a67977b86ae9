"""The points at which homework is judged: the values given, and others that leave the data what they are.

One-hot rows stay one-hot, labels of +1 and -1 and of 0 and 1 stay such labels, whole numbers of an
index stay as they are. Everything else moves, so that a formula that is right by chance is found out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

COUNT = 4  # points of a kind, beside the given one
SIZES = (1.0, 0.1, 0.01)  # of a move: smaller ones where a larger one leaves the domain
LABELS = frozenset({"label", "labels", "target", "targets", "class", "sign"})
NEAR = 1e-6  # relative, of the points beside a kink
Values = list[Any]


def is_label(name: str, value: Any) -> bool:
    """Whether an input looks like labels: one-hot rows, or only +1 and -1, or only 0 and 1.

    A single number is a label only if it is called one.

    >>> is_label("Y", np.eye(3)[[0, 2]]), is_label("w", np.array([0.5, 1.0])), is_label("x", 1.0)
    (True, False, False)
    """
    array = np.asarray(value)
    if array.dtype.kind != "f" or (array.size < 2 and name not in LABELS):
        return False
    signs, bits = np.all(np.abs(array) == 1), np.all((array == 0) | (array == 1))
    mixed = array.size < 2 or np.min(array) < np.max(array)
    return bool((signs or bits) and mixed)


def relabelled(value: Any, generator: np.random.Generator) -> Any:
    """Other labels of the same kind."""
    array = np.asarray(value)
    if np.any(array < 0):
        return np.where(generator.random(array.shape) < 0.5, -1.0, 1.0)[()]
    if array.ndim and np.all(np.sum(array, axis=-1) == 1):
        chosen = generator.integers(0, array.shape[-1], array.shape[:-1])
        return np.eye(array.shape[-1])[chosen]
    if array.ndim == 0:  # a label of 1 may have -1 or 0 beside it: signs are the commoner kind
        return np.where(generator.random() < 0.5, -1.0, 1.0)[()] if array else array[()]
    return np.where(generator.random(array.shape) < 0.5, 0.0, 1.0)


def moved(value: Any, generator: np.random.Generator, size: float = 1.0) -> Any:
    """The same kind of value elsewhere; whole numbers and truths of an array stay."""
    array = np.asarray(value)
    if array.dtype.kind in "bi":
        return value
    factor = generator.uniform(0.7, 1.3, array.shape)
    step = generator.uniform(0.01, 0.1, array.shape)
    return (array * (1 + size * (factor - 1)) + size * step)[()]


def points(
    names: Sequence[str], values: Values, is_fine: Callable[[Values], bool]
) -> Iterator[Values]:
    """`COUNT` points at which everything moves.

    is_fine: whether a point can be judged at; where not, it is looked for nearer to the given one.
    """
    yield from _points(values, [False] * len(names), is_fine)


def points_of_data(
    names: Sequence[str], values: Values, is_fine: Callable[[Values], bool]
) -> Iterator[Values]:
    """`COUNT` points at which labels stay labels, though not the same ones."""
    yield from _points(
        values, [is_label(n, v) for n, v in zip(names, values, strict=True)], is_fine
    )


def _points(
    values: Values, labels: list[bool], is_fine: Callable[[Values], bool]
) -> Iterator[Values]:
    generator = np.random.Generator(np.random.PCG64(5))
    for _ in range(COUNT):
        for size in SIZES:
            point = [
                relabelled(v, generator) if label else moved(v, generator, size)
                for v, label in zip(values, labels, strict=True)
            ]
            if is_fine(point):
                break
        yield point


def beside(values: Values) -> Iterator[Values]:
    """Points so near to the given one that only what jumps there differs."""
    generator = np.random.Generator(np.random.PCG64(7))
    for _ in range(COUNT):
        yield [_nudged(v, generator) for v in values]


def calm(values: Values) -> Iterator[Values]:
    """Points with real numbers of at most 1, where little saturates and rounding takes few digits."""
    generator = np.random.Generator(np.random.PCG64(11))
    for _ in range(COUNT):
        yield [_calmed(v, generator) for v in values]


def _calmed(value: Any, generator: np.random.Generator) -> Any:
    array = np.asarray(value)
    large = np.abs(array) > 1
    if array.dtype.kind in "bi" or not np.any(large):
        return value
    small = np.copysign(generator.uniform(0.3, 1.0, array.shape), array)
    return np.where(large, small, array)[()]


def _nudged(value: Any, generator: np.random.Generator) -> Any:
    array = np.asarray(value)
    if array.dtype.kind in "bi":
        return value
    return (array + NEAR * (1 + np.abs(array)) * generator.uniform(-1, 1, array.shape))[()]
