"""Judging a mutant: the laws themselves are asked, the likeliest to notice first, until one fails."""

from __future__ import annotations

import inspect
import itertools
import signal
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import numpy as np
from laws import (
    test_backward,
    test_curves,
    test_gates,
    test_kinks,
    test_passes,
    test_pulls,
    test_rules,
)
from laws.gate_cases import Case, circuit_of
from laws.mutants.generate import Mutant
from laws.plans import SMOOTH_STEPS, STEPS, seeded_plan

from pullback.core.gate import GATES, Gate
from pullback.lens.conventions import Convention

SUITE = (test_pulls, test_kinks, test_backward, test_rules, test_gates, test_passes, test_curves)
PLANS = 8  # random circuits a law on circuits is asked for
PATIENCE = 2  # seconds of processor time for one law; without a fault the slowest takes 0.1
EQUIVALENT = Path(__file__).parent / "equivalent.toml"


@dataclass(frozen=True)
class Law:
    """One test with one set of arguments, and the gates that it is about."""

    name: str
    ask: Callable[[], None]
    gates: frozenset[str]

    def holds(self) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.ask()
        except hypothesis.errors.UnsatisfiedAssumption:
            return True
        except (Hangs, KeyboardInterrupt):
            raise
        except BaseException:  # noqa: BLE001 - a mutant may raise anything, pytest's own outcomes too
            return False
        return True


def laws() -> list[Law]:
    """Every law of the suite that says something about pulls, once for each of its cases."""
    return [law for module in SUITE for law in _laws_of(module)]


def _laws_of(module: ModuleType) -> Iterator[Law]:
    for name, test in list(vars(module).items()):
        if not name.startswith("test_") or test.__module__ != module.__name__:
            continue
        inner = test.hypothesis.inner_test if hasattr(test, "hypothesis") else test
        for arguments in _arguments(test, inner):
            yield Law(name, _asking(inner, arguments), frozenset(_gates_in(arguments)))


def _asking(test: Callable[..., None], arguments: dict[str, Any]) -> Callable[[], None]:
    return lambda: test(**arguments)


def _arguments(test: Any, inner: Any) -> Iterator[dict[str, Any]]:
    """What pytest and hypothesis would call the test with; plans come from seeds."""
    choices: list[list[dict[str, Any]]] = []
    marks = getattr(test, "pytestmark", [])
    for mark in (m for m in marks if m.name == "parametrize"):
        names = (
            [n.strip() for n in mark.args[0].split(",")]
            if isinstance(mark.args[0], str)
            else mark.args[0]
        )
        rows = [v if len(names) > 1 else (v,) for v in mark.args[1]]
        choices.append([dict(zip(names, row, strict=True)) for row in rows])
    parameters = inspect.signature(inner).parameters
    if "plan" in parameters:
        # Numerical slopes want short circuits without corners; the rest takes any.
        kind = (8, SMOOTH_STEPS) if "numerical" in test.__name__ else (30, STEPS)
        drawn = [{"plan": seeded_plan(i, *kind), "seed": i} for i in range(PLANS)]
        choices.append([{k: v for k, v in d.items() if k in parameters} for d in drawn])
    for combined in itertools.product(*choices):
        yield {k: v for part in combined for k, v in part.items()}


def _gates_in(arguments: dict[str, Any]) -> Iterator[str]:
    for value in arguments.values():
        if isinstance(value, Case):
            yield value.gate.name
        elif isinstance(value, Gate):
            yield value.name
        elif isinstance(value, Convention):
            circuit = circuit_of(value.function, *[np.asarray(x)[()] for x in value.inputs])
            yield from (g.name for g in circuit.gates if g)
        elif isinstance(value, str) and value in GATES:
            yield value


class Judge:
    """Asks laws in an order that learns which of them notice faults of which function."""

    def __init__(self) -> None:
        self.laws = laws()
        self.sparse = _sparse(self.laws)
        self.turn = _turns(self.laws)
        self.killers: dict[str, Counter[int]] = {}

    def verdict(self, mutant: Mutant) -> str:
        """The name of the law that the mutant breaks, or "" when it survives them all."""
        killers = self.killers.setdefault(mutant.target.name, Counter())
        with mutant.alive():
            for number in self._order(mutant, killers):
                if failed := self._failed(number):
                    killers[number] += 1
                    return failed
        return ""

    def broken(self) -> list[str]:
        """The laws that fail without any fault; they would notice everything."""
        return [failed for number in range(len(self.laws)) if (failed := self._failed(number))]

    def _failed(self, number: int) -> str:
        before = signal.signal(signal.SIGPROF, _too_long)
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        try:
            return "" if self.laws[number].holds() else self.laws[number].name
        except Hangs:
            return "it ends"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _order(self, mutant: Mutant, killers: Counter[int]) -> Iterator[int]:
        likely = [number for number, _ in killers.most_common(20)]
        gates = mutant.target.gates
        about = [i for i, law in enumerate(self.laws) if gates & law.gates]
        general = [i for i, law in enumerate(self.laws) if not law.gates]
        rest = [] if len(gates) == 1 else self.sparse
        about, general = (sorted(some, key=self.turn.__getitem__) for some in (about, general))
        yield from dict.fromkeys(itertools.chain(likely, about, general, rest))


def _sparse(laws: list[Law]) -> list[int]:
    """Two laws of each name for each gate: the first and the last of its cases."""
    kinds: dict[Any, list[int]] = {}
    for number, law in enumerate(laws):
        kinds.setdefault((law.name, law.gates), []).append(number)
    return sorted({n for numbers in kinds.values() for n in (numbers[0], numbers[-1])})


def _turns(laws: list[Law]) -> list[int]:
    """For each law, how many of its name come before it: the first case of every law is asked first."""
    counts: Counter[str] = Counter()
    turns = []
    for law in laws:
        turns.append(counts[law.name])
        counts[law.name] += 1
    return turns


class Hangs(BaseException):
    """A law takes far longer than it does without a fault."""


def _too_long(*_: Any) -> None:
    raise Hangs


@cache
def equivalent() -> dict[str, str]:
    """The mutants that are no faults, each with its proof."""
    entries = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {mutant: entry["why"] for entry in entries for mutant in entry["mutants"]}
