"""Layers and optimizers of these tests alone: what nets carry, mix and draw, before the library has it."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import pullback as pb
from pullback.core.dtypes import FLOAT64
from pullback.core.gate import recipe
from pullback.gates.shape import cast
from pullback.nn import Layer
from pullback.nn.init import lecun
from pullback.passes.optimizer import Optimizer

GOLDEN = 0.6180339887498949


@recipe(shape=lambda counter, *, shape, stream: shape, result=FLOAT64)
def scattered(counter, *, shape, stream):
    """Numbers from 0 to 1 that follow from a counter and a stream: a Weyl sequence, the same everywhere."""
    places = np.arange(float(np.prod(shape))).reshape(shape) + 7919.0 * stream
    turns = (places + 1009.0 * cast(counter, dtype="float64")) * GOLDEN
    return turns - pb.floor(turns)


def ones(generator, shape, dtype):
    return np.ones(shape, dtype)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch statistics while training, running ones while predicting."""

    momentum: float = 0.9
    mixes_rows: ClassVar[bool] = True

    def join(self, x, context):
        width = (x.shape[-1],)
        mean, spread = context.state("mean", width), context.state("spread", width, ones)
        if context.training:
            here = pb.mean(x, axis=0)
            wide = pb.mean((x - here) * (x - here), axis=0)
            context.becomes(mean, self.momentum * mean + (1 - self.momentum) * here)
            context.becomes(spread, self.momentum * spread + (1 - self.momentum) * wide)
            mean, spread = here, wide
        return (x - mean) / pb.sqrt(spread + 1e-3) * context("scale", width, ones)


@dataclass(frozen=True)
class Dropout(Layer):
    """While training, every number is left out with this probability; the mask follows from the counter."""

    share: float = 0.3
    mixes_rows: ClassVar[bool] = True  # which numbers go depends on where in the batch they stand

    def join(self, x, context):
        if not context.training:
            return x
        drawn = scattered(context.counter, shape=x.shape, stream=context.stream())
        return x * cast(pb.where(drawn < self.share, 0.0, 1 / (1 - self.share)), dtype=x.dtype.name)


@dataclass(frozen=True)
class Embedding(Layer):
    """The mean of the rows of a table that tokens (n, t) name."""

    words: int = 9
    units: int = 4

    def join(self, x, context):
        table = context("table", (self.words, self.units), lecun)
        context.term("size", 1e-3 * pb.sum(table * table))
        return pb.mean(pb.gather(table, x), axis=1)


@dataclass(frozen=True)
class SharedAdam(Optimizer):
    """Adam (Kingma and Ba 2015) with one count of steps for all weights."""

    learning_rate: float = 0.01

    def start(self, weight):
        return {"mean": np.zeros_like(weight), "square": np.zeros_like(weight)}

    def update(self, weight, grad, state):
        raise AssertionError("the count is shared: `step` is asked")

    def begin(self, weights):
        some = next(iter(weights.values()))
        return {**super().begin(weights), "": {"count": np.zeros((), some.dtype)}}

    def step(self, weights, grads, states):
        count = states[""]["count"] + 1.0
        first, second = (1 - pb.exp(count * math.log(decay)) for decay in (0.9, 0.999))
        moved, kept = {}, {"": {"count": count}}
        for name, weight in weights.items():
            grad, state = grads[name], states[name]
            mean = 0.9 * state["mean"] + 0.1 * grad
            square = 0.999 * state["square"] + 0.001 * (grad * grad)
            step = self.learning_rate / first * mean / (pb.sqrt(square / second) + 1e-8)
            moved[name], kept[name] = weight - step, {"mean": mean, "square": square}
        return moved, kept
