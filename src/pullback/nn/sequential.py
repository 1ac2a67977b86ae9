"""`Sequential`: layers one behind the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from pullback.core.wire import Wire
from pullback.nn.context import Context
from pullback.nn.layer import Layer


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """Layers one behind the other, each kind counted on its own: layer1, relu1, layer2.

    So the weights of the net below are layer1_W, layer1_b, layer2_W and layer2_b.

    >>> from pullback.nn import Linear, ReLU
    >>> len(Sequential(Linear(64), ReLU(), Linear(10)).layers)
    3
    """

    layers: tuple[Layer, ...]
    kind: ClassVar[str] = "block"

    def __init__(self, *layers: Layer) -> None:
        object.__setattr__(self, "layers", layers)

    def join(self, x: Wire, context: Context) -> Wire:
        counts: Counter[str] = Counter()
        for layer in self.layers:
            counts[layer.kind] += 1
            x = context.join(layer, x, f"{layer.kind}{counts[layer.kind]}")
        return x

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
