"""Inputs for every gate in the registry, also for one that is added tomorrow.

An elementwise gate and a gate with a signature get theirs from what they declare: domain, kink,
kinds, letters. A gate with a shape function or with attributes that have no default stands in
SHAPED below; one that stands nowhere fails by name.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from inspect import Parameter
from typing import Any

import numpy as np
import pytest

import pullback.gates  # noqa: F401 - fills the registry
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import BOOL, FLOAT32, FLOAT64, INT64
from pullback.core.gate import GATES, Gate
from pullback.core.shapes import Spec, spec_of
from pullback.errors import PullbackError

OFF_KINK = 0.1  # how far a sample stays away from a kink; numerical steps are far smaller
INDEX_SIZE = 3  # every index case points into an axis of this size


@dataclass(frozen=True)
class Use:
    """One way to use a gate: input shapes and attributes. `Ints` inputs are indices."""

    shapes: tuple[Any, ...]
    attributes: dict[str, Any]


class Ints(tuple[int, ...]):
    """The shape of an input that holds indices below INDEX_SIZE."""


def of(*shapes: Any, **attributes: Any) -> Use:
    return Use(shapes, attributes)


@dataclass(frozen=True)
class Case:
    """A gate with numbers to ask it about."""

    gate: Gate
    inputs: tuple[Any, ...]
    attributes: dict[str, Any]

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, np.shape(x))) or "()" for x in self.inputs)
        said = ",".join(f"{k}={v}" for k, v in self.attributes.items())
        return f"{self.gate.name} {shapes} {said}".rstrip()

    def as_dtype(self, dtype: np.dtype[Any]) -> Case:
        """The same case with its real inputs in another precision."""
        return replace(self, inputs=tuple(_as(x, dtype) for x in self.inputs))

    @property
    def output(self) -> Any:
        return self.gate(*self.inputs, **self.attributes)

    @property
    def real(self) -> list[int]:
        """Positions of the inputs that carry real numbers."""
        return [i for i, x in enumerate(self.inputs) if np.asarray(x).dtype.kind == "f"]

    @property
    def is_smooth(self) -> bool:
        """Whether the gate puts out float64, so that numerical slopes are exact enough."""
        try:
            circuit = self.circuit()
        except PullbackError:  # another law says so, with its message
            return False
        return circuit.spec_of(circuit.outputs[0]).dtype == FLOAT64

    def circuit(self) -> Circuit:
        return circuit_of(lambda *x: self.gate(*x, **self.attributes), *self.inputs)


def circuit_of(function: Callable[..., Any], *inputs: Any) -> Circuit:
    """The circuit of a Python function for inputs like these, called x0, x1, ..."""
    builder = Builder()
    specs = [spec_of(_as(x, np.asarray(x).dtype)) for x in inputs]
    out = function(*[builder.input(s, f"x{i}") for i, s in enumerate(specs)])
    return builder.finish(out if isinstance(out, tuple) else (out,))


# --- how each gate is used ---

_FOLDS = [((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3, 2), {"axis": (0, -1)}), ((3,), {"axis": -1})]
_FOLDED = [of(s, **a, keepdims=k) for (s, a), k in itertools.product(_FOLDS, (False, True))]
_ROWS = [of((3,)), of((2, 3)), of((2, 3), axis=0), of((2, 3, 2), axis=1)]

SHAPED: dict[str, list[Use]] = {
    "sum": [*_FOLDED, of(()), of((0, 3), axis=0), of((2, 0), axis=0)],
    "mean": [*_FOLDED, of(()), of((2, 0), axis=0)],
    "max": [*_FOLDED, of(()), of((2, 0), axis=0), of((1, 1), axis=-1)],
    "logsumexp": [*_FOLDED, of((2, 0), axis=0), of((0,)), of((1,))],
    "softmax": [*_ROWS, of((2, 3), axis=(0, 1)), of((2, 0)), of((1,))],
    "log_softmax": [*_ROWS, of((2, 3), axis=(0, 1)), of((2, 0)), of((1,))],
    "min": [*_FOLDED, of(()), of((2, 0), axis=0), of((1, 1), axis=-1)],
    "prod": [*_FOLDED, of(()), of((2, 0), axis=-1), of((1,)), of((2, 3, 2), axis=1), of((2, 3, 1), axis=0),
             of((2, 3), axis=(0, 1)), of((2, 3), axis=())],
    "norm": [*_FOLDED, of(()), of((0,)), of((2, 0), axis=-1), of((2, 3), axis=(0, 1))],
    "pad": [of((2,), widths=((1, 2),)), of((2, 3), widths=((0, 1), (2, 0)), value=7.0), of((), widths=())],
    "clamp": [of(s, low=-0.7, high=1.2) for s in ((), (3,), (2, 3), (0,))]
    + [of(s, **bound) for s in ((), (3,)) for bound in ({}, {"low": -0.7}, {"high": 1.2})],
    "argmax": [of((3,)), of((2, 3)), of((2, 3), axis=0), of((2, 3), axis=-1, keepdims=True), of((3, 2, 2))],
    "sum_to": [of((2, 3), shape=s) for s in ((), (3,), (1, 3), (2, 1), (1, 1), (2, 3))]
    + [of((4, 2, 3), shape=(2, 1)), of((0, 3), shape=(3,))],
    "dot": [of((3,), (3,)), of((2, 3), (3, 2)), of((2, 3), (3,)), of((3,), (3, 2)), of((2,), ()),
            of((2, 1, 3), (2, 3, 2)), of((), (2, 3)), of((4, 1, 3), (3, 2)), of((2, 0), (0, 3)),
            of((0, 3), (3,))],
    "reshape": [of((2, 3), shape=(3, 2)), of((2, 3), shape=(-1,)), of((), shape=(1, 1)), of((1,), shape=())],
    "broadcast_to": [
        of((3,), shape=(2, 3)),
        of((2, 1), shape=(2, 3)),
        of((), shape=(2,)),
        of((1, 3), shape=(4, 2, 3)),
    ],
    "transpose": [
        of((2, 3)),
        of((2, 3, 4), axes=(2, 0, 1)),
        of((2, 3, 4), axes=(-1, 0, 1)),
        of((3,)),
        of(()),
    ],
    "slice": [
        of((4,), index=((1, 3, None),)),
        of((4,), index=((None, None, -2),)),
        of((4, 3), index=(1, (None, 2, None))),
        of((4, 3), index=("new", -1)),
        of((4,), index=((2, 2, None),)),
    ],
    "unslice": [
        of((2,), index=((1, 3, None),), shape=(4,)),
        of((2,), index=((None, None, -2),), shape=(4,)),
        of((2,), index=(1, (None, 2, None)), shape=(4, 3)),
        of((1, 3), index=("new", -1), shape=(4, 3)),
    ],
    "concat": [
        of((2,), (3,)),
        of((2, 3), (2, 1), (2, 2), axis=-1),
        of((2, 3), (1, 3), axis=0),
        of((3,)),
        of((0,), (2,)),
    ],
    "cast": [of(s, dtype=d) for s in ((), (2, 3)) for d in ("float64", "float32", "int64", "bool")],
    "gather": [
        of((3, 2), Ints((4,))),
        of((2, 3), Ints((2, 2)), axis=1),
        of((2, 3), Ints(()), axis=-1),
        of((3,), Ints((0,))),
    ],
    "scatter_add": [
        of((4, 2), Ints((4,)), size=3),
        of((2, 2, 2), Ints((2, 2)), axis=1, size=3),
        of((2, 4), Ints((4,)), axis=-1, size=3),
        of((2,), Ints(()), axis=-1, size=3),
    ],
    "pick": [of((3,), Ints(())), of((4, 3), Ints((4,))), of((2, 4, 3), Ints((4,))), of((1, 3), Ints((2,)))],
    "unpick": [of((), Ints(()), size=3), of((4,), Ints((4,)), size=3), of((2, 4), Ints((2, 4)), size=3)],
    "force": [of((), ()), of((3,), (3,)), of((2, 3), (3,)), of((2, 3), ())],
}  # fmt: skip

# Attributes of elementwise gates beyond their defaults.
VARIANTS = {
    name: [{"ties": t} for t in ("split", "first", "all")] for name in ("maximum", "minimum")
}

_EMPTY = (0,)
SPREADS: dict[int, list[tuple[Any, ...]]] = {
    1: [((),), ((3,),), ((2, 3),), (_EMPTY,), ((2, 0),)],
    2: [
        ((), ()), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((), (2, 3)), ((2, 3), ()), ((2, 1), (1, 3)),
        ((0, 3), (3,)), ((1,), _EMPTY),
    ],
    3: [
        ((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), ()), ((3,), (2, 1), (2, 3)), ((), (2, 3), (3,)),
        (_EMPTY, (), (1,)),
    ],
}  # fmt: skip


def uses(gate: Gate) -> list[Use]:
    """Every way in which `gate` is asked."""
    if gate.name in SHAPED:
        return SHAPED[gate.name]
    open_ended = Parameter.empty in gate.defaults.values() and gate.name not in VARIANTS
    if callable(gate.shape) or open_ended or (gate.kinds and not gate.elementwise):
        raise LookupError(f"gate {gate.name!r} has no case; give it a line in SHAPED or VARIANTS.")
    if gate.elementwise:
        count = len(gate.inputs)
        shapes = SPREADS.get(
            count, [((),) * count, ((3,),) * count, ((2, 3), *((3,),) * (count - 1))]
        )
        return [Use(s, v) for s in shapes for v in VARIANTS.get(gate.name, [{}])]
    return [Use(shapes, {}) for shapes in _from_letters(gate)]


def _from_letters(gate: Gate) -> Iterator[tuple[Any, ...]]:
    letters = sorted({a for axes in gate.shape.inputs for a in axes} - {"..."})
    sizes = {a: (i + 2,) for i, a in enumerate(letters)}
    for spreads in ([()], [(2,)], [(2,), (1,)], [(), (2,)], [(0,)]):
        each = itertools.cycle(spreads)
        yield tuple(
            tuple(s for a in axes for s in (next(each) if a == "..." else sizes[a]))
            for axes in gate.shape.inputs
        )


# --- numbers ---


def cases(gate: Gate) -> list[Case]:
    """The gate's cases, the same ones every time."""
    found = uses(gate)
    return [
        _sampled(gate, use, zlib.crc32(f"{gate.name} {i}".encode())) for i, use in enumerate(found)
    ]


