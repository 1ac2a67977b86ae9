"""How long a picture takes: layout and SVG of flat circuits, best of several, in processor time.

    python bench/pictures.py

Wanted: 200 gates under 0.1 s, 1,000 under 0.5 s, a chain of 10,000 under 10 s. "net" is a net of
scalars, one scope a neuron; "random" is a graph whose gates mostly listen to recent wires.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import time
from random import Random

import numpy as np

import pullback as pb
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.gate import GATES
from pullback.core.shapes import Spec
from pullback.core.sites import scope
from pullback.core.wire import Wire
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg
from pullback.executors import compile
from pullback.passes.backward import backward

SCALAR = Spec((), np.dtype("float64"))
OPS = ("add", "multiply", "subtract", "tanh", "relu", "maximum", "divide", "exp")


def net(sizes: tuple[int, ...]) -> Circuit:
    """2 n + 1 gates for a neuron of n inputs."""
    builder = Builder()
    hidden = [builder.input(SCALAR, f"x{i}") for i in range(sizes[0])]
    for layer, count in enumerate(sizes[1:]):
        hidden = [_neuron(builder, hidden, f"l{layer}n{j}") for j in range(count)]
    return builder.finish(hidden)


def _neuron(builder: Builder, inputs: list[Wire], name: str) -> Wire:
    with scope(name):
        total = builder.input(SCALAR, f"b_{name}", "parameter")
        for i, h in enumerate(inputs):
            total = total + builder.input(SCALAR, f"w{i}_{name}", "parameter") * h
        return GATES["relu"](total)  # type: ignore[no-any-return]


def random(size: int, inputs: int = 20, near: int = 60) -> Circuit:
    """Nine of ten inputs come from the last `near` wires."""
    draw, builder = Random(size), Builder()
    wires = [builder.input(SCALAR, f"x{i}") for i in range(inputs)]
    for _ in range(size):
        gate = GATES[draw.choice(OPS)]
        pool = wires[-near:] if draw.random() < 0.9 else wires
        wires.append(gate(*[draw.choice(pool) for _ in gate.inputs]))
    return builder.finish([wires[-1]])


def chain(size: int) -> Circuit:
    """x -> tanh(x k) -> tanh(... k) -> ..."""
    builder = Builder()
    h, k = builder.input(SCALAR, "x"), builder.input(SCALAR, "k")
    for _ in range(size // 2):
        h = pb.tanh(h * k)
    return builder.finish([h])


def numbers_of(circuit: Circuit) -> Numbers:
    """One run at 0.5 everywhere."""
    back = backward(circuit)
    asked = [*range(len(circuit)), *(p for p in back.pulls if p >= 0)]
    values = compile(back.asking(asked)).watch([0.5] * len(circuit.inputs) + [1.0])
    pulls = [None if p < 0 else values[p] for p in back.pulls]
    branches = {
        wire: [(b.gate, b.position, values[b.pull]) for b in some]
        for wire, some in back.branches.items()
    }
    return Numbers(values[: len(circuit)], pulls, branches)


def measure(name: str, circuit: Circuit, times: int) -> None:
    """Print the best of `times` for the drawing and for its SVG, and what came out."""
    numbers, best = numbers_of(circuit), (float("inf"), float("inf"))
    for _ in range(times):
        start = time.process_time()
        drawing = picture(circuit, numbers, Look(depth="all"))
        middle = time.process_time()
        text = svg(drawing)
        best = min(best, (middle - start, time.process_time() - middle))
    print(
        f"{name:8}{circuit.gate_count:8,} gates  drawing {best[0] * 1e3:8.0f} ms  "
        f"svg {best[1] * 1e3:6.0f} ms  {len(text) / 1e3:8,.0f} KB  "
        f"{drawing.width:,.0f} x {drawing.height:,.0f}"
    )


def main() -> None:
    """All circuits."""
    start = time.process_time()
    for _ in range(3_000_000):
        pass
    print(f"this machine: an empty loop of 3,000,000 in {time.process_time() - start:.3f} s")
    measure("net", net((2, 8, 8, 1)), 7)
    measure("random", random(200), 7)
    measure("net", net((2, 20, 20, 3)), 5)
    measure("random", random(1_000), 5)
    measure("chain", chain(10_000), 1)


if __name__ == "__main__":
    main()
