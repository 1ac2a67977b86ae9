"""Curves of one input: exp, log, tanh, sigmoid, relu and others."""

import math
from typing import Any

import numpy as np

from pullback.core.gate import gate, recipe
from pullback.gates.choose import clamp, maximum, where, zero_wins
from pullback.gates.compare import equal, greater, less


@gate(
    py="exp({x})", np="np.exp({x})", js="Math.exp({x})", c="exp({x})", latex=r"e^{{{x}}}", onnx="Exp",
    holomorphic=True,
)  # fmt: skip
def exp(x: Any) -> Any:
    """y = e^x. Its own slope. Overflows to infinity above 709.8 (float32: 88.7).

    >>> float(exp(0.0))
    1.0
    """
    return np.exp(x)


@exp.pulls
def d_exp(dy: Any, y: Any, x: Any) -> Any:
    return y * dy


exp.helper(
    python="""def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf"""
)


@gate(
    py="log({x})", np="np.log({x})", js="Math.log({x})", c="log({x})", latex=r"\log({x})", onnx="Log",
    domain=(0.0, np.inf), holomorphic=True,
)  # fmt: skip
def log(x: Any) -> Any:
    """y = log(x), natural. -inf at 0, NaN below.

    >>> float(log(1.0))
    0.0
    """
    return np.log(x)


@log.pulls
def d_log(dy: Any, y: Any, x: Any) -> Any:
    return dy / x


log.helper(
    python="""def log(x):
    if x > 0.0:
        return math.log(x)
    return -math.inf if x == 0.0 else math.nan"""
)


@gate(
    slopes="finite",
    py="math.tanh({x})", np="np.tanh({x})", js="Math.tanh({x})", c="tanh({x})", latex=r"\tanh({x})",
    onnx="Tanh", holomorphic=True,
)  # fmt: skip
def tanh(x: Any) -> Any:
    """y = tanh(x), squashed into (-1, 1).

    Where the curve is flat the pull is nearly 0, so a saturated unit hardly learns; it is never rounded
    to 0 too early.

    >>> round(float(tanh(0.5)), 4)
    0.4621
    """
    return np.tanh(x)


@tanh.pulls
def d_tanh(dy: Any, y: Any, x: Any) -> Any:
    # Not 1 - y*y: that is exactly 0 from x = 9 in float32 while the true slope is not.
    return 4.0 * sigmoid(2.0 * x) * sigmoid(-2.0 * x) * dy


@gate(
    slopes="finite",
    py="sigmoid({x})", np="sigmoid({x})", js="sigmoid({x})", c="sigmoid({x})", latex=r"\sigma({x})",
    onnx="Sigmoid", holomorphic=True,
)  # fmt: skip
def sigmoid(x: Any) -> Any:
    """y = 1 / (1 + e^-x), squashed into (0, 1). No overflow on either side.

    >>> round(float(sigmoid(3.0)), 7)
    0.9525741
    """
    if np.iscomplexobj(x):
        return 1.0 / (1.0 + np.exp(-x))
    tail = np.exp(-np.abs(x))
    return np.where(np.signbit(x), tail, np.ones_like(tail))[()] / (1.0 + tail)


@sigmoid.pulls
def d_sigmoid(dy: Any, y: Any, x: Any) -> Any:
    # Not y * (1 - y): 1 - y is exactly 0 from x = 16.6 in float32.
    return y * sigmoid(-x) * dy


@sigmoid.parts
def sigmoid_parts(x: Any) -> Any:
    return 1.0 / (1.0 + exp(-x))


sigmoid.helper(
    python="""def sigmoid(x):
    tail = math.exp(-abs(x))
    return (tail if math.copysign(1.0, x) < 0.0 else 1.0) / (1.0 + tail)""",
    numpy="""def sigmoid(x):
    tail = np.exp(-np.abs(x))
    return np.where(np.signbit(x), tail, np.ones_like(tail))[()] / (1.0 + tail)""",
    javascript="""function sigmoid(x) {
  const tail = Math.exp(-Math.abs(x));
  return (x < 0 ? tail : 1) / (1 + tail);
}""",
    c="""static double sigmoid(double x) {
  double tail = exp(-fabs(x));
  return (x < 0 ? tail : 1.0) / (1.0 + tail);
}""",
)


@gate(
    chooses="value", slopes="fixed",
    py="relu({x})", np="relu({x})", js="relu({x})", c="relu({x})", latex=r"\mathrm{{relu}}({x})",
    onnx="Relu", takes="number", kink=lambda x: x, pattern="routes",
)  # fmt: skip
def relu(x: Any) -> Any:
    """y = x if x > 0 else 0. A NaN stays a NaN; relu(-0) is +0.

    The slope at exactly 0 is 0, the same everywhere.

    >>> float(relu(-3.0)), float(relu(2.0))
    (0.0, 2.0)
    """
    return np.where(np.greater(x, 0) | np.not_equal(x, x), x, np.zeros_like(x))[()]


