"""What a pass costs that computes what it folds: losses, statistics, forces, layers, beside NumPy.

    python bench/folds.py

Each line is one circuit of arrays as machine code: its groups, the memory it works in, and the smallest of
many runs, in processor time of one thread; then the same by the reference, gate by gate in NumPy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import pullback as pb
from pullback.bench.machine import stay_on_one_core
from pullback.core.circuit import Circuit
from pullback.executors import compile
from pullback.passes.backward import backward
from pullback.passes.tidy import tidy

ROUNDS = 60
RNG = np.random.default_rng(0)
WIDE = [RNG.normal(size=(512, 1024)).astype(np.float32) for _ in range(2)]
POINTS = list(RNG.normal(size=(2, 1797)).astype(np.float32))


def forces(x: Any, y: Any) -> Any:
    """Between all pairs of points in the plane, as t-SNE has them."""
    n = x.shape[0]
    dx = pb.reshape(x, shape=(n, 1)) - pb.reshape(x, shape=(1, n))
    dy = pb.reshape(y, shape=(n, 1)) - pb.reshape(y, shape=(1, n))
    q = 1.0 / (1.0 + dx * dx + dy * dy)
    return pb.sum(q), pb.sum(q * q * dx, axis=1), pb.sum(q * q * dy, axis=1)


def layer_norm(x: Any) -> Any:
    """Every row with mean 0 and spread 1."""
    mean = pb.mean(x, axis=1, keepdims=True)
    return (x - mean) / pb.sqrt(pb.mean((x - mean) ** 2.0, axis=1, keepdims=True) + 1e-5)


def moments(x: Any) -> Any:
    """Mean and spread of every column."""
    mean = pb.mean(x, axis=0)
    return mean, pb.mean(x * x, axis=0) - mean * mean


# name: function, inputs, whether it is pulled back too
WORK: dict[str, tuple[Callable[..., Any], list[Any], bool]] = {
    "forces of 1,797 points": (forces, POINTS, False),
    "squared error and pulls": (lambda x, y: pb.mean((x - y) ** 2.0), WIDE, True),
    "hinge and pulls": (lambda x, y: pb.mean(pb.relu(1.0 - x * y)), WIDE, True),
    "moments of columns": (moments, WIDE[:1], False),
    "layer norm": (layer_norm, WIDE[:1], False),
    "layer norm and pulls": (lambda x, y: pb.sum(layer_norm(x) * y), WIDE, True),
    "logsumexp of a sum": (lambda x, y: pb.logsumexp(x + y, axis=1), WIDE, False),
}


def circuit_of(function: Callable[..., Any], inputs: list[Any], pulled: bool) -> Circuit:
    """The outputs, or the one output with the pull on every input."""
    circuit = pb.circuit(function).circuit(*inputs)
    if not pulled:
        return circuit
    back = backward(circuit, [0])
    return tidy(back.asking([circuit.outputs[0], *(p for p in back.input_pulls if p >= 0)]))


def smallest(run: Callable[[], Any], rounds: int) -> float:
    """Milliseconds."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return 1000 * min(found)


def row(name: str, rounds: int = ROUNDS) -> tuple[int, int, float, float]:
    """Groups, bytes, and milliseconds by machine code and by NumPy; both have to agree."""
    function, inputs, pulled = WORK[name]
    circuit, given = circuit_of(function, inputs, pulled), [*inputs]
    given += [np.float32(1.0)] if pulled else []
    native, numpy = compile(circuit, executor="native"), compile(circuit)
    for found, wanted in zip(native.run(given), numpy.run(given), strict=True):
        assert np.allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.max(np.abs(wanted))), name
    groups, arena = native.memory.split("\n")[0].split(" groups, arena ")  # type: ignore[attr-defined]
    size = int(arena.split()[0].replace(",", ""))
    slow = max(1, rounds // 20)
    ours = smallest(partial(native.run, given), rounds)
    return int(groups), size, ours, smallest(partial(numpy.run, given), slow)


def main() -> None:
    """The table."""
    stay_on_one_core()
    sys.stdout.write("| circuit | groups | memory | ms | NumPy, ms |\n|---|---:|---:|---:|---:|\n")
    for name in WORK:
        groups, size, ours, numpy = row(name)
        line = f"| {name} | {groups} | {size / 1024:,.0f} kB | {ours:.2f} | {numpy:.1f} |\n"
        sys.stdout.write(line)


if __name__ == "__main__":
    main()
