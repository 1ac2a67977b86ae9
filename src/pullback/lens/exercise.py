"""Small random circuits for a worksheet: numbers that can be computed by hand, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pullback.errors import OptionError
from pullback.lens.function import CircuitFunction, circuit
from pullback.lens.snapshot import Snapshot

INPUTS, WIRES, OUTPUT = "xyzw", "abcdeg", "f"
LARGEST = 60.0  # no value and no pull is beyond this
PULLED = 0.75  # the share of wires that are pulled with more than nothing
TRIES = 5_000
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class Level:
    """What a circuit is made of. last: what the last gate may be. shared: wires that are used twice."""

    gates: tuple[str, ...]
    count: int
    inputs: int
    last: tuple[str, ...] = ()
    shared: int = 0


SIMPLE = ("{0} + {1}", "{0} * {1}", "{0} - {1}")
LEVELS = {
    "easy": Level(SIMPLE, count=3, inputs=3),
    "medium": Level((*SIMPLE, "max({0}, {1})", "relu({0})", "{0}**2"), count=4, inputs=3, shared=1),
    "hard": Level(
        (*SIMPLE, "{0} / {1}", "max({0}, {1})", "{0}**2", "1 / {0}"), count=6, inputs=4,
        last=("sigmoid({0})", "tanh({0})", "{0}**2"), shared=2,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Exercise:
    """A circuit as text, a line a gate, and the values of its inputs."""

    text: str
    values: dict[str, float]

    @property
    def function(self) -> CircuitFunction:
        made: CircuitFunction = circuit(self.text)
        return made

    def run(self) -> Snapshot:
        """The solution: every value and every pull."""
        return self.function.run(self.values)


def exercise(seed: int, number: int = 0, level: str = "easy") -> Exercise:
    """The circuit of one sheet. number: of the sheet among those of the same seed.

    >>> exercise(7).text == exercise(7).text, exercise(7).text == exercise(7, 1).text
    (True, False)
    """
    if level not in LEVELS:
        raise OptionError(f"level must be one of {', '.join(LEVELS)}, got {level!r:.40}.")
    if not 0 <= seed <= MAX_SEED:
        raise OptionError(f"seed must be a whole number from 0 to {MAX_SEED:,}, got {seed}.")
    generator = np.random.Generator(np.random.PCG64([seed, number]))
    for _ in range(TRIES):
        found = _drawn(LEVELS[level], generator)
        if _can_be_done_by_hand(found):
            return found
    raise OptionError(f"no circuit was found for seed {seed}.", fix="another seed")


def _drawn(level: Level, generator: np.random.Generator) -> Exercise:
    """A circuit in which everything is used: each gate takes what nothing uses yet, if it can."""
    inputs = list(INPUTS[: level.inputs])
    free, known, lines, shared = list(inputs), list(inputs), [], level.shared
    for at in range(level.count):
        last = at == level.count - 1
        gate = _one(generator, level.last if last and level.last else level.gates)
        wanted = 2 if "{1}" in gate else 1
        if last and len(free) > wanted:
            return Exercise("", {})
        taken = [
            free.pop(int(generator.integers(len(free)))) for _ in range(min(wanted, len(free)))
        ]
        if len(taken) == 2 and shared and generator.random() < 0.5:
            free.append(taken[1])
            shared -= 1
        others = [w for w in known if w not in taken]
        while len(taken) < wanted:
            taken.append(_one(generator, others))
            shared -= 1
        name = OUTPUT if last else WIRES[at]
        lines.append(f"{name} = {gate.format(*taken)}")
        free.append(name)
        known.append(name)
    done = free == [OUTPUT] and shared <= 0
    values = {w: float(generator.choice([-4, -3, -2, -1, 1, 2, 3, 4, 5])) for w in inputs}
    return Exercise("\n".join(lines) if done else "", values)


def _one(generator: np.random.Generator, some: Sequence[str]) -> str:
    return some[int(generator.integers(len(some)))]


def _can_be_done_by_hand(found: Exercise) -> bool:
    """A product somewhere, small numbers of few digits, no choice between equal ones, most wires pulled."""
    if "*" not in found.text:
        return False
    run = found.run()
    values, pulls = (np.array([float(n or 0.0) for n in some]) for some in _numbers(run))
    numbers = np.concatenate([values, pulls])
    if not np.all(np.isfinite(numbers)) or np.max(np.abs(numbers)) > LARGEST or _ties(run):
        return False
    short = (
        np.abs(100 * values[:-1] - np.round(100 * values[:-1])) < 1e-9
    )  # the last may be a sigmoid
    return bool(np.all(short)) and np.mean(np.abs(pulls) > 0.01) >= PULLED


def _numbers(run: Snapshot) -> tuple[list[float], list[float]]:
    return [w.value for w in run], [w.grad for w in run]


def _ties(run: Snapshot) -> bool:
    """Whether a max or a relu stands on its kink."""
    for row in run.circuit.rows():
        inputs = [float(run.values[i]) for i in row.inputs]
        if row.gate and row.gate.name == "maximum" and inputs[0] == inputs[1]:
            return True
        if row.gate and row.gate.name == "relu" and inputs[0] == 0:
            return True
    return False
