"""gradcheck: is every pull right? If not, which gate is wrong, and is it wrong or is it a kink?

Two questions are asked. Gate by gate: does this gate's pull rule agree with its own value, at the
very numbers it has in this run? End to end: does the pull on each input agree with moving that
input? The first names the culprit, the second proves that the gates were put together rightly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.errors import CircuitError
from pullback.executors.reference.program import Program
from pullback.lens.numeric import Slope, slope
from pullback.lens.views import View
from pullback.passes.pull import pull_inputs

OK, WRONG, KINK, UNSURE = "ok", "wrong", "kink", "unsure"
# Numbers below this share of the largest gradient are compared with it, not with themselves.
SMALLEST = 1e-6


@dataclass(frozen=True)
class Finding:
    """One comparison. `where` names the input (with its index), `gate` the gate at fault or at a kink."""

    where: str
    analytic: float
    numerical: float
    error: float  # relative difference
    uncertainty: float  # relative, of the numerical side
    verdict: str
    gate: str = ""
    line: str = ""


@dataclass(frozen=True)
class Report:
    """What gradcheck found. `passed` is False only when something is wrong; a kink is not wrong."""

    findings: tuple[Finding, ...]
    bad_gates: tuple[Finding, ...]
    tolerance: float
    evaluations: int = field(default=0)

    @property
    def passed(self) -> bool:
        return not self.bad_gates and all(f.verdict != WRONG for f in self.findings)

    @property
    def first_bad(self) -> Finding | None:
        """The first wrong gate in running order."""
        return self.bad_gates[0] if self.bad_gates else None

    @property
    def worst(self) -> float:
        """The largest relative error away from kinks."""
        return max((f.error for f in self.findings if f.verdict != KINK), default=0.0)

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        rows = [("wire", "analytic", "numerical", "rel. error", "verdict")]
        rows += [_row(f) for f in self.findings[:40]]
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
        ]
        if len(self.findings) > 40:
            lines.append(f"... {len(self.findings) - 40} more")
        lines += [
            f"{f.gate}: the pull on {f.where} is {f.analytic:.6g}, should be {f.numerical:.6g}  {f.line}".rstrip()
            for f in self.bad_gates[:5]
        ]
        return "\n".join(lines)


def _row(f: Finding) -> tuple[str, ...]:
    said = f"{f.verdict} at {f.gate}" if f.verdict == KINK else f.verdict
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
    by 1e-8 fails.

    >>> def f(x, y): return x * y
    >>> def wrong(x, y): return y, x + 0.001
    >>> gradcheck(f, -2.0, 3.0, backward=wrong).findings[1].verdict
    'wrong'
    """
    if backward is None:
        from pullback.lens.function import as_circuit_function

        return as_circuit_function(function).gradcheck(*values, tolerance=tolerance, **named)
    inputs = [*values, *named.values()]
    names = [f"input {i}" for i in range(len(values))] + list(named)
    return _check_by_hand(function, backward, inputs, names, tolerance)


def check_view(view: View, values: Sequence[Any], *, tolerance: float) -> Report:
    """The check of a traced circuit at these inputs."""
    circuit = view.circuit
    view.scalar_output("the circuit")
    program = Program(circuit)
    watched = program.watch(values)
    bad = _bad_gates(circuit, watched, tolerance)
    analytic = view.gradient_program.run([*values, 1.0])[len(circuit.outputs) :]
    pulled = [w for w, p in zip(circuit.inputs, view.back.input_pulls, strict=True) if p >= 0]
    probe = _Probe(circuit, program, watched)
    findings: list[Finding] = []
    scale = max((float(np.max(np.abs(a))) for a in analytic if np.size(a)), default=0.0)
    for wire, pulls in zip(pulled, analytic, strict=True):
        findings += probe.input(wire, pulls, scale, tolerance)
    return Report(tuple(findings), tuple(bad), tolerance, probe.evaluations)