def _sampled(gate: Gate, use: Use, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        names = gate.input_names(len(use.shapes))
        pairs = zip(names, use.shapes, strict=True)
        inputs = tuple(_drawn(gate, name, shape, rng) for name, shape in pairs)
        case = Case(gate, inputs, gate.bind(use.attributes))
        if kink_distance(case) > OFF_KINK:
            return case
    raise LookupError(f"gate {gate.name!r}: no sample lies away from its kink.")


def kink_distance(case: Case) -> float:
    """How near the closest kink is; infinite for a gate without one."""
    if case.gate.kink is None:
        return np.inf
    return float(np.min(np.abs(case.gate.kink(*case.inputs, **case.attributes)), initial=np.inf))


def _drawn(gate: Gate, name: str, shape: Any, rng: np.random.Generator) -> Any:
    if isinstance(shape, Ints) or gate.kinds.get(name) == INT64:
        return rng.integers(0, INDEX_SIZE, shape)[()]
    if gate.kinds.get(name) == BOOL:
        return rng.random(shape)[()] < 0.5
    return np.asarray(inside(gate.domain, shape, rng))[()]


def inside(domain: tuple[float, float], shape: Any, rng: np.random.Generator) -> Any:
    """Points of moderate size well inside `domain`; on the whole line none is near 0."""
    low, high = domain
    if np.isfinite(low) and np.isfinite(high):
        return low + (high - low) * rng.uniform(0.1, 0.9, shape)
    if np.isfinite(low):
        return low + np.exp(rng.uniform(-0.9, 0.9, shape))
    if np.isfinite(high):
        return high - np.exp(rng.uniform(-0.9, 0.9, shape))
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.4, 1.8, shape)


