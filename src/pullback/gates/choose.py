"""Gates that choose: where, maximum, minimum. The pull goes to the chosen input alone."""

from typing import Any

import numpy as np

from pullback.core import options
from pullback.core.dtypes import BOOL
from pullback.core.gate import gate
from pullback.errors import OptionError
from pullback.gates.compare import equal, greater, less


@gate(
    chooses="condition", slopes="fixed",
    takes="any", kinds={"condition": BOOL}, pattern="routes",
    py="{a} if {condition} else {b}", np="np.where({condition}, {a}, {b})[()]",
    js="{condition} ? {a} : {b}", c="{condition} ? {a} : {b}",
    latex=r"\begin{{cases}}{a} & {condition} \\ {b} & \text{{otherwise}}\end{{cases}}", onnx="Where",
)  # fmt: skip
def where(condition: Any, a: Any, b: Any) -> Any:
    """y = a where the condition holds, else b. The pull on the side not chosen is always 0.

    >>> float(where(True, 1.0, 2.0))
    1.0
    """
    return np.where(condition, a, b)[()]


@where.pulls
def d_where(dy: Any, y: Any, condition: Any, a: Any, b: Any) -> Any:
    return None, where(condition, dy, 0.0), where(condition, 0.0, dy)


def zero_wins(factor: Any, product: Any) -> Any:
    """`product`, but 0 where `factor` is 0 and 0 * infinity or 0 / 0 made NaN of it.

    Where the product is finite its own 0 is kept: a constant 0 would hide how it grows with the
    factor, and second derivatives and forward mode live on that.
    """
    return where(equal(factor, 0.0), where(equal(product, product), product, 0.0), product)


_TIES = {"ties": options.one_of("split", "first", "all")}


def _shares(dy: Any, wins: Any, a: Any, b: Any, ties: str) -> Any:
    # The two shares of a tie: half each, all to the first, or (the guide's own code) all to both.
    first, second = {"split": (0.5, 0.5), "first": (1.0, 0.0), "all": (1.0, 1.0)}[ties]
    tie = equal(a, b)
    return where(wins(a, b), dy, where(tie, first * dy, 0.0)), where(
        wins(b, a), dy, where(tie, second * dy, 0.0)
    )


@gate(
    chooses="value", slopes="fixed",
    takes="number", options=_TIES, kink=lambda a, b, **_: a - b, pattern="routes",
    py="maximum({a}, {b})", np="maximum({a}, {b})", js="maximum({a}, {b})", c="maximum({a}, {b})",
    latex=r"\max({a}, {b})", onnx="Max",
)  # fmt: skip
def maximum(a: Any, b: Any, *, ties: str = "split") -> Any:
    """y = the larger of a and b; b where they are equal (so max(+0, -0) is -0). A NaN wins.

    At a tie each input gets half of the pull; with ties="first" a gets all of it, with ties="all" both
    do, as in the code of Karpathy's guide.

    >>> float(maximum(3.0, -1.0))
    3.0
    """
    return np.where(np.greater(a, b) | np.not_equal(a, a), a, b)[()]


@maximum.pulls
def d_maximum(dy: Any, y: Any, a: Any, b: Any, *, ties: str) -> Any:
    return _shares(dy, greater, a, b, ties)


maximum.helper(
    python="def maximum(a, b):\n    return a if a > b or a != a else b",
    numpy="def maximum(a, b):\n    return np.where((a > b) | (a != a), a, b)[()]",
    javascript="function maximum(a, b) { return a > b || a !== a ? a : b; }",
    c="static double maximum(double a, double b) { return a > b || a != a ? a : b; }",
)


@gate(
    chooses="value", slopes="fixed",
    takes="number", options=_TIES, kink=lambda a, b, **_: a - b, pattern="routes",
    py="minimum({a}, {b})", np="minimum({a}, {b})", js="minimum({a}, {b})", c="minimum({a}, {b})",
    latex=r"\min({a}, {b})", onnx="Min",
)  # fmt: skip
def minimum(a: Any, b: Any, *, ties: str = "split") -> Any:
    """y = the smaller of a and b; b where they are equal. A NaN wins.

    >>> float(minimum(3.0, -1.0))
    -1.0
    """
    return np.where(np.less(a, b) | np.not_equal(a, a), a, b)[()]


@minimum.pulls
def d_minimum(dy: Any, y: Any, a: Any, b: Any, *, ties: str) -> Any:
    return _shares(dy, less, a, b, ties)


minimum.helper(
    python="def minimum(a, b):\n    return a if a < b or a != a else b",
    numpy="def minimum(a, b):\n    return np.where((a < b) | (a != a), a, b)[()]",
    javascript="function minimum(a, b) { return a < b || a !== a ? a : b; }",
    c="static double minimum(double a, double b) { return a < b || a != a ? a : b; }",
)


def _check_bounds(*, low: float, high: float) -> None:
    if not low <= high:
        raise OptionError(f"low={low} is not below high={high}.")


def _bounds(dtype: np.dtype[Any], *bounds: float) -> list[Any]:
    # The bounds as numbers of the dtype. Beyond what it holds no number lies: its own limit will do.
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return [dtype.type(bound) for bound in bounds]
    limits = np.iinfo(dtype)
    return [dtype.type(min(max(bound, limits.min), limits.max)) for bound in bounds]


@gate(
    chooses="value", slopes="fixed",
    takes="number", kink=lambda x, low, high: (x - low) * (x - high), pattern="routes",
    options={"low": options.bound(-np.inf), "high": options.bound(np.inf)}, check=_check_bounds,
    py="clamp({x}, {low}, {high})", np="np.clip({x}, {low}, {high})", js="clamp({x}, {low}, {high})",
    c="clamp({x}, {low}, {high})", latex=r"\min(\max({x}, {low}), {high})", onnx="Clip",
)  # fmt: skip
def clamp(x: Any, *, low: float = -np.inf, high: float = np.inf) -> Any:
    """y = x limited to low..high; an omitted bound does not limit. A NaN stays a NaN.

    Outside and on the bounds the pull is 0, as for relu at 0.

    >>> float(clamp(3.0, low=-1.0, high=1.0))
    1.0
    """
    return np.clip(x, *_bounds(np.asarray(x).dtype, low, high))


@clamp.pulls
def d_clamp(dy: Any, y: Any, x: Any, *, low: float, high: float) -> Any:
    # A bound that is left out is not asked for: infinity does not lie on it.
    pull = where(less(x, high), dy, 0.0) if high < np.inf else dy
    return where(greater(x, low), pull, 0.0) if low > -np.inf else pull


clamp.helper(
    python="def clamp(x, low, high):\n    return low if x < low else high if x > high else x",
    javascript="function clamp(x, low, high) { return x < low ? low : x > high ? high : x; }",
    c="""static double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}""",
)
