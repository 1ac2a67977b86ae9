"""Matrix gates: matmul, dot."""

import math
from typing import Any

import numpy as np

from pullback.core.gate import gate, recipe
from pullback.core.shapes import Shape
from pullback.errors import ShapeError
from pullback.gates.reduce import sum
from pullback.gates.shape import reshape, transpose


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
    """y = a b. The pull on each side uses the other, transposed. Axes before the last two broadcast.

    >>> matmul(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    return np.matmul(a, b)


@matmul.pulls
def d_matmul(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return dy @ turned(b), turned(a) @ dy


def _dotted(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        return a + b
    if a[-1] != b[-2:][0]:
        raise ShapeError(f"the last axis of 'a' {a} and the {_of_b(b)} axis of 'b' {b} differ.")
    return (*a[:-1], *b[:-2], *(b[-1:] if len(b) > 1 else ()))


def _of_b(b: Shape) -> str:
    return "last" if len(b) == 1 else "last but one"


@recipe(slopes="finite", shape=_dotted, takes="number", latex=r"\langle {a}, {b} \rangle")
def dot(a: Any, b: Any) -> Any:
    """y = sum(a b) of two vectors; of matrices their product a b, as numpy.dot has it.

    The last axis of a meets the last but one of b (the only one of a vector); the axes that are left
    stand side by side: nothing broadcasts. With a single number it is the product.

    Shapes: (d), (d) -> (); (n, d), (d) -> (n); (n, d), (d, k) -> (n, k).

    >>> float(dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    """
    left, right = np.shape(a), np.shape(b)
    if not left or not right:
        return a * b
    if len(right) == 1:
        return sum(a * b, axis=-1)
    if len(right) > 2:
        last = len(right) - 1
        b = transpose(b, axes=(last - 1, *range(last - 1), last))
    rows = reshape(a, shape=(math.prod(left[:-1]), left[-1]))
    columns = reshape(b, shape=(left[-1], math.prod(right[:-2]) * right[-1]))
    return reshape(matmul(rows, columns), shape=(*left[:-1], *right[:-2], right[-1]))
