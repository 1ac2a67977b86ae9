"""`Linear`: every output depends on every input."""

from __future__ import annotations

from dataclasses import dataclass

from pullback.core.ranges import check_count
from pullback.core.wire import Wire
from pullback.errors import ShapeError
from pullback.nn.context import Context
from pullback.nn.init import Init, he, zeros
from pullback.nn.layer import Layer


@dataclass(frozen=True)
class Linear(Layer):
    """y = x W + b: every output depends on every input.

    Shapes: x (n, d), y (n, units), W (d, units), b (units,). Axes before n broadcast.

    >>> Linear(10)
    Linear(units=10, bias=True, init=he)
    """

    units: int
    bias: bool = True
    init: Init = he

    def __post_init__(self) -> None:
        check_count("units", self.units, least=1)

    def join(self, x: Wire, context: Context) -> Wire:
        if x.ndim < 2:
            raise ShapeError(f"Linear takes rows (n, d), not shape {x.shape}.")
        W = context("W", (x.shape[-1], self.units), self.init)
        y = x @ W
        return y + context("b", (self.units,), zeros) if self.bias else y

    def __repr__(self) -> str:
        return f"Linear(units={self.units}, bias={self.bias}, init={self.init.__name__})"
