"""The slope of a circuit gate by gate: each gate's own slope is measured, and the chain rule joins them.

This needs no pull rule. A fast wave, a pole or a cancellation further on does not disturb it, for
each gate is moved on its own scale: a holomorphic gate by a complex step, another by a ladder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.gate import Gate
from pullback.lens.ladder import WINDOW, exact_steps, windows
from pullback.lens.numeric import EPSILON
from pullback.lens.switches import state
from pullback.passes.rewrite import live

FEW = 18  # steps: a gate alone is smooth on its own scale
TINY = 1e-30  # a complex step: no digits are lost by subtracting, so it may be as small as this
SAME = 1e-9  # the complex body must give the real one's value, or its slope is not believed


def chained(
    circuit: Circuit, values: Sequence[Any], moves: Sequence[Any], forces: Sequence[Any]
) -> float:
    """How fast the forces' work grows when each input moves by its share of `moves`; NaN where unmeasured.

    values: of every wire. moves: one an input, None for one that stands still. forces: one an output.
    """
    pairs = zip(circuit.inputs, moves, strict=True)
    moving: dict[int, Any] = {w: np.asarray(m) for w, m in pairs if m is not None and np.any(m)}
    wanted = live(circuit)
    for row in circuit.rows():
        moved = row.gate is not None and any(i in moving for i in row.inputs)
        if moved and wanted[row.wire] and circuit.spec_of(row.wire).dtype.kind == "f":
            inputs = [np.asarray(values[i]) for i in row.inputs]
            ways = [moving.get(i, np.zeros(np.shape(values[i]))) for i in row.inputs]
            assert row.gate is not None
            moving[row.wire] = gate_slope(row.gate, inputs, ways, row.attributes)
    ends = zip(circuit.outputs, forces, strict=True)
    return float(sum(np.sum(force * moving[o]) for o, force in ends if o in moving))


def gate_slope(
    gate: Gate, inputs: Sequence[Any], ways: Sequence[Any], attributes: dict[str, Any]
) -> Any:
    """d/dt of one gate's output when its inputs move along `ways`."""
    with np.errstate(all="ignore"):
        if gate.elementwise and any(np.ndim(w) for w in ways):
            return _where_it_moves(gate, inputs, ways, attributes)
        return _slope(gate, inputs, ways, attributes)


def _slope(
    gate: Gate, inputs: Sequence[Any], ways: Sequence[Any], attributes: dict[str, Any]
) -> Any:
    found = complex_slope(gate, inputs, ways, attributes) if gate.holomorphic else None
    return _by_ladder(gate, inputs, ways, attributes) if found is None else found


def _where_it_moves(
    gate: Gate, inputs: Sequence[Any], ways: Sequence[Any], attributes: dict[str, Any]
) -> Any:
    """Of an elementwise gate only the elements that move: of a net, one nudge moves few."""
    full = np.broadcast_arrays(*inputs, *ways)
    moves = np.any([w != 0.0 for w in full[len(inputs) :]], axis=0)
    slopes = np.zeros(moves.shape)
    if moves.any():
        few = [part[moves] for part in full]
        slopes[moves] = _slope(gate, few[: len(inputs)], few[len(inputs) :], attributes)
    return slopes


def complex_slope(
    gate: Gate, inputs: Sequence[Any], ways: Sequence[Any], attributes: dict[str, Any]
) -> Any:
    """The same for a holomorphic gate, to nearly all digits; None where complex numbers fail."""
    largest = max(float(np.max(np.abs(w), initial=0.0)) for w in ways)
    if not 0.0 < largest < np.inf:
        return None
    step = TINY * min(1.0, *(_smallest(x) for x in inputs)) / largest
    moved = [np.asarray(x) + 1j * (step * w) if np.any(w) else x for x, w in _pairs(inputs, ways)]
    plain, done = gate.body(*inputs, **attributes), gate.body(*moved, **attributes)
    far = np.abs(np.real(done) - plain) > SAME * np.abs(plain)
    unknown = not np.iscomplexobj(done) or np.any(far) or not np.all(np.isfinite(done))
    return None if unknown else np.imag(done) / step


def _smallest(x: Any) -> float:
    """The size of the smallest number but 0."""
    sizes = np.abs(np.asarray(x, np.float64))
    return float(np.min(sizes, initial=1.0, where=sizes > 0.0))


def _pairs(inputs: Sequence[Any], ways: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(inputs, ways, strict=True))


def _by_ladder(
    gate: Gate, inputs: Sequence[Any], ways: Sequence[Any], attributes: dict[str, Any]
) -> Any:
    """Every element of the output takes the steps that measure it best."""
    here = state(gate, inputs, attributes)
    shares = [
        float(np.max(np.abs(w) / np.maximum(np.abs(x), 0.1), initial=0.0))
        for x, w in _pairs(inputs, ways)
    ]
    widest = 0.1 / max(shares) if 0.0 < max(shares) < np.inf else np.nan
    steps = exact_steps(0.0, widest, FEW)

    def at(step: float) -> Any:
        moved = [(x + step * w)[()] if np.any(w) else x[()] for x, w in _pairs(inputs, ways)]
        done = np.asarray(gate.body(*moved, **attributes))
        return done if state(gate, moved, attributes) == here else np.full(done.shape, np.nan)

    if len(steps) < WINDOW:
        return np.full(np.shape(gate.body(*inputs, **attributes)), np.nan)
    up, down = (np.array([at(sign * h) for h in steps]) for sign in (1.0, -1.0))
    slopes, errors = windows(steps, up, down, EPSILON * np.abs(gate.body(*inputs, **attributes)))
    errors = np.where(np.isfinite(slopes) & np.isfinite(errors), errors, np.inf)
    best = np.argmin(errors, axis=0)[None]
    return np.where(
        np.isfinite(np.take_along_axis(errors, best, 0)[0]),
        np.take_along_axis(slopes, best, 0)[0],
        np.nan,
    )
