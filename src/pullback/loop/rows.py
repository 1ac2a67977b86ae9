"""`ByRows`: a circuit whose rows do not touch each other, run for any number of rows, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors import compile
from pullback.executors.reference.program import Program
from pullback.loop import worth
from pullback.loop.plan import Array

CHUNK = 256  # rows that machine code takes at once: what it works in stays in the cache
STRIDE = 32  # chunks have multiples of it
LARGE = 4096  # rows that the reference takes at once: its memory stays small


class ByRows:
    """Runs the circuits that `make` gives for so many rows; every output has a row an example.

    executor: "auto" takes machine code where that many rows are worth compiling it.
    """

    def __init__(self, make: Callable[[int], Circuit], executor: str = "auto") -> None:
        self.make, self.executor = make, executor
        self._cost: float | None = None  # as many rows are worth compiling
        self._programs: dict[tuple[int, str], Program] = {}

    def run(
        self, columns: Mapping[str, Array], fixed: Mapping[str, Any], times: int = 1
    ) -> list[Array]:
        """The outputs for the rows of `columns`; the other inputs are `fixed`, by name.

        times: how often so many rows will be asked for.
        """
        count = len(next(iter(columns.values())))
        executor = self._chosen(count, times)
        size = min(count, LARGE) if executor == "reference" else _chunk(count)
        found: list[list[Array]] = []
        for start in range(0, count, size) if count else [0]:
            part = {name: x[start : start + size] for name, x in columns.items()}
            found.append(self._part(part, fixed, size, executor))
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def _part(
        self, columns: Mapping[str, Array], fixed: Mapping[str, Any], size: int, executor: str
    ) -> list[Array]:
        rows = len(next(iter(columns.values())))
        if executor != "reference" and rows < size:  # a program is for one number of rows
            columns = {name: _filled(x, size) for name, x in columns.items()}
        else:
            size = rows
        if (size, executor) not in self._programs:
            self._programs[size, executor] = compile(self.make(size), executor=executor)
        program = self._programs[size, executor]
        known = {**fixed, **columns}
        outputs = program.run([known[name] for name in program.circuit.input_names])
        return [np.asarray(y)[:rows] for y in outputs]

    def _chosen(self, count: int, times: int) -> str:
        if self.executor != "auto":
            return self.executor
        if not count:
            return "reference"
        if self._cost is None:
            self._cost = worth.runs(self.make(CHUNK)) * CHUNK
        return "native" if times * count > self._cost else "reference"


def _chunk(count: int) -> int:
    """So many rows at once that the last chunk is nearly full, of the few sizes that are compiled.

    >>> _chunk(3), _chunk(270), _chunk(1797)
    (32, 288, 288)
    """
    chunks = max(1, round(count / CHUNK))
    return -(-count // (chunks * STRIDE)) * STRIDE


def _filled(x: Array, size: int) -> Array:
    """`x` with its last row repeated until there are `size` of them."""
    whole = np.empty((size, *x.shape[1:]), x.dtype)
    whole[: len(x)] = x
    whole[len(x) :] = x[-1]
    return whole
