"""What a gate costs: its forward and its backward, timed side by side, with the noise said aloud.

The guide says that backward costs about as much as forward. It is a constant factor, and which one
depends on the gate: a sum's backward is cheaper than the sum, a product of matrices has two behind it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter_ns
from typing import Any

from pullback.core.build import Builder
from pullback.core.shapes import spec_of
from pullback.executors import compile
from pullback.executors.reference.program import Program

REPEATS = 9
LONG_ENOUGH = 400_000  # nanoseconds of one repeat: a thousand ticks of a coarse clock
MOST_RUNS = 1_000
MOSTLY_CALL = 3.0  # below so many empty calls, a time says more about calling than about arithmetic


@dataclass(frozen=True)
class Cost:
    """Nanoseconds of one run in the reference executor, each the median of `repeats`.

    call: an empty program, to tell the cost of being called. ratio: backward / forward, the median of
    the repeats; half of them lay between low and high. gates: how many gates the backward has.
    """

    forward: float
    backward: float
    call: float
    ratio: float
    low: float
    high: float
    repeats: int
    gates: int

    def __str__(self) -> str:
        said = (
            f"forward {_time(self.forward)}, backward {_time(self.backward)}: {self.ratio:.2g} times "
            f"(half of {self.repeats} repeats between {self.low:.2g} and {self.high:.2g})"
        )
        if min(self.forward, self.backward) > MOSTLY_CALL * self.call:
            return said
        return f"{said}; an empty call takes {_time(self.call)}, so most of it is calling"


def measured(
    programs: Sequence[Program],
    given: Sequence[Sequence[Any]],
    clock: Callable[[], int] = perf_counter_ns,
) -> Cost:
    """Time forward, backward and an empty program in turns: a busy machine is slow for all three.

    given: the inputs of each.
    """
    runs = _runs(programs[0], given[0], clock)
    times: list[list[float]] = [[], [], []]
    for _ in range(REPEATS):
        for at, (program, inputs) in enumerate(zip(programs, given, strict=True)):
            times[at].append(_timed(program, inputs, runs, clock))
    ratios = [b / f if f else math.nan for f, b in zip(times[0], times[1], strict=True)]
    low, _, high = quantiles(ratios, n=4)
    gates = programs[1].circuit.gate_count
    ahead, back, call = (median(some) for some in times)
    return Cost(ahead, back, call, median(ratios), low, high, REPEATS, gates)


def _timed(program: Program, inputs: Sequence[Any], runs: int, clock: Callable[[], int]) -> float:
    start = clock()
    for _ in range(runs):
        program.run(inputs)
    return (clock() - start) / runs


def _runs(program: Program, inputs: Sequence[Any], clock: Callable[[], int]) -> int:
    """So many that one repeat is long beside a tick of the clock; the first run warms up."""
    program.run(inputs)
    once = max(_timed(program, inputs, 3, clock), 1.0)
    return min(MOST_RUNS, max(1, math.ceil(LONG_ENOUGH / once)))


def empty_program(value: Any) -> Program:
    """A program that hands its one input on: what is left of it is the price of a call."""
    builder = Builder()
    return compile(builder.finish([builder.input(spec_of(value), "x")]))


def _time(nanoseconds: float) -> str:
    """Two digits are as many as repeat.

    >>> _time(870.4), _time(12_345.0), _time(2.5e6)
    ('870 ns', '12 us', '2.5 ms')
    """
    for unit, size in (("ms", 1e6), ("us", 1e3)):
        if nanoseconds >= size:
            return f"{float(f'{nanoseconds / size:.2g}'):g} {unit}"
    return f"{float(f'{nanoseconds:.2g}'):g} ns"
