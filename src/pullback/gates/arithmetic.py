"""The arithmetic gates: add, subtract, multiply, divide, negative, power."""

from typing import Any

import numpy as np

from pullback.core.gate import gate
from pullback.gates.choose import where, zero_wins
from pullback.gates.compare import equal
from pullback.gates.curves import log


@gate(
    slopes="fixed", takes="number", infix="+", pattern="distributes", holomorphic=True, onnx="Add"
)
def add(a: Any, b: Any) -> Any:
    """y = a + b. The pull on both inputs is the pull on the output.

    >>> float(add(-2.0, 5.0))
    3.0
    """
    return np.add(a, b)


@add.pulls
def d_add(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return dy, dy


@gate(
    slopes="fixed", takes="number", infix="-", pattern="distributes", holomorphic=True, onnx="Sub"
)
def subtract(a: Any, b: Any) -> Any:
    """y = a - b. The pull on the second input has the opposite sign.

    >>> float(subtract(3.0, 5.0))
    -2.0
    """
    return np.subtract(a, b)


@subtract.pulls
def d_subtract(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return dy, -dy


@gate(slopes="finite", takes="number", infix="*", pattern="swaps", holomorphic=True, onnx="Mul")
def multiply(a: Any, b: Any) -> Any:
    """y = a b. The pull on each input is the value of the other times the pull on y.

    >>> float(multiply(-2.0, 3.0))
    -6.0
    """
    return np.multiply(a, b)


@multiply.pulls
def d_multiply(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return b * dy, a * dy


def _divided(a: Any, b: Any) -> str:
    return "finite" if b is not None and np.all(np.isfinite(b) & np.not_equal(b, 0)) else "any"


def _raised(a: Any, b: Any) -> str:
    whole = b is not None and np.all(
        np.isfinite(b) & np.equal(np.floor(b), b) & np.greater_equal(b, 1)
    )
    return "finite" if whole else "any"


@gate(slopes=_divided, infix="/", latex=r"\frac{{{a}}}{{{b}}}", holomorphic=True, onnx="Div")
def divide(a: Any, b: Any) -> Any:
    """y = a / b, as IEEE 754 has it: 1/0 is infinite, 0/0 is NaN.

    >>> float(divide(1.0, 4.0))
    0.25
    """
    return np.true_divide(a, b)


@divide.pulls
def d_divide(dy: Any, y: Any, a: Any, b: Any) -> Any:
    return dy / b, -y / b * dy


@gate(
    slopes="fixed",
    takes="number",
    py="-{x}",
    np="-{x}",
    js="-{x}",
    c="-{x}",
    latex="-{x}",
    onnx="Neg",
    holomorphic=True,
)
def negative(x: Any) -> Any:
    """y = -x.

    >>> float(negative(2.0))
    -2.0
    """
    return np.negative(x)


@negative.pulls
def d_negative(dy: Any, y: Any, x: Any) -> Any:
    return -dy


@gate(
    slopes=_raised,
    infix="**",
    folds=("b",),
    domain=(0.0, np.inf),
    holomorphic=True,
    py="power({a}, {b})",
    np="np.power({a}, {b})",
    js="power({a}, {b})",
    c="pow({a}, {b})",
    latex="{a}^{{{b}}}",
    onnx="Pow",
)
def power(a: Any, b: Any) -> Any:
    """y = a^b, real: NaN for a negative base with a fractional exponent. 0^0 is 1.

    The pull on the exponent is 0 where the base is 0 and the output is 0 or 1.

    >>> float(power(3.0, 2.0))
    9.0
    """
    return np.power(a, b)


@power.pulls
def d_power(dy: Any, y: Any, a: Any, b: Any) -> Any:
    # b a^(b-1) alone would be 0 * inf at a = b = 0; log(a) y would be -inf * 0 at a = 0.
    slope = zero_wins(b, b * power(a, b - 1.0))
    growth = where(equal(a, 0.0), 0.0, log(a) * y)
    return slope * dy, growth * dy


power.helper(
    python="""def power(a, b):
    try:
        y = math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0.0 and b % 2.0 == 1.0 else math.inf
    except ValueError:
        if a == 0.0:
            return math.copysign(math.inf, a) if b % 2.0 == 1.0 else math.inf
        return math.nan
    return y""",
    # JavaScript alone has NaN for 1^NaN and for (+-1)^infinity.
    javascript="""function power(a, b) {
  return a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : Math.pow(a, b);
}""",
)
