"""One analytic slope beside the measured one: right, wrong, at a kink, or not measured.

A few differences settle most slopes. What they do not settle is measured again with a ladder of
steps, gate by gate, and with shaken last digits; `wrong` needs every one of these against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pullback.lens.ladder import HONEST, UNDERFLOW, Measured, beside, ladder
from pullback.lens.numeric import Slope, slope

OK, WRONG, KINK, UNSURE = "ok", "wrong", "kink", "unsure"
# Numbers below this share of the largest gradient are compared with it, not with themselves.
SMALLEST = 1e-6
# How the reach shrinks until no corner lies within it; nearer than 1e-8 is called "at" the corner.
SHRINKS = (1.0, 0.3, 0.1, 1e-2, 1e-4, 1e-6)
WIDER = 8.0  # the ladder starts from steps so much wider: those that do not hold are found out
NEGLIGIBLE = 1e-11  # of the largest gradient
MEASURED = 1e-6  # a slope that is known less well than this is not measured


@dataclass(frozen=True)
class Finding:
    """One comparison. `where` names what was moved (with its index), `gate` the gate that is wrong
    or stands at its kink, `line` its place in the person's code; `reason`: why it is unsure."""

    where: str
    analytic: float
    numerical: float
    error: float  # relative difference
    uncertainty: float  # relative, of the numerical side
    verdict: str
    gate: str = ""
    line: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Inside:
    """What is known of a move besides the work: each is asked only where a few differences do not do.

    noise: how far rounding moves the work. rounding: the same of the analytic slope. chain: the
    slope measured in another way, NaN where that fails. alone: it is one gate that is moved.
    """

    noise: Callable[[], float]
    rounding: Callable[[], float]
    chain: Callable[[], float] | None = None
    alone: bool = False


@dataclass(frozen=True)
class Move:
    """One number that is moved. `at(x)` gives the work done there and the state of every switch.

    A switch is what a corner turns: which side of 0 a relu is on, what a comparison answers.
    inside: None where nothing is known but the work.
    """

    where: str
    start: float
    reach: float
    analytic: float
    at: Callable[[float], tuple[float, Sequence[bytes]]]
    said: Callable[[int], tuple[str, str]] = lambda switch: ("", "")  # its gate and line
    noise: float = 0.0  # what rounding on the way may do to the work
    inside: Inside | None = None

    def work(self, x: float) -> float:
        return self.at(x)[0]


def compared(move: Move, scale: float, tolerance: float) -> Finding:
    """The finding about one move. scale: the size of the largest gradient beside it."""
    found, corner = _measured(move, scale)
    if found is None:
        return _at_kink(move, scale, corner)
    error = _relative(move.analytic, found.value, scale)
    size = max(abs(move.analytic), abs(found.value), SMALLEST * scale)
    doubt = found.error + move.noise / found.step
    uncertainty = _share(doubt, size)
    near = error <= tolerance and (
        uncertainty <= 10.0 * tolerance or _is_sharp(move, found, tolerance, size)
    )
    # Of a pull that is nothing beside the others, the first digits may drown in their rounding.
    small = abs(move.analytic - found.value) <= HONEST * doubt <= NEGLIGIBLE * scale
    if near or small or (error == 0.0 and _is_exact(move, scale)):
        return Finding(move.where, move.analytic, found.value, error, uncertainty, OK)
    return _looked_at_closely(move, scale, tolerance, (found.value, doubt))


def _is_sharp(move: Move, found: Slope, tolerance: float, size: float) -> bool:
    """Whether rounding, measured now instead of assumed, moves neither the pull nor the slope much."""
    if move.inside is None:
        return False
    doubt = found.error + move.inside.noise() / found.step
    return doubt <= MEASURED * size and move.inside.rounding() <= tolerance * size


def _is_exact(move: Move, scale: float) -> bool:
    """Whether a slope that agrees to the last bit, as two zeros do, was not left over by rounding."""
    return move.inside is None or move.inside.rounding() <= NEGLIGIBLE * scale + UNDERFLOW


def _at_kink(move: Move, scale: float, corner: int) -> Finding:
    """The numerical slope is then the one of the two sides' range that is nearest to the analytic one."""
    both = beside(move.work, move.start, move.reach)
    near = min(max(move.analytic, both.low), both.high)
    gate, line = move.said(corner) if corner >= 0 else ("", "")
    error = _relative(move.analytic, near, scale)
    return Finding(move.where, move.analytic, near, error, np.inf, KINK, gate, line)


def _looked_at_closely(
    move: Move, scale: float, tolerance: float, few: tuple[float, float]
) -> Finding:
    """Every other way to measure the slope, and what they say together."""
    look = _Look(move, scale, tolerance, few)
    verdict, value, error, reason = look.verdict()
    if verdict != OK and not error <= 0.1 * abs(value):
        value = math.nan  # no digit of it is known
    apart, doubt = _relative(move.analytic, value, scale), _share(error + look.blur, look.size)
    return Finding(move.where, move.analytic, value, apart, doubt, verdict, reason=reason)


