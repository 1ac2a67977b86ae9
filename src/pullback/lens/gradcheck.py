"""gradcheck: is every pull right? If not, which gate is wrong, and is it wrong or is it a kink?

Two questions are asked. Gate by gate: does this gate's pull rule agree with its own value, at the
very numbers it has in this run? End to end: does the pull on each input agree with moving that
input? The first names the culprit, the second proves that the gates were put together rightly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.lens.circuit_probe import CircuitProbe
from pullback.lens.compare import KINK, OK, UNSURE, WRONG, Finding, compared
from pullback.lens.cones import suspects
from pullback.lens.gatecheck import bad_gates
from pullback.lens.probe import HandProbe, Probe
from pullback.lens.specialize import Specialization

__all__ = ["KINK", "OK", "UNSURE", "WRONG", "Finding", "Report", "check_view", "gradcheck"]
MOST = 64  # inputs' numbers that are moved one by one; of more, so many, then all together
WAYS = 3


@dataclass(frozen=True)
class Report:
    """What gradcheck found. A kink is not wrong; of what could not be measured nothing is claimed.

    passed: every pull was measured and is right, or stands at a kink. `unsure` are the pulls that
    could not be measured, each with its reason: rounding, a pole or a fast wave near, an infinite
    slope. The printed report names them.
    """

    findings: tuple[Finding, ...]
    bad_gates: tuple[Finding, ...]
    tolerance: float
    evaluations: int = field(default=0)
    nudged: int = field(default=0)  # numbers of weights moved one by one beside the findings

    @property
    def passed(self) -> bool:
        return not self.bad_gates and all(f.verdict in (OK, KINK) for f in self.findings)

    @property
    def unsure(self) -> tuple[Finding, ...]:
        """The pulls that could not be measured."""
        return tuple(f for f in self.findings if f.verdict == UNSURE)

    @property
    def first_bad(self) -> Finding | None:
        """The first wrong gate in running order."""
        return self.bad_gates[0] if self.bad_gates else None

    @property
    def worst(self) -> float:
        """The largest relative error of what could be measured, away from kinks."""
        return max((f.error for f in self.findings if f.verdict in (OK, WRONG)), default=0.0)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        rows: list[tuple[str, ...]] = [("wire", "grad", "numerical", "rel. error", "verdict")]
        rows += [_row(f) for f in self.findings[:40]]
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
        ]
        if len(self.findings) > 40:
            lines.append(f"... {len(self.findings) - 40} more")
        if self.nudged:
            lines.append(f"all {self.nudged:,} numbers of weights were moved one by one as well")
        lines += [
            f"{f.gate}: the pull on {f.where} is {f.analytic:.9g}, should be {f.numerical:.9g}"
            f" (relative error {f.error:.1e})  {f.line}".rstrip()
            for f in self.bad_gates[:5]
        ]
        lines += [f"inconclusive: {self.unmeasured}."] if self.unsure else []
        return "\n".join(lines)

    @property
    def unmeasured(self) -> str:
        """The sentence about what could not be measured, "" when everything could."""
        named = [f.where for f in self.unsure]
        if len(named) == 1:
            return f"the slope at {named[0]} could not be measured"
        some = ", ".join([*named[:5], *(["..."] if named[5:] else [])])
        count = f"{len(named)} of {len(self.findings)} slopes"
        return f"{count} could not be measured: {some}" if named else ""


def _row(f: Finding) -> tuple[str, ...]:
    said = f"{f.verdict} at {f.gate}" if f.verdict == KINK and f.gate else f.verdict
    said += f": {f.reason}" if f.reason else ""
    return f.where, f"{f.analytic:.9g}", f"{f.numerical:.9g}", f"{f.error:.1e}", said


def gradcheck(
    function: Any,
    *values: Any,
    backward: Callable[..., Any] | None = None,
    tolerance: float = 1e-9,
    **named: Any,
) -> Report:
    """Compare the gradient of `function` with the numerical one, at these values.

    function: a circuit, a plain function of gates, or any Python function with a hand-written
    `backward(*values)` that returns one gradient an input. tolerance is relative; the numerical side
    carries an error estimate (about 1e-13 at well-conditioned points), so a backward that is wrong
    by 1e-8 fails. "wrong" is said only where steps of several sizes agree; where they do not, or
    where rounding blurs the pull itself, the verdict is "unsure", with the reason. Everything is
    checked in float64, also a circuit of float32.

    >>> def f(x, y): return x * y
    >>> def wrong(x, y): return y, x + 0.001
    >>> gradcheck(f, -2.0, 3.0, backward=wrong).findings[1].verdict
    'wrong'
    """
    if backward is not None:
        return _report(HandProbe(function, backward, values, named), [], tolerance)
    # A CircuitFunction answers for itself; it needs this file, so it is looked up late.
    from pullback.lens.function import as_circuit_function  # noqa: PLC0415

    report: Report = as_circuit_function(function).gradcheck(*values, tolerance=tolerance, **named)
    return report


def check_view(view: Specialization, values: Sequence[Any], *, tolerance: float) -> Report:
    """The check of a traced circuit at these inputs.

    An output that is an array is pulled with a fixed uneven force. Of more than 64 numbers among
    the inputs, 64 are moved one by one, then all of them together along three directions. Weights
    of a net (`x @ W + b`) are moved one by one all of them, with a coarser step, and of those whose
    pull does not fit the 64 worst are looked at closely.
    """
    probe = CircuitProbe(view.circuit, values)
    bad = bad_gates(probe.circuit, probe.watched, tolerance)
    if len(probe.places()) <= MOST or probe.moving.spec_of(probe.moving.outputs[0]).shape:
        return _report(probe, bad, tolerance)
    alone = dataclasses.replace(probe.moving, outputs=probe.moving.outputs[:1])
    nudged, wrong = (
        suspects(alone, probe.inputs, probe.pulls) if len(probe.forces) == 1 else (0, [])
    )
    return _report(probe, bad, tolerance, (nudged, wrong[:MOST]))


def _report(
    probe: Probe, bad: list[Finding], tolerance: float, others: tuple[int, list[Any]] = (0, [])
) -> Report:
    """others: how many numbers were nudged besides, and the places among them to look at closely."""
    places = probe.places()
    chosen = _chosen(places)
    moves = [
        probe.element(*place) for place in [*chosen, *(p for p in others[1] if p not in chosen)]
    ]
    moves += [probe.together(way) for way in range(WAYS)] if len(places) > MOST else []
    findings = [compared(move, probe.scale, tolerance) for move in moves]
    return Report(tuple(findings), tuple(bad), tolerance, probe.evaluations, others[0])


def _chosen(places: list[Any]) -> list[Any]:
    if len(places) <= MOST:
        return places
    generator = np.random.Generator(np.random.PCG64(3))
    return [places[i] for i in sorted(generator.choice(len(places), MOST, replace=False))]
