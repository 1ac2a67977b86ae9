"""Matrix gates: matmul, dot."""

from typing import Any

import numpy as np

from pullback.core.gate import gate, recipe
from pullback.gates.reduce import sum
from pullback.gates.shape import transpose


def turned(x: Any) -> Any:
    """x with its last two axes swapped."""
    ndim = len(x.shape)
    return transpose(x, axes=None if ndim == 2 else (*range(ndim - 2), ndim - 1, ndim - 2))


@gate(
    slopes="finite",
    shape="(...,n,d),(...,d,k)->(...,n,k)", takes="number", infix="@", pattern="swaps", holomorphic=True,
    onnx="MatMul",
)  # fmt: skip
def matmul(a: Any, b: Any) -> Any:
    """y = a b. Each side is pulled with the other, turned on its side. Axes before the last two broadcast.

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    return np.matmul(a, b)


@matmul.pulls
def d_matmul(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return dy @ turned(b), turned(a) @ dy


@recipe(
    slopes="finite",
    shape="(...,d),(...,d)->(...)",
    takes="number",
    latex=r"\langle {a}, {b} \rangle",
)
def dot(a: Any, b: Any) -> Any:
    """y = sum(a b) over the last axis.

    >>> float(dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    return sum(a * b, axis=-1)
