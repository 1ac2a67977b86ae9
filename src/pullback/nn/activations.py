"""Activations: elementwise curves between layers, without weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pullback.core.wire import Wire
from pullback.gates.curves import relu, sigmoid, tanh
from pullback.nn.context import Context
from pullback.nn.layer import Layer


@dataclass(frozen=True)
class ReLU(Layer):
    """y = x if x > 0 else 0. A unit that is below 0 on every row does not learn any more ("dead")."""

    kind: ClassVar[str] = "relu"

    def join(self, x: Wire, context: Context) -> Wire:
        return relu(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Tanh(Layer):
    """y = tanh(x), within (-1, 1)."""

    kind: ClassVar[str] = "tanh"

    def join(self, x: Wire, context: Context) -> Wire:
        return tanh(x)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Sigmoid(Layer):
    """y = 1 / (1 + e^-x), within (0, 1)."""

    kind: ClassVar[str] = "sigmoid"

    def join(self, x: Wire, context: Context) -> Wire:
        return sigmoid(x)  # type: ignore[no-any-return]