class _Probe:
    """Moves one number of one input and watches the output and every kink on the way."""

    def __init__(self, circuit: Circuit, program: Program, watched: list[Any]) -> None:
        self.circuit, self.program, self.watched = circuit, program, watched
        self.inputs = [watched[w] for w in circuit.inputs]
        self.kinky = [
            row for row in circuit.rows() if row.gate is not None and row.gate.kink is not None
        ]
        self.evaluations = 0

    def input(self, wire: int, pulls: Any, scale: float, tolerance: float) -> list[Finding]:
        value = np.asarray(self.watched[wire])
        name = self.circuit.names[wire]
        found = []
        for index in np.ndindex(value.shape):
            where = name + (f"[{', '.join(map(str, index))}]" if index else "")
            found.append(
                self._element(wire, index, float(np.asarray(pulls)[index]), where, scale, tolerance)
            )
        return found

    def _element(
        self, wire: int, index: Any, analytic: float, where: str, scale: float, tolerance: float
    ) -> Finding:
        position = self.circuit.inputs.index(wire)
        start = float(np.asarray(self.watched[wire])[index])

        def moved(x: float) -> list[Any]:
            values = list(self.inputs)
            array = np.array(values[position])
            array[index] = x
            values[position] = array[()]
            self.evaluations += 1
            return values

        def f(x: float) -> float:
            return float(self.program.run(moved(x))[0])

        found = slope(f, start)
        kink = (
            self._kink(lambda x: self.program.watch(moved(x)), start, found.step)
            if self.kinky
            else None
        )
        if kink is not None:
            return self._beside(
                kink,
                f,
                lambda x: self.program.watch(moved(x)),
                analytic,
                where,
                start,
                scale,
                tolerance,
            )
        return _compared(where, analytic, found, scale, tolerance)

    def _beside(
        self,
        kink: Row,
        f: Any,
        watch: Any,
        analytic: float,
        where: str,
        start: float,
        scale: float,
        tolerance: float,
    ) -> Finding:
        """A kink lies within the steps: try again with steps too small to reach it, else call it a kink."""
        for shrink in (1e-2, 1e-4):
            found = slope(lambda t: f(start + t * shrink), 0.0)
            near = Slope(found.value / shrink, found.error / shrink, found.step * shrink)
            if self._kink(watch, start, near.step) is None:
                return _compared(where, analytic, near, scale, max(tolerance, 1e-13 / shrink))
        numerical = (f(start + 1e-7) - f(start - 1e-7)) / 2e-7
        error = _relative(analytic, numerical, scale)
        assert kink.gate is not None
        return Finding(
            where, analytic, numerical, error, np.inf, KINK, self._said(kink), self._line(kink)
        )

    def _kink(self, watch: Any, start: float, step: float) -> Row | None:
        """The first kinky gate whose switch differs, or is undecided, within start +- step."""
        with np.errstate(all="ignore"):
            sides = [self._switches(watch(x)) for x in (start - step, start, start + step)]
        for row, *signs in zip(self.kinky, *sides, strict=True):
            moves = not (np.array_equal(signs[0], signs[1]) and np.array_equal(signs[1], signs[2]))
            if moves:
                return row
        return None

    def _switches(self, values: list[Any]) -> list[Any]:
        return [
            np.sign(row.gate.kink(*[values[i] for i in row.inputs], **row.attributes))
            for row in self.kinky
        ]  # type: ignore[union-attr,misc]

    def _said(self, row: Row) -> str:
        assert row.gate is not None
        name = self.circuit.names[row.wire]
        return f"{row.gate.name}" + (f" '{name}'" if name else "")

    def _line(self, row: Row) -> str:
        site = self.circuit.sites[int(self.circuit.site[row.wire])]
        return str(site) if site.file else ""


def _bad_gates(circuit: Circuit, values: list[Any], tolerance: float) -> list[Finding]:
    """Every gate whose pull rule disagrees with its own value at these numbers, in running order."""
    bad: list[Finding] = []
    asked: set[Any] = set()
    for row in circuit.rows():
        if row.gate is None or circuit.spec_of(row.wire).dtype.kind != "f":
            continue
        inputs = [values[i] for i in row.inputs]
        key = (
            row.gate.name,
            tuple(row.attributes.items()),
            *(np.asarray(x).tobytes() for x in inputs),
        )
        if key in asked or not all(np.all(np.isfinite(x)) for x in inputs):
            continue
        asked.add(key)
        found = gate_finding(row.gate, inputs, row.attributes, tolerance)
        if found is not None:
            site = circuit.sites[int(circuit.site[row.wire])]
            name = circuit.names[row.wire]
            label = row.gate.name + (f" '{name}'" if name else "")
            listened = circuit.describe(row.inputs[int(found.where)])
            bad.append(
                Finding(listened, *_numbers(found), WRONG, label, str(site) if site.file else "")
            )
    return bad


def _numbers(f: Finding) -> tuple[float, float, float, float]:
    return f.analytic, f.numerical, f.error, f.uncertainty


# Gates that change the pull on purpose: their backward is not the derivative of their value.
DELIBERATE = ("stop_gradient", "force")


