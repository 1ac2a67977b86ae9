"""Python's operators for everything that gates accept: one table, from spelling to gate."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, Self

import numpy as np

from pullback.core.gate import GATES

OPERATORS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power", "@": "matmul",
    "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal", "==": "equal", "!=": "not_equal",
}  # fmt: skip

# NumPy's functions on a wire are the gates of the same meaning.
UFUNCS = {"true_divide": "divide", "conjugate": "", "float_power": "power"}


class Operators:
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

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        name = UFUNCS.get(ufunc.__name__, ufunc.__name__)
        if method != "__call__" or keywords or name not in GATES:
            return NotImplemented
        return _matmul(*inputs) if name == "matmul" else GATES[name](*inputs)


def _matmul(a: Any, b: Any) -> Any:
    """`a @ b` where a single vector stands for a row on the left or a column on the right."""
    row, column = np.ndim(a) == 1, np.ndim(b) == 1
    if not (row or column):
        return GATES["matmul"](a, b)
    builder = next((x.builder for x in (a, b) if hasattr(x, "builder")), None)
    with builder.unnamed() if builder else nullcontext():  # the last row is what the line stores
        a = GATES["reshape"](a, shape=(1, a.shape[0])) if row else a
        b = GATES["reshape"](b, shape=(b.shape[0], 1)) if column else b
        y = GATES["matmul"](a, b)
    kept = y.shape[: y.ndim - row - column] if column else (*y.shape[:-2], y.shape[-1])
    return GATES["reshape"](y, shape=kept)
