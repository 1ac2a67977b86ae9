"""Every gate as mpmath computes it with 120 digits, its slopes and curvatures, and points to ask about.

Nothing here knows a pull rule: slopes and curvatures are differences of values, exact to 30 digits and more.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from laws.asking import forces_for, pull_circuit
from laws.gate_cases import BY_HAND, INDEX_SIZE, Case, Ints, Use, kink_distance, uses

from pullback.core.gate import GATES, Gate
from pullback.executors import compile

mp = mpmath.ctx_mp.MPContext()
mp.dps = 120
STEP = mp.mpf(10) ** -30
LARGEST = 6  # real numbers among the inputs of a case
KINK = 1e-3
# How far off a slope and a curvature may be, in units of rounding. Measured: 8.1 and 8.1, of logaddexp
# in float32, whose gap a - b is rounded before its exponential is taken.
SLOPE, CURVATURE = 16.0, 16.0


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    return np.frompyfunc(function, function.__code__.co_argcount, 1)


def _sum(x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    return np.sum(x, axis=axis, keepdims=keepdims)


exp, log = _each(lambda x: mp.exp(x)), _each(lambda x: mp.log(x))
root, positive = _each(lambda x: mp.sqrt(x)), _each(lambda x: x if x > 0 else mp.zero)


def _logsumexp(x: Any, *, axis: Any, keepdims: bool = False) -> Any:
    return log(_sum(exp(x), axis=axis, keepdims=keepdims))


def _clamp(x: Any, *, low: float, high: float) -> Any:
    return _each(lambda x: low if x < low else high if x > high else x)(x)


MEANINGS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negative": lambda x: -x,
    "power": _each(lambda a, b: mp.power(a, b)),
    "exp": exp,
    "log": log,
    "log1p": lambda x: log(1 + x),
    "expm1": lambda x: exp(x) - 1,
    "sqrt": root,
    "tanh": _each(lambda x: mp.tanh(x)),
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "softplus": lambda x: log(1 + exp(x)),
    "sin": _each(lambda x: mp.sin(x)),
    "cos": _each(lambda x: mp.cos(x)),
    "erf": _each(lambda x: mp.erf(x)),
    "floor": _each(lambda x: mp.floor(x)),
    "relu": positive,
    "absolute": _each(lambda x: abs(x)),
    "xlogy": lambda x, y: x * log(y),
    "logaddexp": lambda a, b: log(exp(a) + exp(b)),
    "maximum": lambda a, b, *, ties: _each(lambda a, b: max(a, b))(a, b),
    "minimum": lambda a, b, *, ties: _each(lambda a, b: min(a, b))(a, b),
    "where": lambda condition, a, b: np.where(condition, a, b),
    "clamp": _clamp,
    "sum": _sum,
    "mean": lambda x, *, axis, keepdims: _sum(x, axis=axis, keepdims=keepdims) / mp.mpf(
        np.size(x) // max(1, np.size(_sum(x, axis=axis)))),
    "max": lambda x, *, axis, keepdims: np.max(x, axis=axis, keepdims=keepdims),
    "min": lambda x, *, axis, keepdims: np.min(x, axis=axis, keepdims=keepdims),
    "logsumexp": _logsumexp,
    "softmax": lambda x, *, axis: exp(x) / _sum(exp(x), axis=axis, keepdims=True),
    "log_softmax": lambda x, *, axis: x - _logsumexp(x, axis=axis, keepdims=True),
    "prod": lambda x, *, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    "norm": lambda x, *, axis, keepdims: root(_sum(x * x, axis=axis, keepdims=keepdims)),
    "dot": np.dot,
    "matmul": lambda a, b: np.matmul(a, b),
}  # fmt: skip
# These only move numbers, and NumPy moves anything.
MOVES = (
    "sum_to", "reshape", "broadcast_to", "transpose", "slice", "unslice", "concat", "pad", "gather",
    "scatter_add", "pick", "unpick",
)  # fmt: skip
MEANINGS |= {name: GATES[name].body for name in MOVES}


def asked_gates() -> list[Gate]:
    """The library's gates that put out real numbers and pull as mathematics says."""
    gates = [g for g in GATES.values() if g.__module__.startswith("pullback.gates")]
    return [g for g in gates if g.name not in (*BY_HAND, "argmax", "cast") and g.result is None]


# --- points ---


def points(gate: Gate, count: int) -> list[Case]:
    """`count` cases of a gate: numbers of many sizes, ties, zeros and ones among them, away from kinks."""
    filled = [use for use in uses(gate) if _reals(use) and not _is_empty(use)]
    if gate.elementwise:  # broadcasting is backward's, not the gate's, and its sums cancel
        filled = [use for use in filled if len({*use.shapes}) == 1]
    small = [use for use in filled if _reals(use) <= LARGEST] or [min(filled, key=_reals)]
    seeds = (zlib.crc32(f"{gate.name} {i}".encode()) for i in itertools.count())
    found: list[Case] = []
    for use, seed in zip(itertools.cycle(small), seeds, strict=False):
        case = _drawn(gate, use, np.random.default_rng(seed))
        if kink_distance(case) > KINK and not _is_tip(case):
            found.append(case)
        if len(found) == count:
            return found
    raise AssertionError


