"""Odd calls of every gate, and what comes of them in the four ways a gate is called.

A call has one oddity, or two: an input of another shape or type, an option of another type or outside
its range, an input too few or too many, an option that does not exist. The four ways are plain numbers,
Units, a circuit run by the reference executor, and the same circuit as machine code.
"""

from __future__ import annotations

import datetime
import fractions
import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from laws.gate_cases import ALL_GATES, cases

import pullback as pb
from pullback.core.build import Builder
from pullback.core.gate import Gate
from pullback.core.shapes import spec_of
from pullback.errors import DtypeError, PullbackError
from pullback.executors import compile
from pullback.executors.unit import Unit

WAYS = ("numbers", "Units", "wires", "machine code")
ROUNDING = {8: 1e-12, 4: 1e-5}  # machine code has its own exp and log, by bytes of a number

_HUGE = 10**30
ODD_INPUTS: list[Any] = [
    *(np.ones(s) for s in ((), (0,), (1,), (2,), (5,), (2, 3), (3, 2), (4, 1), (0, 3), (2, 3, 2))),
    *(np.ones(s, np.int64) for s in ((), (2,), (3, 3))),
    *(np.ones(2, d) for d in ("f2", "f4", ">f8", "i1", ">i4", "u8", "?", "g", "c16")),
    *(np.ones(2, d) for d in ("S1", "U1", "M8[s]", "m8[D]")),
    np.array([2**63], np.uint64), np.array([1.0, None]), np.array([1.0, "x"], object),
    np.zeros(2, [("a", "f8")]), np.ma.masked_array([1.0, 2.0], [False, True]),
    np.ma.masked_array([1.0, 2.0]), np.ones((1, 2)).view(np.matrix), np.array([7, -1]), np.array([0, 9]),
    np.array([np.nan, np.inf]), np.float16(2), np.float32(2), np.int8(2), np.bool_(True), True, 2, -1, 0.5,
    float("nan"), _HUGE, 10**400, 2 + 1j, "2", b"2", "", None, [], (), [1, 2], [[1.0, 2.0], [3.0]],
    [1.0, "x"], [None], [[], [1.0]], [10**400], {}, {1.0}, {"a": 1.0}, object(), float, len,
    fractions.Fraction(1, 2), datetime.date(2020, 1, 1), range(3), slice(2), ..., NotImplemented,
    bytearray(b"12"),
]  # fmt: skip
ODD_OPTIONS: list[Any] = [
    None, True, False, 0, 1, -1, 2, 5, -7, _HUGE, -_HUGE, 10**5000, 0.0, 1.5, float("nan"), float("inf"),
    "no", "", "float32", b"x", [], (), (0,), [0], (0, 0), (0, -1), (1, 0), (2, 3), (-2, 3), (-2, -3),
    (-1, -1), (6,), (3, 2), (2**32, 2**32), (2**40,), (1,) * 70, (0.0,), ("0",), (None,), (True,),
    ((1, 2),), ((1, 2), (0, 1)), ((1,),), ((-1, 1),), ((1.0, 1),), ((0, 2, 1),), ((None, None, 0),),
    ((None, None, None), "new"), ("old",), (1, (0, 1)), slice(0, 2), slice(None, None, 0), ..., np.int64(0),
    np.int64(-1), np.bool_(True), np.float64(1), np.array(0), np.array([0]), np.array([0, 1]),
    np.array([0.5]), np.array([[0]]), np.array([], int), np.array("x"), {}, set(), object(), 1j, float, int,
    np.float32, np.dtype("f4"), np.dtype("c16"), np.timedelta64(1, "s"), range(2), len,
    fractions.Fraction(1, 2),
    "split", "first", "nearest",
]  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A call of a gate: its inputs and options as a person gives them."""

    gate: Gate
    inputs: tuple[Any, ...]
    options: dict[str, Any]

    def __str__(self) -> str:
        given = [*map(_short, self.inputs), *(f"{k}={_short(v)}" for k, v in self.options.items())]
        return f"{self.gate.name}({', '.join(given)})"


def _short(value: Any) -> str:
    if type(value) is int and value.bit_length() > 200:
        return f"<{value.bit_length()} bits>"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<{value.dtype.str}{list(value.shape)}>"
    return repr(value)[:40]


# --- the calls ---


def odd_calls(seed: int = 0, doubles: int = 2000) -> Iterator[Call]:
    """Every call with one oddity, then `doubles` with two."""
    singles = [odd for gate in ALL_GATES for right in _right(gate) for odd in _oddities(right)]
    yield from singles
    dice = random.Random(seed)
    for _ in range(doubles):
        yield dice.choice(list(_oddities(dice.choice(singles))))


def _right(gate: Gate) -> list[Call]:
    """A few calls of a gate that are in order: those whose inputs differ most in shape."""
    found = {}
    for case in cases(gate):
        defaults = gate.defaults
        options = {k: v for k, v in case.attributes.items() if v is not defaults[k]}
        found.setdefault(tuple(np.ndim(x) for x in case.inputs), Call(gate, case.inputs, options))
    return list(found.values())[:2]


def _oddities(call: Call) -> Iterator[Call]:
    inputs, options = call.inputs, call.options
    for at in range(len(inputs)):
        for odd in ODD_INPUTS:
            yield replace(call, inputs=(*inputs[:at], odd, *inputs[at + 1 :]))
    for name in call.gate.defaults:
        for odd in ODD_OPTIONS:
            yield replace(call, options={**options, name: odd})
        yield replace(call, options={k: v for k, v in options.items() if k != name})
    yield replace(call, inputs=inputs[:-1])
    yield replace(call, inputs=(*inputs, 1.0))
    yield replace(call, options={**options, "axes_": 0})


# --- what comes of them ---


@dataclass(frozen=True)
class Outcome:
    """A value, or an error: its class and the first line of its message."""

    value: Any = None
    error: type | None = None
    line: str = ""

    def __str__(self) -> str:
        if self.error:
            return f"{self.error.__name__}: {self.line}"
        return f"{self.value.dtype} {self.value.shape} {self.value.ravel()[:3]}"

    @property
    def is_typed(self) -> bool:
        return self.error is None or issubclass(self.error, PullbackError)

    def equals(self, other: Outcome) -> bool:
        """The same answer up to the rounding of machine code, or the same error in the same words."""
        if self.error or other.error:
            return (self.error, self.line) == (other.error, other.line)
        a, b = self.value, other.value
        close = ROUNDING.get(a.dtype.itemsize, 0.0) if a.dtype.kind == "f" else 0.0
        same = (a.dtype, a.shape) == (b.dtype, b.shape)
        return bool(same and np.allclose(a, b, rtol=close, atol=close, equal_nan=True))


def outcomes(call: Call) -> dict[str, Outcome]:
    """What the call comes to in each of the four ways."""
    ways = [_numbers, _units, _reference, _native]
    return {name: _outcome(way, call) for name, way in zip(WAYS, ways, strict=True)}


def fault(call: Call) -> str:
    """What is wrong with what the call comes to; "" where the four ways agree and every error is ours."""
    found = outcomes(call)
    wanted = found["numbers"]
    wrong = {k: o for k, o in found.items() if not o.is_typed or not o.equals(wanted)}
    if not wrong:
        return ""
    told = [f"{call}", *(f"    {k}: {o}" for k, o in found.items() if k in wrong or o is wanted)]
    return "\n".join(told)


def _outcome(way: Any, call: Call) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return Outcome(np.asarray(way(call)))
        except Exception as error:  # noqa: BLE001 - what is no error of ours is what is looked for
            return Outcome(error=type(error), line=_first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _numbers(call: Call) -> Any:
    return call.gate(*call.inputs, **call.options)


def _units(call: Call) -> Any:
    if not any(carried(call)):
        held_by_python = pb.Unit(np.float32(1.0))
        return Unit.__apply_gate__(held_by_python, call.gate, call.inputs, call.options).value
    given = [pb.Unit(x) if c else x for x, c in zip(call.inputs, carried(call), strict=True)]
    return call.gate(*given, **call.options).value


def _reference(call: Call) -> Any:
    return _compiled(call, "reference")


def _native(call: Call) -> Any:
    return _compiled(call, "native")


def _compiled(call: Call, executor: str) -> Any:
    """By a circuit. Its inputs are what can be one; what cannot is given to the gate while it is traced."""
    builder, pairs = Builder(), zip(call.inputs, carried(call), strict=True)
    given = [builder.input(spec_of(x), f"x{i}") if c else x for i, (x, c) in enumerate(pairs)]
    y = builder.apply(call.gate, given, call.options)
    values = [x for x, c in zip(call.inputs, carried(call), strict=True) if c]
    return compile(builder.finish([y]), executor=executor).run(values)[0]


def carried(call: Call) -> list[bool]:
    """Which inputs a Unit or a wire can carry: NumPy numbers; plain ones where there are no others.

    Beside NumPy numbers a plain one takes their dtype, which it could not if a wire carried it.
    """
    alone = not call.gate.kinds and all(type(x) in (int, float) for x in call.inputs)
    kinds = int | float if alone else np.ndarray | np.generic
    return [isinstance(x, kinds) and _is_canonical(x) for x in call.inputs]


def _is_canonical(x: Any) -> bool:
    try:
        spec_of(x)
    except DtypeError:
        return False
    return True
