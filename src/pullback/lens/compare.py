"""One analytic slope beside the measured one: right, wrong, at a kink, or not measured.

A few differences settle most slopes. What they do not settle is measured again with a ladder of
steps, gate by gate, and with shaken last digits; `wrong` needs every one of these against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pullback.lens.ladder import HONEST, Measured, beside, ladder
from pullback.lens.numeric import Slope, slope

OK, WRONG, KINK, UNSURE = "ok", "wrong", "kink", "unsure"
# Numbers below this share of the largest gradient are compared with it, not with themselves.
SMALLEST = 1e-6
# How the reach shrinks until no corner lies within it; nearer than 1e-8 is called "at" the corner.
SHRINKS = (1.0, 1e-2, 1e-4, 1e-6)
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
    near = error <= tolerance and uncertainty <= 10.0 * tolerance
    # Of a pull that is nothing beside the others, the first digits may drown in their rounding.
    small = abs(move.analytic - found.value) <= HONEST * doubt <= NEGLIGIBLE * scale
    if near or small or (error == 0.0 and _is_exact(move, scale)):
        return Finding(move.where, move.analytic, found.value, error, uncertainty, OK)
    return _looked_at_closely(move, scale, tolerance)


def _is_exact(move: Move, scale: float) -> bool:
    """Whether a slope that agrees to the last bit, as two zeros do, was not left over by rounding."""
    return move.inside is None or move.inside.rounding() <= NEGLIGIBLE * scale


def _at_kink(move: Move, scale: float, corner: int) -> Finding:
    """The numerical slope is then the one of the two sides' range that is nearest to the analytic one."""
    both = beside(move.work, move.start, move.reach)
    near = min(max(move.analytic, both.low), both.high)
    gate, line = move.said(corner) if corner >= 0 else ("", "")
    error = _relative(move.analytic, near, scale)
    return Finding(move.where, move.analytic, near, error, np.inf, KINK, gate, line)


def _looked_at_closely(move: Move, scale: float, tolerance: float) -> Finding:
    """Every other way to measure the slope, and what they say together."""
    here = move.at(move.start)[1]

    def smooth(x: float) -> float:
        done, switches = move.at(x)
        return math.nan if _turned(here, switches) else done

    inside = move.inside
    noise = inside.noise() if inside else 0.0
    found = _widest_that_holds(smooth, move, noise)
    chain = inside.chain() if inside and inside.chain else None
    blur = inside.rounding() if inside else 0.0
    pull = abs(move.analytic) if math.isfinite(move.analytic) else abs(found.value)
    size = max(pull, SMALLEST * scale)
    verdict, reason = _verdict(move, found, chain, (tolerance * size, blur, MEASURED * size))
    if verdict == WRONG and found.corner(move.analytic):
        verdict = KINK
    value, doubt = found.value, found.error + blur
    if verdict == OK and chain is not None and abs(found.value - move.analytic) > tolerance * size:
        value, doubt = chain, blur
    elif not found.error <= 0.1 * abs(found.value):
        value = math.nan  # no digit of it is known
    error, uncertainty = _relative(move.analytic, value, scale), _share(doubt, size)
    return Finding(move.where, move.analytic, value, error, uncertainty, verdict, reason=reason)


def _widest_that_holds(function: Callable[[float], float], move: Move, noise: float) -> Measured:
    """Near 0 a slope may belong to steps of the number's own size, far below the usual ones."""
    wide, own = WIDER * move.reach, 0.1 * abs(move.start)
    found = ladder(function, move.start, wide, noise)
    again = found.reason and 0.0 < own < 1e-6 * wide
    return ladder(function, move.start, own, noise) if again else found


def _verdict(
    move: Move, found: Measured, chain: float | None, limits: tuple[float, float, float]
) -> tuple[str, str]:
    """limits, absolute: what passes, what rounding does to the pull, what counts as measured."""
    tolerance, blur, measured = limits
    pull, inside = move.analytic, move.inside
    if not math.isfinite(pull):
        # Infinity times 0 on the way makes NaN of right rules; a rule alone has no such excuse.
        excused = (inside and not inside.alone) or found.reason or found.error > measured
        return (UNSURE, f"the pull is {pull:g}") if excused else (WRONG, "")
    room = max(tolerance, HONEST * blur)
    against = found.refutes(pull, room)
    if against and (chain is None or abs(pull - chain) > room):
        return WRONG, ""
    by_ladder = (
        not found.reason and abs(pull - found.value) <= tolerance and found.error <= measured
    )
    by_chain = chain is not None and abs(pull - chain) <= tolerance
    if (by_ladder or by_chain) and not against and blur <= tolerance:
        return OK, ""
    return UNSURE, _reason(found, limits)


def _reason(found: Measured, limits: tuple[float, float, float]) -> str:
    tolerance, blur, _ = limits
    if not blur <= tolerance:
        return "rounding alone moves the pull by " + (
            f"{blur:.0e}" if blur < math.inf else "any amount"
        )
    return found.reason or "rounding hides the slope"


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
            done, switches = move.at(x)
            crossed += _turned(here, switches)
            return done

        found = slope(work, move.start, move.reach * shrink)
        if crossed:
            corner = min(crossed)
            continue
        if best is None or found.error < best.error:
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
    """|a - b| as a share of the largest; infinite where one of them is no number."""
    return _share(abs(a - b), max(abs(a), abs(b), SMALLEST * scale))


def _share(part: float, whole: float) -> float:
    if not math.isfinite(part):
        return math.inf
    return part / whole if whole else math.inf if part else 0.0