def _reals(use: Use) -> int:
    return sum(int(np.prod(s)) for s in use.shapes if not isinstance(s, Ints))


def _is_empty(use: Use) -> bool:
    return any(0 in s for s in use.shapes)


def _drawn(gate: Gate, use: Use, rng: np.random.Generator) -> Case:
    inputs = []
    for name, shape in zip(gate.input_names(len(use.shapes)), use.shapes, strict=True):
        if isinstance(shape, Ints):
            inputs.append(rng.integers(0, INDEX_SIZE, shape)[()])
        elif gate.kinds.get(name) == np.bool_:
            inputs.append(rng.random(shape)[()] < 0.5)
        else:
            inputs.append(_numbers(gate, name, shape, rng))
    return Case(gate, tuple(inputs), gate.bind(use.attributes))


def _numbers(gate: Gate, name: str, shape: Any, rng: np.random.Generator) -> Any:
    """Of sizes from 0.02 to 20, some whole, some 0; inside the gate's domain, an exponent moderate."""
    x = np.exp(rng.uniform(-4, 3, shape)) * rng.choice([-1.0, 1.0], shape)
    x = np.where(rng.random(shape) < 0.2, np.round(rng.uniform(-2, 3, shape)), x)
    if gate.name in ("power", "xlogy") and name == gate.inputs[gate.name == "power"]:
        x = np.clip(x, -4, 4)
    elif gate.domain[0] > -np.inf:
        x = gate.domain[0] + np.where(x == 0, 1.0, np.abs(x))
    if gate.name == "erf":
        x = np.clip(x, -5, 5)  # beyond, 120 digits do not show the slope; the laws of curves do
    if gate.name == "divide" and name == "b":
        x = np.where(x == 0, 1.0, x)
    # Numbers that a float32 holds too, so that both precisions are asked the same.
    return np.asarray(x, np.float32).astype(np.float64)[()]


CORNERS = (0.0, 1.0, -1.0, 2.0, 0.5, 30.0, -30.0)
PAIRS = (0.0, 1.0, -1.0, 2.0)
FILLS = (
    [0.0],
    [1.0],
    [2.0, 2.0, 1.0],
    [0.0, 1.0],
    [0.0, 0.0, 1.0],
    [-1.0, 1.0],
    [30.0, 30.0, -30.0],
)


def corners(gate: Gate) -> list[Case]:
    """Zeros, ones, ties and far apart, wherever the gate is smooth there."""
    filled = [use for use in uses(gate) if 0 < _reals(use) <= LARGEST and not _is_empty(use)]
    scalars = [use for use in filled if not any(use.shapes)]
    use = scalars[0] if scalars else filled[-1] if filled else None
    if use is None:
        return []
    real = sum(not isinstance(s, Ints) for s in use.shapes)
    grid: Any = itertools.product(PAIRS if real > 1 else CORNERS, repeat=real) if scalars else FILLS
    made = [_filled(gate, use, values) for values in grid]
    return [case for case in made if _is_smooth(case)]


def _filled(gate: Gate, use: Use, values: Any) -> Case:
    left = itertools.cycle(values)
    case = _drawn(gate, use, np.random.default_rng(0))
    inputs = [
        np.reshape([next(left) for _ in range(np.size(x))], np.shape(x))[()]
        if i in case.real
        else x
        for i, x in enumerate(case.inputs)
    ]
    return Case(gate, tuple(inputs), case.attributes)


def _is_tip(case: Case) -> bool:
    """Whether it is the length of nothing, which has no slope."""
    return case.gate.name == "norm" and bool(np.any(np.equal(case.output, 0)))


def _is_smooth(case: Case) -> bool:
    """Whether slope and curvature are finite there: off kinks and poles, inside the domain."""
    name, inputs = case.gate.name, case.inputs
    if name in ("divide", "power", "xlogy"):
        return bool(inputs[1 if name != "power" else 0] > 0)
    if _is_tip(case):
        return False
    inside = name == "dot" or all(
        np.all(np.asarray(inputs[i]) > case.gate.domain[0]) for i in case.real
    )
    return inside and kink_distance(case) > KINK


# --- what mathematics says ---


@dataclass(frozen=True)
class Exact:
    """Slope and curvature of sum(force * gate(inputs)) in the real numbers among the inputs, in a row."""

    slope: Any  # (n,)
    curvature: Any  # (n, n)


