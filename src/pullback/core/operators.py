"""Python's operators for everything that gates accept: one table, from spelling to gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Self

import numpy as np

from pullback.core.array_methods import ArrayMethods
from pullback.core.dtypes import BOOL, canonical
from pullback.core.gate import GATES
from pullback.core.numpy_functions import call_function, no_gate
from pullback.core.sites import unnamed
from pullback.errors import DtypeError, GateError

OPERATORS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power", "@": "matmul",
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip

# NumPy's functions of numbers are the gates of the same name, but for these.
UFUNCS: dict[str, Callable[..., Any]] = {
    "true_divide": lambda a, b: GATES["divide"](a, b),
    "float_power": lambda a, b: GATES["power"](a, b),
    "matmul": lambda a, b: _matmul(a, b),
    "positive": lambda x: x,
    "fabs": lambda x: GATES["absolute"](x),
    "square": lambda x: GATES["multiply"](x, x),
    "reciprocal": lambda x: GATES["divide"](1.0, x),
    **dict.fromkeys(("bitwise_and", "logical_and"), lambda a, b: _both(a, b)),
    **dict.fromkeys(("bitwise_or", "logical_or"), lambda a, b: _either(a, b)),
    **dict.fromkeys(("invert", "logical_not"), lambda x: _neither(x)),
}


class Operators(ArrayMethods):
    """`a + b`, `-a`, `a ** 2`, `a @ b`, `np.exp(a)`: each is a call of the gate of that name."""

    __slots__ = ()

    def __apply_gate__(
        self, gate: Any, inputs: tuple[Any, ...], attributes: dict[str, Any]
    ) -> Self:
        raise NotImplementedError

    def __add__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["add"], (self, other), {})

    def __radd__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["add"], (other, self), {})

    def __sub__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["subtract"], (self, other), {})

    def __rsub__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["subtract"], (other, self), {})

    def __mul__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["multiply"], (self, other), {})

    def __rmul__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["multiply"], (other, self), {})

    def __truediv__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["divide"], (self, other), {})

    def __rtruediv__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["divide"], (other, self), {})

    def __pow__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["power"], (self, other), {})

    def __rpow__(self, other: Any) -> Self:
        return self.__apply_gate__(GATES["power"], (other, self), {})

    def __matmul__(self, other: Any) -> Self:
        y: Self = _matmul(self, other)
        return y

    def __rmatmul__(self, other: Any) -> Self:
        y: Self = _matmul(other, self)
        return y

    def __neg__(self) -> Self:
        return self.__apply_gate__(GATES["negative"], (self,), {})

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self.__apply_gate__(GATES["absolute"], (self,), {})

    def __and__(self, other: Any) -> Any:
        return _both(self, other)

    def __rand__(self, other: Any) -> Any:
        return _both(other, self)

    def __or__(self, other: Any) -> Any:
        return _either(self, other)

    def __ror__(self, other: Any) -> Any:
        return _either(other, self)

    def __invert__(self) -> Any:
        return _neither(self)

    def __floordiv__(self, other: Any) -> NoReturn:
        raise GateError("no gate divides into whole numbers (x // y).", fix="floor(x / y)")

    def __mod__(self, other: Any) -> NoReturn:
        raise GateError("no gate gives a remainder (x % y).", fix="x - floor(x / y) * y")

    def __xor__(self, other: Any) -> NoReturn:
        raise GateError(
            "x ^ y is not supported: a power is x ** y, and there are no bitwise gates.",
            fix="x ** y",
        )

    __rfloordiv__, __rmod__, __rxor__ = __floordiv__, __mod__, __xor__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        name = ufunc.__name__
        if method != "__call__" or not (name in UFUNCS or name in GATES):
            raise no_gate(ufunc, method)
        if "out" in keywords:
            raise GateError(
                f"an array of numbers cannot hold what np.{name} makes of a wire or Unit.",
                fix="a = a + x instead of a += x",
            )
        if keywords:
            raise GateError(f"np.{name} of a wire or Unit takes no {next(iter(keywords))!r}.")
        return UFUNCS.get(name, GATES.get(name))(*inputs)  # type: ignore[misc]

    def __array_function__(self, function: Any, kinds: Any, args: Any, keywords: Any) -> Any:
        return call_function(function, args, keywords)


def _truths(sign: str, *values: Any) -> list[Any]:
    """Yes or no, each as it is, or an error: `&` and `|` join comparisons."""
    taken = [
        x if hasattr(x, "__apply_gate__") else canonical(x, f"a side of {sign}") for x in values
    ]
    for x in taken:
        if x.dtype != BOOL:
            raise DtypeError(
                f"{sign} takes bools on both sides; one side is {x.dtype.name}.",
                fix=f"(x > 0) {sign} (x < 2)" if sign != "~" else "~(x > 0)",
            )
    return taken


def _both(a: Any, b: Any) -> Any:
    return GATES["where"](*_truths("&", a, b), False)


def _either(a: Any, b: Any) -> Any:
    a, b = _truths("|", a, b)
    return GATES["where"](a, True, b)


def _neither(x: Any) -> Any:
    return GATES["where"](*_truths("~", x), False, True)


def _matmul(a: Any, b: Any) -> Any:
    """`a @ b` where a single vector stands for a row on the left or a column on the right."""
    a, b = (x if hasattr(x, "shape") else GATES["matmul"].taken(x) for x in (a, b))
    row, column = np.ndim(a) == 1, np.ndim(b) == 1
    if not (row or column):
        return GATES["matmul"](a, b)
    with unnamed(a, b):  # the last row is what the line stores
        a = GATES["reshape"](a, shape=(1, a.shape[0])) if row else a
        b = GATES["reshape"](b, shape=(b.shape[0], 1)) if column else b
        y = GATES["matmul"](a, b)
    kept = y.shape[: y.ndim - row - column] if column else (*y.shape[:-2], y.shape[-1])
    return GATES["reshape"](y, shape=kept)
