"""Random circuits of arrays in which numbers are folded, broadcast and put together again and again."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import pullback as pb

SHAPES = [(70, 66), (9, 130), (130, 9), (5, 5), (130, 131), (3, 17, 65), (66, 66)]
MOST = 40  # wires a circuit is drawn with, at most


class Drawn:
    """A function of three arrays that broadcast: x of a shape, a column and a row of it."""

    def __init__(self, seed: int) -> None:
        self.choose = random.Random(seed)
        self.shape = self.choose.choice(SHAPES)
        self.seed, self.size = seed, self.choose.randint(4, MOST)
        rng = np.random.default_rng(seed)
        column, row = (*self.shape[:-1], 1), (*(1 for _ in self.shape[:-1]), self.shape[-1])
        self.values = [rng.normal(size=s) for s in (self.shape, column, row)]

    def __call__(self, x: Any, column: Any, row: Any) -> tuple[Any, ...]:
        choose = self.choose = random.Random(self.seed + 1)
        wires = [x, column, row]
        for _ in range(self.size):
            wires.append(
                self._step(choose.choice(wires[-8:]), choose.choice([*wires[:3], *wires[-4:]]))
            )
        shown = choose.sample(wires[3:], min(3, self.size))
        return (*shown, wires[-1])

    def _step(self, a: Any, b: Any) -> Any:
        how = self.choose.random()
        if how < 0.45:
            return self._elementwise(a, b)
        if how < 0.8:
            return self._fold(a)
        return self._move(a, b)

    def _elementwise(self, a: Any, b: Any) -> Any:
        makers = [
            lambda: a + b, lambda: a - b, lambda: pb.tanh(a) * b, lambda: pb.relu(a) - 0.5,
            lambda: 1.0 / (1.0 + a * a), lambda: pb.where(a > 0.25, b, a), lambda: pb.maximum(a, b),
        ]  # fmt: skip
        return pb.clamp(self.choose.choice(makers)(), low=-8.0, high=8.0)

    def _fold(self, a: Any) -> Any:
        axis = self.choose.choice([None, *range(-len(a.shape), len(a.shape))]) if a.shape else None
        fold = self.choose.choice([pb.sum, pb.sum, pb.max, pb.logsumexp, pb.norm, pb.softmax])
        if fold is pb.softmax:
            return pb.softmax(a, axis=-1) if a.shape else a
        size = np.prod(a.shape) if axis is None else a.shape[axis]
        return fold(a, axis=axis, keepdims=True) / float(size) if a.shape else fold(a)

    def _move(self, a: Any, b: Any) -> Any:
        if len(a.shape) < 2:
            return a * 0.5
        if len(a.shape) == len(b.shape) == 2 and a.shape[1] == b.shape[0]:
            return pb.clamp(a @ b, low=-8.0, high=8.0)
        if self.choose.random() < 0.3:
            return pb.reshape(pb.reshape(a, shape=(-1,)), shape=a.shape)
        axis = self.choose.randrange(len(a.shape))
        made = pb.concat(pb.tanh(a), a * 0.5, a, axis=axis)
        start = self.choose.randrange(2) * a.shape[axis]
        cut = [slice(None)] * axis + [slice(start, start + a.shape[axis])]
        return made[tuple(cut)]