def exact(case: Case, force: Any) -> Exact:
    """By differences of values in 120 digits."""
    flat = [mp.mpf(float(v)) for i in case.real for v in np.ravel(case.inputs[i])]
    steps = [STEP * max(abs(v), mp.mpf(1) / 100) for v in flat]

    def work(*moves: tuple[int, int]) -> Any:
        moved = list(flat)
        for at, by in moves:
            moved[at] += by * steps[at]
        return _work(case, force, moved)

    n, still = len(flat), work()
    ahead, back = [work((i, 1)) for i in range(n)], [work((i, -1)) for i in range(n)]
    slope = [(ahead[i] - back[i]) / (2 * steps[i]) for i in range(n)]
    curvature = [[mp.zero] * n for _ in range(n)]
    for i in range(n):
        curvature[i][i] = (ahead[i] - 2 * still + back[i]) / steps[i] ** 2
        for j in range(i):
            corners = [s * t * work((i, s), (j, t)) for s in (1, -1) for t in (1, -1)]
            curvature[i][j] = curvature[j][i] = sum(corners) / (4 * steps[i] * steps[j])
    return Exact(np.array(slope, object), np.array(curvature, object).reshape(n, n))


def _work(case: Case, force: Any, flat: list[Any]) -> Any:
    left = iter(flat)
    inputs = []
    for i, x in enumerate(case.inputs):
        if i not in case.real:
            inputs.append(x)
            continue
        moved = np.empty(np.shape(x), object)
        for index in np.ndindex(moved.shape):
            moved[index] = next(left)
        inputs.append(moved)
    y = MEANINGS[case.gate.name](*inputs, **case.attributes)
    # A float times a number of 120 digits would be rounded by NumPy.
    pairs = zip(np.ravel(np.asarray(y, object)), np.ravel(force), strict=True)
    return mp.fsum(mp.mpf(v) * mp.mpf(float(f)) for v, f in pairs)


# --- what we say ---


def found(case: Case, executor: str = "reference") -> tuple[Any, Exact]:
    """The force that was used, and the slope and curvature by pulls and pulls of pulls."""
    circuit = case.circuit()
    first, pulled = pull_circuit(circuit)
    (force,) = forces_for(circuit)
    given = [*case.inputs, force]
    n = sum(np.size(case.inputs[i]) for i in case.real)
    slope, curvature = np.zeros(n), np.zeros((n, n))
    starts = dict(
        zip(case.real, np.cumsum([0, *(np.size(case.inputs[i]) for i in case.real)]), strict=False)
    )
    if not pulled:
        return force, Exact(slope, curvature)
    pulls = compile(first, executor=executor).run(given)
    for i, pull in zip(pulled, pulls, strict=True):
        slope[starts[i] : starts[i] + np.size(pull)] = np.ravel(pull)
    second, again = pull_circuit(first)
    program = compile(second, executor=executor)
    forces = [np.zeros_like(p) for p in pulls]
    for k, i in enumerate(pulled):
        for at in np.ndindex(np.shape(pulls[k])):
            one = [np.array(f) for f in forces]
            one[k][at] = 1.0
            row = starts[i] + int(np.ravel_multi_index(at, np.shape(pulls[k]))) if at else starts[i]
            rows = dict(zip(again, program.run([*given, *[f[()] for f in one]]), strict=True))
            for j in case.real:
                if j in rows:
                    curvature[row, starts[j] : starts[j] + np.size(rows[j])] = np.ravel(rows[j])
    return force, Exact(slope, curvature)


def off(force: Any, found: Exact, wanted: Exact, case: Case, dtype: Any) -> tuple[float, float]:
    """How far slope and curvature are off, in units of the dtype's rounding.

    A number that is small because larger ones cancel is measured by those: the slope of a row by the
    largest one, of softmax by the force; a curvature by the slope over the distance x.
    """
    x = np.array([float(v) for i in case.real for v in np.ravel(case.inputs[i])])
    slope, size = np.abs(wanted.slope.astype(float)), np.abs(wanted.curvature.astype(float))
    if not case.gate.elementwise:
        sizes = [slope.max(), np.abs(force).max() if "softmax" in case.gate.name else 0.0]
        slope = np.full_like(slope, max(sizes))
    per = slope / (np.maximum(np.abs(x), 1.0) if case.gate.elementwise else 1.0)
    within = np.maximum(size, np.minimum(per[:, None], per[None, :]))
    eps = float(np.finfo(dtype).eps)
    pairs = [(found.slope, wanted.slope, slope), (found.curvature, wanted.curvature, within)]
    one, two = (_worst(*each, eps) for each in pairs)
    return one, two


def _worst(found: Any, wanted: Any, scale: Any, eps: float) -> float:
    pairs = zip(np.ravel(found), np.ravel(wanted), np.ravel(scale), strict=True)
    return max((_apart(float(f), w, float(s), eps) for f, w, s in pairs), default=0.0)


def _apart(found: float, wanted: Any, scale: float, eps: float) -> float:
    if not np.isfinite(found):
        return np.inf
    distance = float(abs(mp.mpf(found) - wanted))
    smallest = np.finfo(np.float64).tiny if eps < 1e-10 else np.finfo(np.float32).tiny
    return distance / (eps * max(scale, float(smallest) / eps))
