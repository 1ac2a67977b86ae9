"""All rows, each measured in a process of its own with one thread on one core; and what they came to."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pullback.bench.machine import ONE_THREAD
from pullback.bench.measure import ROUNDS
from pullback.bench.row import SCALES, Row
from pullback.errors import PullbackError, UnknownName, did_you_mean

FILES = (
    "p01_neuron", "p02_svm", "p03_two_layers", "p04_called", "p05_moons", "p06_micrograd", "p07_tape",
    "p08_building", "p09_map", "p10_mlp", "p19_numerical", "p21_watching", "p22_starting",
)  # fmt: skip


def all_rows() -> tuple[Row, ...]:
    """Every row there is, in the order of their keys."""
    files = (importlib.import_module(f"pullback.bench.{name}") for name in FILES)
    return tuple(row for file in files for row in file.ROWS)


def chosen(keys: Sequence[str]) -> list[int]:
    """Positions of the rows called by `keys`, such as P1; all of them where none is named."""
    rows = all_rows()
    known = list(dict.fromkeys(row.key for row in rows))
    for key in keys:
        if key.upper() not in known:
            raise UnknownName(
                f"there is no row {key!r} in the bench; the rows are {', '.join(known)}.",
                why=did_you_mean(key.upper(), known),
            )
    wanted = {key.upper() for key in keys} or set(known)
    return [place for place, row in enumerate(rows) if row.key in wanted]


@dataclass(frozen=True)
class Measured:
    """One runner's part of a row: seconds a step, or why there is no time."""

    name: str
    role: str
    time: float | None
    ready: float
    said: str


@dataclass(frozen=True)
class Result:
    """What a row came to in one run."""

    row: Row
    runners: tuple[Measured, ...]

    def times(self, role: str = "") -> dict[str, float]:
        """Seconds a step by runner, of those with a time."""
        found = [m for m in self.runners if m.time is not None and role in ("", m.role)]
        return {m.name: m.time for m in found if m.time is not None}

    @property
    def ours(self) -> float | None:
        """Our own time, by our first runner."""
        return next(iter(self.times("ours").values()), None)

    @property
    def best_peer(self) -> tuple[str, float] | None:
        """The fastest of the others; hand-written code counts, the limit does not."""
        peers = self.times("peer")
        return min(peers.items(), key=lambda pair: pair[1]) if peers else None

    @property
    def goals(self) -> list[tuple[str, bool | None]]:
        """Each goal in words, and whether it is met."""
        mine = self.times("ours")
        found = []
        for goal in self.row.goals:
            time = mine.get(goal.mine) if goal.mine else self.ours
            met = None if time is None else goal.met(time, self.times(), self.row.unit)
            found.append((goal.said(self.row.unit), met))
        return found

    @property
    def missed(self) -> list[str]:
        """By how much each goal is missed that is."""
        mine, found = self.times("ours"), []
        for goal in self.row.goals:
            time = mine.get(goal.mine) if goal.mine else self.ours
            share = None if time is None else goal.share(time, self.times(), self.row.unit)
            if share is not None and share > 1:
                found.append(f"{above_one(share)} times the goal of {goal.said(self.row.unit)}")
        return found


def above_one(share: float) -> str:
    """A number above 1 with two digits, or as many as it takes to be seen above 1.

    >>> above_one(1.31), above_one(1.004)
    ('1.3', '1.004')
    """
    return next(said for n in range(2, 18) if float(said := f"{share:.{n}g}") > 1)


def run_rows(places: Sequence[int], *, quick: bool = False) -> Iterator[Result]:
    """Measure rows one after the other. quick: one short round of us and the limit, without peers."""
    rows = all_rows()
    for place in places:
        row = rows[place]
        names = [*row.ours, *row.limits] if quick else list(row.runners)
        said = measured_apart(
            {"row": place, "names": names, "rounds": 1 if quick else ROUNDS, "quick": quick}
        )
        yield Result(row, tuple(_measured(row, name, said["runners"][name]) for name in names))


def _measured(row: Row, name: str, said: dict[str, Any]) -> Measured:
    role = "ours" if name in row.ours else "peer" if name in row.peers else "limit"
    return Measured(name, role, said["time"], said["ready"], said["said"])


def measured_apart(asked: dict[str, Any]) -> dict[str, Any]:
    """What a process of its own answers; see `__main__`."""
    command = [sys.executable, "-m", "pullback.bench", json.dumps(asked)]
    done = subprocess.run(
        command, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise PullbackError(f"the bench process ended with {done.returncode}: {last}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def in_unit(seconds: float | None, unit: str) -> str:
    """A time with three digits.

    >>> in_unit(2.5213e-08, "ns"), in_unit(0.0012, "us"), in_unit(None, "us")
    ('25.2', '1,200', '')
    """
    if seconds is None:
        return ""
    value = seconds * SCALES[unit]
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"