class _Look:
    """What a ladder of steps, the slope gate by gate and shaken last digits say about one move.

    few: the slope that a few differences gave, and how far off it may be. blur: how far rounding
    alone moves the pull. passes: the difference that does.
    """

    def __init__(
        self, move: Move, scale: float, tolerance: float, few: tuple[float, float]
    ) -> None:
        self.move, self.pull, self.few, inside = move, move.analytic, few, move.inside
        self.blur = inside.rounding() if inside else 0.0
        known = self.pull if math.isfinite(self.pull) else self.found.value
        self.size = max(abs(known), SMALLEST * scale)
        self.passes = tolerance * self.size

    def verdict(self) -> tuple[str, float, float, str]:
        """The verdict, the slope that it goes by and its error, and why it is unsure."""
        if not math.isfinite(self.pull):
            return self._of_no_number()
        sharp, (value, doubt) = self.blur <= self.passes, self.few
        if sharp and abs(self.pull - value) <= HONEST * doubt < self._far and self._chain_agrees():
            return OK, *self._by_chain, ""
        found = self.found
        room = max(self.passes, HONEST * self.blur)
        against = found.refutes(self.pull, room, also=self.chain)
        if against and self._chain_refutes():
            return KINK if found.corner(self.pull) else WRONG, *self._by_ladder, ""
        if not against and sharp:
            near = abs(self.pull - found.value) <= self.passes
            if not found.reason and near and found.error <= MEASURED * self.size:
                return OK, *self._by_ladder, ""
            if self._chain_agrees():
                return OK, *self._by_chain, ""
        return UNSURE, *self._by_ladder, self._reason()

    @property
    def _far(self) -> float:
        """A few differences that are further off than this say nothing."""
        return 0.01 * self.size

    @property
    def _by_ladder(self) -> tuple[float, float]:
        return self.found.value, self.found.error

    @property
    def _by_chain(self) -> tuple[float, float]:
        return (math.nan if self.chain is None else self.chain), 0.0

    @cached_property
    def found(self) -> Measured:
        """The ladder's slope."""
        return _widest_that_holds(self.move, self.move.inside.noise() if self.move.inside else 0.0)

    @cached_property
    def chain(self) -> float | None:
        """The slope measured gate by gate, None where nothing is known of the inside."""
        inside = self.move.inside
        return inside.chain() if inside and inside.chain else None

    def _chain_agrees(self) -> bool:
        return self.chain is not None and abs(self.pull - self.chain) <= self.passes

    def _chain_refutes(self) -> bool:
        room = max(self.passes, HONEST * self.blur)
        return self.chain is None or abs(self.pull - self.chain) > room

    def _of_no_number(self) -> tuple[str, float, float, str]:
        """Infinity times 0 on the way makes NaN of right rules; a rule alone has no such excuse."""
        inside, found = self.move.inside, self.found
        unknown = found.reason or found.error > MEASURED * self.size
        if unknown or (inside and not inside.alone):
            return UNSURE, *self._by_ladder, f"the pull is {self.pull:g}"
        return WRONG, *self._by_ladder, ""

    def _reason(self) -> str:
        if self.blur <= self.passes:
            return self.found.reason or "rounding hides the slope"
        amount = f"{self.blur:.0e}" if self.blur < math.inf else "any amount"
        return f"rounding alone moves the pull by {amount}"


def _widest_that_holds(move: Move, noise: float) -> Measured:
    """Near 0 a slope may belong to steps of the number's own size, far below the usual ones."""
    here = move.at(move.start)[1]

    def smooth(x: float) -> float:
        done, switches = move.at(x)
        return math.nan if _turned(here, switches) else done

    wide, own = WIDER * move.reach, 0.1 * abs(move.start)
    found = ladder(smooth, move.start, wide, noise)
    again = found.reason and 0.0 < own < 1e-6 * wide
    return ladder(smooth, move.start, own, noise) if again else found


def is_corner(move: Move, tolerance: float) -> bool:
    """Whether the slopes to the left and right differ, or the value jumps, and the analytic slope fits."""
    both = beside(move.work, move.start, move.reach)
    slack = both.slack + tolerance * max(abs(both.low), abs(both.high))
    parts = both.jumps or both.high - both.low > slack
    return parts and both.low - slack <= move.analytic <= both.high + slack


def _measured(move: Move, scale: float) -> tuple[Slope | None, int]:
    """The best slope over a stretch without a corner, or None and the switch that is in the way."""
    here = move.at(move.start)[1]
    best, corner = None, -1
    for shrink in SHRINKS:
        crossed: list[int] = []

        def work(x: float, crossed: list[int] = crossed) -> float:
            if crossed:
                return math.nan  # these steps are too wide: no need to run the others
            done, switches = move.at(x)
            crossed += _turned(here, switches)
            return done

        found = slope(work, move.start, move.reach * shrink)
        if crossed:
            corner = min(crossed)
            continue
        if best is not None and found.error >= best.error and math.isfinite(best.error):
            break  # narrower still would only round more
        best = found
        if found.error <= 1e-11 * max(abs(found.value), SMALLEST * scale):
            break
    return best, corner


def _turned(here: Sequence[bytes], there: Sequence[bytes]) -> list[int]:
    """The first switch that differs, if one does."""
    if here == there:
        return []
    return [next(i for i, pair in enumerate(zip(here, there, strict=True)) if pair[0] != pair[1])]


def _relative(a: float, b: float, scale: float) -> float:
    """|a - b| as a share of the largest; infinite where one of them is not a number."""
    return _share(abs(a - b), max(abs(a), abs(b), SMALLEST * scale))


def _share(part: float, whole: float) -> float:
    if not math.isfinite(part):
        return math.inf
    return part / whole if whole else math.inf if part else 0.0
