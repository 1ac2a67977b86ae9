"""How long compiling takes, by the number of gates between single numbers, and which program it gives.

    python bench/compiling.py

The object cache is off, so every compilation is a first one. Forward and backward is asked of the tape
where it runs (beyond straight lines), of a backward circuit below. Processor time of one thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

os.environ["PULLBACK_CACHE"] = "off"

import pullback as pb
from pullback.bench.graphs import LEAVES, US, graph
from pullback.bench.machine import stay_on_one_core
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.executors import compile, compile_map

SIZES = (12, 32, 100, 300, 304, 1000, 3000, 3004, 10_000, 100_000)
MAPPED = 10_000  # gates; longer maps are compiled as the program itself is
CURVED = SimpleNamespace(relu=pb.tanh)
INPUTS = [*LEAVES, 1.0, -1.0]


def made(f: Any, count: int) -> Circuit:
    """f(1 - a b) again and again; f is relu, or tanh for thirty times the instructions."""
    builder = Builder()
    leaves = [builder.input(spec_of(0.0), f"x{i}") for i in range(len(LEAVES))]
    one, minus = (builder.input(spec_of(0.0), name) for name in ("one", "minus"))
    return builder.finish([graph(f, leaves, one, minus, count)])


def took(ask: Callable[[], Any]) -> tuple[Any, float]:
    """What came out, and milliseconds."""
    began = time.thread_time()
    return ask(), (time.thread_time() - began) * 1e3


def row(f: Any, count: int) -> str:
    """Milliseconds until the first answer comes: forward, forward and backward, at many points."""
    circuit = made(f, count)
    program, forward = took(lambda: compile(circuit, executor="auto"))
    _, first = took(lambda: program.run(INPUTS))
    _, both = took(lambda: program.value_and_grad(INPUTS))
    found = f"{count:9,} gates  {type(program).__name__:14} {forward + first:8.1f}  {both:8.1f}"
    if count > MAPPED:
        return found
    points = [[0.1 * k for k in range(8)], *INPUTS[1:]]
    mapped, ready = took(lambda: compile_map(circuit, mapped=[0]))
    _, first = took(lambda: mapped.run(points))
    return found + f"  {type(mapped).__name__:8} {ready + first:8.1f}"


def main() -> None:
    """A line a size, for cheap gates and for curves."""
    stay_on_one_core()
    compile(made(US, 12), executor="auto").value_and_grad(INPUTS)  # LLVM itself is loaded
    for name, f in (("relu", US), ("tanh", CURVED)):
        print(f"\n{name:18}program    forward, ms  and back  at 8 points")  # noqa: T201
        for count in SIZES:
            print(row(f, count))  # noqa: T201


if __name__ == "__main__":
    main()
