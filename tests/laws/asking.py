"""Ask a circuit for its pulls, and get the same answer in a way that knows nothing of pull rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors import compile
from pullback.passes.backward import backward

# What central differences with two extrapolations reach for curves of size 1 in float64, with room
# to spare: about 1e-12. A planted relative error of 1e-6 is a thousand times larger.
NUMERIC = 1e-9

STEP = 2.0**-8  # h^6 is 4e-15, and rounding divided by h is still 1e-13


def real_outputs(circuit: Circuit) -> list[int]:
    return [i for i, o in enumerate(circuit.outputs) if circuit.spec_of(o).dtype.kind == "f"]


def forces_for(circuit: Circuit, seed: int = 0) -> list[Any]:
    """One random force of size about 1 for every real output."""
    rng = np.random.default_rng(seed)
    specs = [circuit.spec_of(circuit.outputs[i]) for i in real_outputs(circuit)]
    return [np.asarray(rng.uniform(0.5, 1.5, s.shape)).astype(s.dtype)[()] for s in specs]


def pull_circuit(circuit: Circuit) -> tuple[Circuit, list[int]]:
    """(inputs, forces) -> pulls, and which inputs they pull."""
    back = backward(circuit, real_outputs(circuit))
    pulled = [i for i, p in enumerate(back.input_pulls) if p >= 0]
    return back.asking([back.input_pulls[i] for i in pulled]), pulled


def run(circuit: Circuit, inputs: Sequence[Any], executor: str = "reference") -> list[Any]:
    return compile(circuit, executor=executor).run(inputs)


def watched(circuit: Circuit, inputs: Sequence[Any]) -> list[Any]:
    """The value of every wire, also of those that no output listens to."""
    everything = dataclasses.replace(circuit, outputs=tuple(range(len(circuit))))
    return compile(everything).watch(inputs)


def pulls(
    circuit: Circuit, inputs: Sequence[Any], forces: Sequence[Any], executor: str = "reference"
) -> list[Any]:
    """What each input is pulled with; None where nothing pulls."""
    asked, pulled = pull_circuit(circuit)
    found = dict(zip(pulled, run(asked, [*inputs, *forces], executor), strict=True))
    return [found.get(i) for i in range(len(inputs))]


def numeric_pulls(
    function: Callable[..., Sequence[Any]], inputs: Sequence[Any], forces: Sequence[Any]
) -> list[Any]:
    """d sum(force * output) / d input for every real input, by central differences.

    Two rounds of Richardson's extrapolation cancel the errors h^2 and h^4.
    """

    def work(moved: list[Any]) -> float:
        with np.errstate(all="ignore"):
            outputs = [y for y in function(*moved) if np.asarray(y).dtype.kind == "f"]
        return float(sum(np.sum(f * y) for f, y in zip(forces, outputs, strict=True)))

    return [_slopes(work, list(inputs), i) for i in range(len(inputs))]


def _slopes(work: Callable[[list[Any]], float], inputs: list[Any], position: int) -> Any:
    x = np.asarray(inputs[position])
    if x.dtype.kind != "f":
        return None
    slopes = np.zeros(x.shape)

    def at(index: tuple[int, ...], move: float) -> float:
        moved = np.array(x)
        moved[index] += move
        return work([*inputs[:position], moved[()], *inputs[position + 1 :]])

    for index in np.ndindex(x.shape):
        d = [(at(index, h) - at(index, -h)) / (2 * h) for h in (STEP, STEP / 2, STEP / 4)]
        once = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
        slopes[index] = (16 * once[1] - once[0]) / 15
    return slopes


def distance(found: Sequence[Any], wanted: Sequence[Any]) -> float:
    """The largest difference relative to the largest number wanted, or to 1; None counts as 0."""
    worst = 0.0
    for f, w in zip(found, wanted, strict=True):
        if f is None and w is None:
            continue
        f, w = (
            (np.zeros(np.shape(w)) if f is None else f),
            (np.zeros(np.shape(f)) if w is None else w),
        )
        if np.shape(f) != np.shape(w):
            return np.inf
        with np.errstate(invalid="ignore"):  # equal infinities are equal
            off = np.where(np.equal(f, w), 0.0, np.abs(np.asarray(f) - w))
        if not np.isfinite(off).all():  # a NaN compares as smaller than anything
            return np.inf
        worst = max(worst, np.max(off, initial=0.0) / max(1.0, np.max(np.abs(w), initial=0.0)))
    return float(worst)


def same_bits(found: Any, wanted: Any) -> bool:
    """Equal shape, dtype and every bit; any NaN equals any NaN."""
    f, w = np.asarray(found), np.asarray(wanted)
    if f.shape != w.shape or f.dtype != w.dtype:
        return False
    if f.dtype.kind != "f":
        return bool(np.array_equal(f, w))
    both = np.isnan(f) & np.isnan(w)
    return bool(np.all(both | ((f == w) & (np.signbit(f) == np.signbit(w)))))
