"""Small nets of `Value`s, with micrograd's names: `Module`, `Neuron`, `Layer`, `MLP`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from pullback.compat.micrograd.engine import Value, dot


class Module:
    """Something with parameters."""

    def parameters(self) -> list[Any]:
        return []

    def zero_grad(self) -> None:
        """Forget every gradient: `backward()` adds to what is there."""
        for parameter in self.parameters():
            parameter.grad = 0


class Neuron(Module):
    """relu(w . x + b), or without the relu. Weights are drawn evenly from -1 to 1 by `random`."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Iterable[Any]) -> Any:
        score = dot(self.b, self.w, x)
        return score.relu() if self.nonlin else score

    def parameters(self) -> list[Any]:
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side; what comes out is a list, or the one Value there is."""

    def __init__(self, nin: int, nout: int, **options: Any) -> None:
        self.neurons = [Neuron(nin, **options) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> Any:
        found = [neuron(x) for neuron in self.neurons]
        return found if len(found) > 1 else found[0]

    def parameters(self) -> list[Any]:
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """Layers one behind the other, relu after each but the last."""

    def __init__(self, nin: int, nouts: list[int]) -> None:
        widths = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(widths[i], widths[i + 1], nonlin=i < last) for i in range(last + 1)]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Any]:
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"
