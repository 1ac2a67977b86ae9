"""Where weights start: functions (generator, shape, dtype) -> array. The same generator, the same weights.

The last two axes of a shape are what comes in and what goes out; axes before them (a window's) make
every unit have that many more inputs. Numbers are drawn in float64 and rounded once, so a float32
net starts where its float64 twin starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Init = Callable[[np.random.Generator, Shape, "np.dtype[Any]"], Array]


def zeros(generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """All 0: for biases. Weights that all start equal stay equal, and their units learn the same.

    >>> zeros(np.random.default_rng(0), (2,), np.dtype("float32"))
    array([0., 0.], dtype=float32)
    """
    return np.zeros(shape, dtype)


def he(generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Normal with standard deviation sqrt(2 / inputs): for layers before ReLUs.

    Source: He et al. 2015.

    >>> round(float(he(np.random.default_rng(0), (800, 100), np.dtype("float64")).std()), 3)
    0.05
    """
    return _normal(generator, shape, dtype, math.sqrt(2.0 / _inputs(shape)))


def lecun(generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Normal with standard deviation sqrt(1 / inputs): a linear unit keeps the variance of its inputs.

    Source: LeCun et al. 1998.

    >>> round(float(lecun(np.random.default_rng(0), (400, 100), np.dtype("float64")).std()), 3)
    0.05
    """
    return _normal(generator, shape, dtype, math.sqrt(1.0 / _inputs(shape)))


def xavier(generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Uniform within +-sqrt(6 / (inputs + outputs)): for tanh and sigmoid, forwards and backwards.

    Source: Glorot and Bengio 2010.

    >>> float(abs(xavier(np.random.default_rng(0), (4, 2), np.dtype("float64"))).max()) < 1.0
    True
    """
    outputs = math.prod(shape) // shape[-2] if len(shape) > 1 else math.prod(shape)
    limit = math.sqrt(6.0 / max(_inputs(shape) + outputs, 1))
    return generator.uniform(-limit, limit, shape).astype(dtype)


def _normal(
    generator: np.random.Generator, shape: Shape, dtype: np.dtype[Any], spread: float
) -> Array:
    return (spread * generator.standard_normal(shape)).astype(dtype)


def _inputs(shape: Shape) -> int:
    """How many inputs one unit has."""
    return max(math.prod(shape[:-1]), 1)
