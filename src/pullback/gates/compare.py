"""Comparisons: they put out yes or no and nothing can pull through them."""

from typing import Any

import numpy as np

from pullback.core.dtypes import BOOL
from pullback.core.gate import gate


@gate(slopes="fixed", takes="number", result=BOOL, infix="<", onnx="Less")
def less(a: Any, b: Any) -> Any:
    """a < b. False where either is NaN.

    >>> bool(less(1.0, 2.0))
    True
    """
    return np.less(a, b)


@gate(slopes="fixed", takes="number", result=BOOL, infix="<=", onnx="LessOrEqual")
def less_equal(a: Any, b: Any) -> Any:
    """a <= b. False where either is NaN.

    >>> bool(less_equal(2.0, 2.0))
    True
    """
    return np.less_equal(a, b)


@gate(slopes="fixed", takes="number", result=BOOL, infix=">", onnx="Greater")
def greater(a: Any, b: Any) -> Any:
    """a > b. False where either is NaN.

    >>> bool(greater(1.0, 2.0))
    False
    """
    return np.greater(a, b)


@gate(slopes="fixed", takes="number", result=BOOL, infix=">=", onnx="GreaterOrEqual")
def greater_equal(a: Any, b: Any) -> Any:
    """a >= b. False where either is NaN.

    >>> bool(greater_equal(1.0, 2.0))
    False
    """
    return np.greater_equal(a, b)


@gate(slopes="fixed", takes="any", result=BOOL, infix="==", onnx="Equal")
def equal(a: Any, b: Any) -> Any:
    """a == b. False where either is NaN; +0 equals -0.

    >>> bool(equal(2.0, 2.0))
    True
    """
    return np.equal(a, b)


@gate(slopes="fixed", takes="any", result=BOOL, infix="!=")
def not_equal(a: Any, b: Any) -> Any:
    """a != b. True where either is NaN.

    >>> bool(not_equal(2.0, 2.0))
    False
    """
    return np.not_equal(a, b)
