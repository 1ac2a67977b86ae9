"""One person's work computed line by line at every point, each line from the right pulls above it."""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.speech import spoken
from pullback.errors import PullbackError
from pullback.lens.homework.evaluate import assign
from pullback.lens.homework.read import Line, Work
from pullback.lens.question import Question
from pullback.lens.snapshot import Snapshot

if TYPE_CHECKING:
    from pullback.lens.mark import Marker

MOST_TRIED = 40_000_000  # numbers that all attempts to repair one work may compute


@dataclass
class Answer:
    """What the work gives a variable at every point so far, or why it cannot be computed."""

    name: str
    lines: list[int] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    error: str = ""


class Names(MutableMapping[str, Any]):
    """What names stand for at one point: the person's own values and, for pulls, the right ones.

    reused: pulls that the person had right and then went on with, `dh[h <= 0] = 0`: read as they are.
    """

    def __init__(self, right: Mapping[str, Any], pulls: set[str], reused: set[str]) -> None:
        self.given, self.pulls, self.reused = right, pulls, reused
        self.own: dict[str, Any] = {}
        self.copies: dict[str, Any] = {}
        self.target = ""

    def __getitem__(self, name: str) -> Any:
        mine = name == self.target or name not in self.pulls or name in self.reused
        if name in self.own and mine:
            return self.own[name]
        if name not in self.copies:
            self.copies[name] = _copied(self.given[name])
        return self.copies[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.own[name] = value

    def __delitem__(self, name: str) -> None:
        del self.own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.own.keys() | self.given.keys())

    def __len__(self) -> int:
        return len(self.own.keys() | self.given.keys())


class Sheet:
    """A work at all points. good: pulls that were right, with a remark about each."""

    def __init__(self, marker: Marker, work: Work, runs: Sequence[Snapshot]) -> None:
        self.marker, self.work, self.runs = marker, work, runs
        self.good: dict[str, str] = {}
        self.reused: set[str] = set()
        self.answers: dict[str, Answer] = {}
        pulls = {f"d{name}" for name in marker.wanted}
        self.right = [marker.right(run) for run in runs]
        self.names = [Names(right, pulls, self.reused) for right in self.right]
        # What each line read, at each point, so that a line can be computed again in another form.
        self.read: list[list[dict[str, Any]]] = []
        self.left = MOST_TRIED
        for at, line in enumerate(work.lines):
            self._line(at, line)

    def _line(self, at: int, line: Line) -> None:
        answer = self.answers.setdefault(line.name, Answer(line.name))
        answer.lines.append(at)
        for names in self.names:
            names.target = line.name
        self.read.append([{n: _copied(ns[n]) for n in line.used if n in ns} for ns in self.names])
        if answer.error and line.changes:
            return
        try:
            for names in self.names:
                assign(self.work, line, names)
            answer.values = [_number(names.own[line.name]) for names in self.names]
            answer.error = ""
        except PullbackError as error:
            answer.values, answer.error = [], self._why(line, error)
            for names in self.names:
                names.own.pop(line.name, None)
        if line.name.removeprefix("d") in self.marker.wanted and line.name[:1] == "d":
            self._look(line, answer)

    def _why(self, line: Line, error: PullbackError) -> str:
        """Why a line cannot be computed: perhaps because the line of a name in it went wrong."""
        earlier = [a.error for n, a in self.answers.items() if n in line.used and a.error]
        unknown = "has no value" in error.what and earlier
        return earlier[0] if unknown else f"{error.what} {error.why}".strip()

    def _look(self, line: Line, answer: Answer) -> None:
        """Note whether a pull is right now; what is made of it later is read as it is."""
        wire = self.marker.wanted[line.name[1:]]
        if not (line.changes or line.name in line.used):
            self.good.pop(line.name, None)
            self.reused.discard(line.name)
        if not answer.values or self.marker.circuit.is_input(wire):
            return
        if self._is(wire, answer.values):
            self.good[line.name] = ""
            self.reused.discard(line.name)
        elif line.name in self.good:
            self.reused.add(line.name)
        else:
            for earlier in self.before(wire):
                if self._is(earlier, answer.values):
                    said = spoken(self.marker.circuit, earlier)
                    self.good[line.name] = f"this is already the pull on {said}"
                    self.reused.add(line.name)

    def _is(self, wire: int, values: Sequence[Any]) -> bool:
        chosen = self.marker.points_of(wire) if len(self.runs) == len(self.marker.runs) else None
        picked = range(len(self.runs)) if chosen is None else chosen
        return Question(
            wire, [self.runs[i] for i in picked], [values[i] for i in picked]
        ).is_right()

    def before(self, wire: int) -> list[int]:
        """The wires that a one-input gate makes `wire` of: people call both pulls by one name."""
        circuit, pulls = self.marker.circuit, self.marker.back.pulls
        row = circuit.row(wire)
        found = [i for i in row.inputs if pulls[i] >= 0] if row.gate else []
        return [
            i for i in found if len(found) == 1 and f"d{circuit.names[i]}" not in self.work.names
        ]

    # Attempts

    def lines_behind(self, name: str) -> list[int]:
        """The lines that a variable's value depends on, by way of the person's own names."""
        needed, found = {name}, set[int]()
        shared = self.names[0].pulls - self.reused - {name}
        for at in reversed(range(len(self.work.lines))):
            line = self.work.lines[at]
            if line.name in needed and at < len(self.read):
                found.add(at)
                needed |= line.used - shared
        return sorted(found)

    def attempt(
        self, name: str, lines: Sequence[int], changed: Mapping[int, Line], point: int
    ) -> Any:
        """The variable's value at a point if some of its lines were written otherwise.

        Raises PullbackError where that cannot be computed, or where enough has been tried.
        """
        made: dict[str, Any] = {}
        for at in lines:
            line = changed.get(at, self.work.lines[at])
            read = {n: _copied(v) for n, v in self.read[at][point].items() if n not in made}
            names = ChainMap(made, read, self.right[point])
            assign(self.work, line, names)
            self.left -= 1000 + math.prod(_number(made[line.name]).shape)
        return _number(made[name])


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _number(value: Any) -> Any:
    """An answer as a number or an array of real numbers; a wire's pull is nothing else."""
    try:
        return np.array(value, float)[()]
    except (ValueError, TypeError, OverflowError):
        return np.array(np.nan)[()]