def gate_finding(
    gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any], tolerance: float
) -> Finding | None:
    """A wrong pull of one gate at these inputs, or None. `where` is the input's position.

    The output is pulled with a fixed, uneven force, and each real input is moved along a fixed
    direction, so one number stands for the whole Jacobian.
    """
    if gate.name in DELIBERATE or (gate.rule is None and not gate.recipe):
        return None
    with np.errstate(all="ignore"):
        y = gate(*inputs, **attributes)
        dy = _uneven(np.shape(y)) if np.shape(y) else np.float64(1.0)
        pulls = pull_inputs(gate, dy, y, inputs, attributes)
        for position, (x, pull) in enumerate(zip(inputs, pulls, strict=True)):
            if np.asarray(x).dtype.kind != "f" or np.size(x) == 0:
                continue
            found = _one_input(gate, inputs, attributes, position, pull, dy, tolerance)
            if found is not None:
                return found
    return None


def _one_input(
    gate: Gate,
    inputs: Sequence[Any],
    attributes: dict[str, Any],
    position: int,
    pull: Any,
    dy: Any,
    tolerance: float,
) -> Finding | None:
    x = np.asarray(inputs[position], np.float64)
    direction = (
        _uneven(x.shape) * np.maximum(np.abs(x), 0.1)
        if x.shape
        else np.float64(max(abs(float(x)), 0.1))
    )

    def f(t: float) -> float:
        moved = [*inputs[:position], (x + t * direction)[()], *inputs[position + 1 :]]
        return float(np.sum(dy * gate(*moved, **attributes)))

    if gate.kink is not None and _switches_within(gate, inputs, attributes, position, direction):
        return None
    # Steps start at 1 % of the input: a gate alone is smooth there, and its domain is not left.
    found = slope(lambda t: f(0.1 * t), 0.0)
    numerical = Slope(found.value * 10.0, found.error * 10.0, found.step)
    analytic = 0.0 if pull is None else float(np.sum(np.asarray(pull) * direction))
    scale = 0.0 if pull is None else float(np.sum(np.abs(np.asarray(pull) * direction)))
    made = _compared(str(position), analytic, numerical, scale, tolerance)
    return made if made.verdict == WRONG else None


def _switches_within(
    gate: Gate, inputs: Sequence[Any], attributes: dict[str, Any], position: int, direction: Any
) -> bool:
    assert gate.kink is not None
    signs = []
    for t in (-1e-3, 0.0, 1e-3):
        moved = [*inputs[:position], inputs[position] + t * direction, *inputs[position + 1 :]]
        signs.append(np.sign(gate.kink(*moved, **attributes)))
    return not (np.array_equal(signs[0], signs[1]) and np.array_equal(signs[1], signs[2]))


def _uneven(shape: tuple[int, ...]) -> Any:
    # Fixed, without zeros, and unlike any symmetry a wrong rule may have.
    return (
        np.random.Generator(np.random.PCG64(7)).uniform(0.5, 1.5, shape)
        if shape
        else np.float64(1.0)
    )


def _compared(where: str, analytic: float, found: Slope, scale: float, tolerance: float) -> Finding:
    floor = max(abs(analytic), abs(found.value), SMALLEST * scale)
    if not np.isfinite(found.value) or not np.isfinite(analytic):
        verdict = OK if analytic == found.value else UNSURE if np.isnan(found.value) else WRONG
        return Finding(where, analytic, found.value, np.nan, np.inf, verdict)
    error = _relative(analytic, found.value, scale)
    uncertainty = found.error / floor if floor else 0.0
    # The estimate is of the last correction; ten times it bounds the rounding left behind.
    verdict = OK if error <= tolerance else UNSURE if error <= 10.0 * uncertainty else WRONG
    return Finding(where, analytic, found.value, error, uncertainty, verdict)


def _relative(a: float, b: float, scale: float) -> float:
    largest = max(abs(a), abs(b), SMALLEST * scale)
    return abs(a - b) / largest if largest else 0.0


def _check_by_hand(
    function: Any, backward: Any, inputs: list[Any], names: list[str], tolerance: float
) -> Report:
    pulls = backward(*inputs)
    pulls = pulls if isinstance(pulls, tuple | list) else (pulls,)
    if len(pulls) != len(inputs):
        raise CircuitError(f"backward returns {len(pulls)} gradients for {len(inputs)} inputs.")
    findings: list[Finding] = []
    scale = max((float(np.max(np.abs(p))) for p in pulls), default=0.0)
    for position, (x, pull, name) in enumerate(zip(inputs, pulls, names, strict=True)):
        for index in np.ndindex(np.shape(x)):

            def f(v: float, position: int = position, index: Any = index) -> float:
                array = np.array(inputs[position], np.float64)
                array[index] = v
                return float(function(*inputs[:position], array[()], *inputs[position + 1 :]))

            found = slope(f, float(np.asarray(x)[index]))
            where = name + (f"[{', '.join(map(str, index))}]" if index else "")
            findings.append(
                _compared(where, float(np.asarray(pull)[index]), found, scale, tolerance)
            )
    return Report(tuple(findings), (), tolerance)
