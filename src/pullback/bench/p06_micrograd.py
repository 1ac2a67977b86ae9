"""P6: a script written for micrograd, unchanged: its moons demo, the graph rebuilt each step."""

from __future__ import annotations

import random
from typing import Any, NamedTuple
from unittest.mock import patch

from pullback.bench.measure import library
from pullback.bench.p05_moons import moons
from pullback.bench.row import Goal, Row, Run

OURS = "pullback.compat.micrograd"


class Demo(NamedTuple):
    """Points as lists of numbers, and their labels."""

    points: list[list[float]]
    labels: list[float]


def prepare(count: int) -> Demo:
    """The demo with so many points."""
    x, labels = moons(count)
    return Demo(x.tolist(), labels.tolist())


def script(work: Demo, Value: Any, MLP: Any) -> Run:
    """The demo as its notebook has it, with the Value and the nets of one package or the other."""

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
    return script(work, library(f"{OURS}.engine").Value, library(f"{OURS}.nn").MLP)


def by_python(work: Demo) -> Run:
    """The same where no native type can be made: Units held by Python."""
    plain, nn = library(f"{OURS}.engine").PlainValue, library(f"{OURS}.nn")
    demo = script(work, plain, nn.MLP)

    def run(steps: int) -> Any:
        with patch.object(nn, "Value", plain):
            return demo(steps)

    return run


def by_micrograd(work: Demo) -> Run:
    """micrograd itself."""
    return script(work, library("micrograd.engine").Value, library("micrograd.nn").MLP)


ROWS = (
    Row(
        "P6",
        "micrograd's moons demo, script unchanged, 100 points, one step",
        each="step",
        unit="ms",
        prepare=prepare,
        ours={"pullback": by_us, "pullback, Units in Python": by_python},
        peers={"micrograd": by_micrograd},
        goals=(
            Goal(0.01, of="micrograd"),
            Goal(1 / 3, of="micrograd", mine="pullback, Units in Python"),
        ),
        size=100,
        sizes=(25, 50, 100),
        counted="points",
    ),
)