def _as(x: Any, dtype: np.dtype[Any]) -> Any:
    return np.asarray(x).astype(dtype)[()] if np.asarray(x).dtype.kind == "f" else x


def _cases_if_any(gate: Gate) -> list[Case]:
    # One law says by name which gate has none; it must not keep the others from being asked.
    try:
        return cases(gate)
    except (LookupError, PullbackError):
        return []


# --- what laws are parametrized with ---

ALL_GATES = [g for g in GATES.values() if g.__module__.startswith("pullback.")]
ALL_CASES = [case for g in ALL_GATES for case in _cases_if_any(g)]
SMOOTH_CASES = [case for case in ALL_CASES if case.is_smooth and case.real]
# Their pull is a person's will, not a slope.
BY_HAND = ("force", "stop_gradient")
SLOPED_CASES = [case for case in SMOOTH_CASES if case.gate.name not in BY_HAND]
every_sloped_case = pytest.mark.parametrize("case", SLOPED_CASES, ids=str)
every_gate = pytest.mark.parametrize("gate", ALL_GATES, ids=lambda g: g.name)
every_case = pytest.mark.parametrize("case", ALL_CASES, ids=str)
every_smooth_case = pytest.mark.parametrize("case", SMOOTH_CASES, ids=str)
both_precisions = pytest.mark.parametrize("dtype", [FLOAT64, FLOAT32], ids=str)


def specs(case: Case) -> list[Spec]:
    return [spec_of(x) for x in case.inputs]
