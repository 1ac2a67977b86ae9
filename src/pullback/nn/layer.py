"""`Layer`: a frozen description that joins gates to a wire; `Weights`: where it asks for its weights.

A layer owns no numbers. Joined to a wire, it writes its gates into that wire's circuit and asks
`Weights` for what it has to learn; each weight becomes a parameter input of the circuit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.errors import CircuitError
from pullback.nn.init import Array, Init, Shape, zeros
from pullback.passes.training_step import prefix_names


class Layer(ABC):
    """A piece of a net. Write a frozen dataclass with `join`; its fields are its settings.

    kind: what `Sequential` calls it, with a number: layer1, relu1, layer2.
    """

    kind: ClassVar[str] = "layer"

    @abstractmethod
    def join(self, x: Wire, weights: Weights) -> Wire:
        """Write the layer's gates behind `x` and return what comes out."""


class Need(NamedTuple):
    """One weight that a net asks for."""

    name: str
    shape: Shape
    init: Init


class Weights:
    """Hands out weights to layers while they are joined. `needs` is what was asked for, in order.

    >>> builder = Builder()
    >>> weights = Weights(builder)
    >>> weights("W", (64, 10)).spec
    Spec(shape=(64, 10), dtype=dtype('float32'))
    """

    def __init__(self, builder: Builder, dtype: np.dtype[Any] = FLOAT32) -> None:
        self.builder, self.dtype = builder, dtype
        self.needs: list[Need] = []
        self._prefix = ""

    def __call__(self, name: str, shape: Shape, init: Init = zeros) -> Wire:
        """A weight of this shape as a wire. Inside `layer1` the name "W" becomes `layer1_W`."""
        full = self._prefix + name
        if any(need.name == full for need in self.needs):
            raise CircuitError(f"two weights are called '{full}'.", fix="one name a weight")
        self.needs.append(Need(full, shape, init))
        return self.builder.input(Spec(shape, self.dtype), full, "parameter")

    def join(self, layer: Layer, x: Wire, name: str) -> Wire:
        """Join `layer` under a name of its own: its weights, wires and scope carry it."""
        outer, start = self._prefix, len(self.builder)
        self._prefix = f"{outer}{name}_"
        try:
            with scope(name):
                y = layer.join(x, self)
            prefix_names(self.builder, start, self._prefix)
        finally:
            self._prefix = outer
        return y.named(outer + name) if y.id >= start else y


class Joined(NamedTuple):
    """A layer as a circuit: inputs x and then each weight of `needs`, one output."""

    circuit: Circuit
    needs: tuple[Need, ...]


def join(layer: Layer, x: Spec) -> Joined:
    """The circuit of `layer` for one x, whose dtype the weights get too.

    >>> from pullback.nn.linear import Linear
    >>> join(Linear(10), Spec((32, 64), FLOAT32)).circuit
    <Circuit of 2 gates: x (32, 64) float32, W (64, 10) float32, b (10,) float32>
    """
    builder = Builder()
    weights = Weights(builder, x.dtype)
    y = layer.join(builder.input(x, "x"), weights)
    return Joined(builder.finish([y]), tuple(weights.needs))


def draw(
    needs: Sequence[Need], generator: np.random.Generator, dtype: np.dtype[Any]
) -> tuple[Array, ...]:
    """A starting value for each weight, drawn in order.

    >>> from pullback.nn.init import he
    >>> draw([Need("W", (64, 10), he)], np.random.default_rng(0), FLOAT32)[0].shape
    (64, 10)
    """
    return tuple(need.init(generator, need.shape, dtype) for need in needs)