@relu.pulls
def d_relu(dy: Any, y: Any, x: Any) -> Any:
    return where(greater(x, 0.0), dy, 0.0)


relu.helper(
    python="def relu(x):\n    return x if x > 0.0 or x != x else 0.0",
    numpy="def relu(x):\n    return np.where((x > 0) | (x != x), x, np.zeros_like(x))[()]",
    javascript="function relu(x) { return x > 0 || x !== x ? x : 0; }",
    c="static double relu(double x) { return x > 0 || x != x ? x : 0.0; }",
)


@gate(
    py="log1p({x})", np="np.log1p({x})", js="Math.log1p({x})", c="log1p({x})",
    latex=r"\log(1 + {x})", domain=(-1.0, np.inf), holomorphic=True,
)  # fmt: skip
def log1p(x: Any) -> Any:
    """y = log(1 + x), exact near 0. -inf at -1, NaN below.

    >>> float(log1p(1e-20))
    1e-20
    """
    return np.log1p(x)


@log1p.pulls
def d_log1p(dy: Any, y: Any, x: Any) -> Any:
    return dy / (1.0 + x)


log1p.helper(
    python="""def log1p(x):
    if x > -1.0:
        return math.log1p(x)
    return -math.inf if x == -1.0 else math.nan"""
)


@gate(
    py="sqrt({x})", np="np.sqrt({x})", js="Math.sqrt({x})", c="sqrt({x})", latex=r"\sqrt{{{x}}}",
    onnx="Sqrt", domain=(0.0, np.inf), holomorphic=True,
)  # fmt: skip
def sqrt(x: Any) -> Any:
    """y = sqrt(x). NaN below 0; the slope at 0 is infinite.

    >>> float(sqrt(9.0))
    3.0
    """
    return np.sqrt(x)


@sqrt.pulls
def d_sqrt(dy: Any, y: Any, x: Any) -> Any:
    return 0.5 * dy / y


sqrt.helper(python="def sqrt(x):\n    return math.sqrt(x) if x >= 0.0 else math.nan")


@gate(
    chooses="value", slopes="fixed", length=True,
    py="abs({x})", np="np.abs({x})", js="Math.abs({x})", c="fabs({x})", latex=r"|{x}|", onnx="Abs",
    takes="number", kink=lambda x: x,
)  # fmt: skip
def absolute(x: Any) -> Any:
    """y = |x|. The slope at exactly 0 is 0.

    >>> float(absolute(-2.0))
    2.0
    """
    return np.abs(x)


@absolute.pulls
def d_absolute(dy: Any, y: Any, x: Any) -> Any:
    return where(greater(x, 0.0), dy, where(less(x, 0.0), -dy, 0.0))


@recipe(slopes="finite", latex=r"\log(1 + e^{{{x}}})")
def softplus(x: Any) -> Any:
    """y = log(1 + e^x), a relu with a round corner. No overflow for any x.

    >>> round(float(softplus(0.0)), 6)
    0.693147
    """
    return relu(x) + log1p(exp(-absolute(x)))


@softplus.pulls
def d_softplus(dy: Any, y: Any, x: Any) -> Any:
    # Derived, the two corners at 0 would both pull 0; the smooth whole pulls 1/2.
    return sigmoid(x) * dy


@recipe(chooses="value", domain=(0.0, np.inf), latex=r"({x} \log({y}))")
def xlogy(x: Any, y: Any) -> Any:
    """x log(y), and 0 where x is 0, whatever y is: the entropy's convention.

    >>> float(xlogy(0.0, 0.0))
    0.0
    """
    none = equal(x, 0.0)
    return where(none, 0.0, x * log(where(none, 1.0, y)))


@xlogy.pulls
def d_xlogy(dz: Any, z: Any, x: Any, y: Any) -> Any:
    return log(y) * dz, zero_wins(x, x / y) * dz


@gate(
    py="expm1({x})", np="np.expm1({x})", js="Math.expm1({x})", c="expm1({x})",
    latex=r"\left(e^{{{x}}} - 1\right)", holomorphic=True,
)  # fmt: skip
def expm1(x: Any) -> Any:
    """y = e^x - 1, exact near 0 where e^x - 1 would lose every digit.

    >>> float(expm1(1e-20))
    1e-20
    """
    return np.expm1(x)


@expm1.pulls
def d_expm1(dy: Any, y: Any, x: Any) -> Any:
    return exp(x) * dy


expm1.helper(
    python="""def expm1(x):
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf"""
)


