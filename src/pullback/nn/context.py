"""`Context`: gives a layer its weights, carried state and penalty terms while it is joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT32, INT64
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.errors import CircuitError, DtypeError, ShapeError
from pullback.nn.init import Array, Init, Shape, zeros
from pullback.passes.optimizer import prefix_names

if TYPE_CHECKING:
    from pullback.nn.layer import Layer

COUNTER = "counter"


class Need(NamedTuple):
    """One array that a net asks for: a weight (role "parameter") or something carried ("state")."""

    name: str
    shape: Shape
    init: Init
    role: str = "parameter"
    dtype: np.dtype[Any] = FLOAT32


class Context:
    """Hands out what layers need while they are joined, and remembers it.

    training: whether the circuit is to train; else it predicts. needs: what was asked for, in order.
    after: what a carried state becomes, by its name. terms: penalties beside the loss, by name.

    >>> builder = Builder()
    >>> context = Context(builder)
    >>> context("W", (64, 10)).spec
    Spec(shape=(64, 10), dtype=dtype('float32'))
    """

    def __init__(
        self, builder: Builder, dtype: np.dtype[Any] = FLOAT32, *, training: bool = False
    ) -> None:
        self.builder, self.dtype, self.training = builder, np.dtype(dtype), training
        self.needs: list[Need] = []
        self.after: dict[str, Wire] = {}
        self.terms: dict[str, Wire] = {}
        self._streams = 0
        self._counter: Wire | None = None
        self._prefix = ""

    def __call__(self, name: str, shape: Shape, init: Init = zeros) -> Wire:
        """A weight of this shape as a wire. Inside `layer1` the name "W" becomes `layer1_W`."""
        return self._input(Need(self._prefix + name, shape, init, "parameter", self.dtype))

    def state(self, name: str, shape: Shape = (), init: Init = zeros) -> Wire:
        """Carried from step to step and not learned, such as a running mean; see `becomes`."""
        return self._input(Need(self._prefix + name, shape, init, "state", self.dtype))

    def becomes(self, state: Wire, after: Wire) -> None:
        """What `state` is in the next step. Only where the circuit is to train; else it stays."""
        name = self.builder.label_of(state.id)
        if self._role(name) != "state" or name in self.after:
            raise CircuitError(f"'{name}' is not a state, or `becomes` was called twice for it.")
        if after.shape != state.shape:
            raise ShapeError(f"state '{name}' of shape {state.shape} becomes one of {after.shape}.")
        if after.dtype != state.dtype:
            raise DtypeError(f"state '{name}' is {state.dtype}, and becomes {after.dtype}.")
        if self.training:
            self.after[name] = after

    @property
    def counter(self) -> Wire:
        """How many steps were made before this one, carried: what replayable randomness starts from."""
        if self._counter is None:
            need = Need(COUNTER, (), zeros, "state", INT64)
            self._counter = self._input(need)
            self.becomes(self._counter, self._counter + 1)
        return self._counter

    def stream(self) -> int:
        """A number that nothing else in the net has, so that two draws of a step differ."""
        self._streams += 1
        return self._streams

    def term(self, name: str, wire: Wire) -> None:
        """A penalty that is added to the loss and shown beside it, under this name."""
        full = self._prefix + name
        if full in self.terms:
            raise CircuitError(f"two terms are called '{full}'.", fix="one name a term")
        if wire.shape:
            raise ShapeError(f"term '{full}' has shape {wire.shape}; a term is one number.")
        self.terms[full] = wire

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

    def _input(self, need: Need) -> Wire:
        if self._role(need.name):
            what = "weights" if need.role == "parameter" else "states"
            raise CircuitError(f"two {what} are called '{need.name}'.", fix="one name each")
        self.needs.append(need)
        return self.builder.input(Spec(need.shape, need.dtype), need.name, need.role)

    def _role(self, name: str) -> str:
        return next((need.role for need in self.needs if need.name == name), "")


def draw(needs: Sequence[Need], generator: np.random.Generator) -> dict[str, Array]:
    """A starting value for everything a net needs, by name, drawn in order.

    >>> from pullback.nn.init import he
    >>> draw([Need("W", (64, 10), he)], np.random.default_rng(0))["W"].shape
    (64, 10)
    """
    return {need.name: need.init(generator, need.shape, need.dtype) for need in needs}
