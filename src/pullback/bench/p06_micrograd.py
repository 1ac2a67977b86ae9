"""P6: a script written for micrograd, unchanged: its moons demo, the graph rebuilt each step."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from pullback.bench.measure import library
from pullback.bench.p05_moons import moons
from pullback.bench.row import Goal, Row, Run


class Demo(NamedTuple):
    """Points as lists of numbers, and their labels."""

    points: list[list[float]]
    labels: list[float]


def prepare(count: int) -> Demo:
    """The demo with so many points."""
    x, labels = moons(count)
    return Demo(x.tolist(), labels.tolist())


def script(work: Demo, micrograd: str) -> Run:
    """The demo as its notebook has it, with the engine and nets of one package or the other."""
    Value = library(f"{micrograd}.engine").Value
    MLP = library(f"{micrograd}.nn").MLP

    def run(steps: int) -> Any:
        random.seed(1337)
        model = MLP(2, [16, 16, 1])
        for k in range(steps):
            inputs = [list(map(Value, row)) for row in work.points]
            scores = list(map(model, inputs))
            losses = [(1 + -yi * si).relu() for yi, si in zip(work.labels, scores, strict=True)]
            data_loss = sum(losses) * (1.0 / len(losses))
            total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
            model.zero_grad()
            total.backward()
            rate = max(1.0 - 0.9 * k / 100, 0.1)
            for p in model.parameters():
                p.data -= rate * p.grad
        return [p.data for p in model.parameters()]

    return run


def by_us(work: Demo) -> Run:
    """Our package under micrograd's names."""
    return script(work, "pullback.compat.micrograd")


def by_micrograd(work: Demo) -> Run:
    """micrograd itself."""
    return script(work, "micrograd")


ROWS = (
    Row(
        "P6",
        "micrograd's moons demo, script unchanged, 100 points, one step",
        each="step",
        unit="ms",
        prepare=prepare,
        ours={"pullback": by_us},
        peers={"micrograd": by_micrograd},
        goals=(Goal(0.01, of="micrograd"),),
        size=100,
        sizes=(25, 50, 100),
        counted="points",
    ),
)