@gate(
    slopes="finite",
    py="sin({x})", np="np.sin({x})", js="Math.sin({x})", c="sin({x})", latex=r"\sin({x})", onnx="Sin",
    holomorphic=True,
)  # fmt: skip
def sin(x: Any) -> Any:
    """y = sin(x), x in radians. NaN at infinity.

    >>> float(sin(0.0))
    0.0
    """
    return np.sin(x)


@sin.pulls
def d_sin(dy: Any, y: Any, x: Any) -> Any:
    return cos(x) * dy


sin.helper(python="def sin(x):\n    return math.sin(x) if math.isfinite(x) else math.nan")


@gate(
    slopes="finite",
    py="cos({x})", np="np.cos({x})", js="Math.cos({x})", c="cos({x})", latex=r"\cos({x})", onnx="Cos",
    holomorphic=True,
)  # fmt: skip
def cos(x: Any) -> Any:
    """y = cos(x), x in radians. NaN at infinity.

    >>> float(cos(0.0))
    1.0
    """
    return np.cos(x)


@cos.pulls
def d_cos(dy: Any, y: Any, x: Any) -> Any:
    return -sin(x) * dy


cos.helper(python="def cos(x):\n    return math.cos(x) if math.isfinite(x) else math.nan")

_erf = np.frompyfunc(math.erf, 1, 1)


@gate(
    slopes="finite",
    py="math.erf({x})", np="erf({x})", js="erf({x})", c="erf({x})", latex=r"\mathrm{{erf}}({x})", onnx="Erf"
)  # fmt: skip
def erf(x: Any) -> Any:
    """y = 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x, squashed into (-1, 1).

    >>> round(float(erf(1.0)), 6)
    0.842701
    """
    return np.asarray(_erf(x)).astype(np.asarray(x).dtype)[()]


@erf.pulls
def d_erf(dy: Any, y: Any, x: Any) -> Any:
    # e^(-x^2) in two factors: rounding x^2 alone would cost its size in digits. h^2 is exact.
    near = clamp(x, low=-32.0, high=32.0)  # further out it is 0 in any precision
    h = floor(16.0 * near) / 16.0
    return 1.1283791670955126 * exp(-(h * h)) * exp((h - near) * (h + near)) * dy


erf.helper(
    numpy="""def erf(x):
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(x)).astype(np.asarray(x).dtype)[()]""",
    javascript="""function erf(x) {
  const z = Math.abs(x);
  let y = 1;
  if (!(z >= 1.2)) {
    // 2/sqrt(pi) e^(-z^2) (z + 2 z^3 / 3 + 4 z^5 / 15 + ...): nothing cancels.
    for (let k = 30; k > 0; k--) y = 1 + (2 * z * z / (2 * k + 1)) * y;
    y *= 1.1283791670955126 * z * Math.exp(-z * z);
  } else if (z < 6) {
    // 1 - erfc, small by now, as a continued fraction.
    let f = z;
    for (let k = 160; k > 0; k--) f = z + k / 2 / f;
    y = 1 - Math.exp(-z * z) / f / 1.7724538509055159;
  }
  return x < 0 ? -y : y;
}""",
)


@gate(
    slopes="fixed",
    py="floor({x})", np="np.floor({x})", js="Math.floor({x})", c="floor({x})",
    latex=r"\lfloor {x} \rfloor", onnx="Floor",
    kink=lambda x: np.where(x == np.rint(x), 0.0, np.sin(np.pi * x)),
)  # fmt: skip
def floor(x: Any) -> Any:
    """y = the largest whole number that is not above x. Flat between the steps: nothing can pull it.

    >>> float(floor(-1.5))
    -2.0
    """
    return np.floor(x)


@floor.pulls
def d_floor(dy: Any, y: Any, x: Any) -> Any:
    return None


floor.helper(
    python="def floor(x):\n    return math.copysign(float(math.floor(x)), x) if math.isfinite(x) else x"
)


@recipe(slopes="finite", takes="float", latex=r"\log(e^{{{a}}} + e^{{{b}}})")
def logaddexp(a: Any, b: Any) -> Any:
    """y = log(e^a + e^b) without overflow: the sum of two probabilities kept as logarithms.

    Of -inf and -inf it is -inf, and nothing pulls.

    >>> round(float(logaddexp(1000.0, 1000.0)), 4)
    1000.6931
    """
    gap = where(equal(a, b), 0.0, absolute(a - b))
    return maximum(a, b) + log1p(exp(-gap))


@logaddexp.pulls
def d_logaddexp(dy: Any, y: Any, a: Any, b: Any) -> Any:
    # At a tie a - b is 0, too, but it still grows with a; only of two infinities it would be NaN.
    ends = equal(absolute(a), np.inf)
    gap = where(equal(a, b), where(ends, 0.0, a - b), a - b)
    none = equal(y, -np.inf)
    return where(none, 0.0, sigmoid(gap)) * dy, where(none, 0.0, sigmoid(-gap)) * dy
