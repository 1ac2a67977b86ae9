"""Elementwise gates as LLVM text: one row of a circuit becomes a few instructions, for any number of lanes.

Strict: + - * / and every choice give the bits of the gate's own body; exp and its kin stay within
4 ulp of the truth. Recipes are opened first (`expand`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.core.shapes import Spec
from pullback.executors.native.llvm import vector_circle, vector_math
from pullback.executors.native.llvm.code import KINDS, Code, Number
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import live

Rule = Callable[..., Number]
RULES: dict[str, Rule] = {}
DTYPES = {kind: dtype for dtype, kind in KINDS.items()}

# Gates on arrays that leave a single number as it is.
UNCHANGED = ("reshape", "broadcast_to", "transpose", "sum_to")
SUMS = ("sum",)


def lower_rows(code: Code, circuit: Circuit, inputs: Sequence[Number]) -> list[Number | None]:
    """One Number a wire of a circuit of scalars (`is_scalar`), None where no output listens.

    Rows of constants are computed now, by the gates themselves.
    """
    lanes = max((x.lanes for x in inputs), default=1)
    values: list[Number | None] = [None] * len(circuit)
    for wire, value in zip(circuit.inputs, inputs, strict=True):
        values[wire] = value
    wanted = live(circuit)
    for row in circuit.rows():
        kind = KINDS[circuit.spec_of(row.wire).dtype]
        if circuit.is_constant(row.wire):
            values[row.wire] = code.constant(circuit.constant_of(row.wire), kind, lanes)
        elif row.gate is not None and wanted[row.wire]:
            listened = [x for x in (values[i] for i in row.inputs) if x is not None]
            values[row.wire] = lower_row(code, row.gate, listened, row.attributes, kind, lanes)
    return values


def lower_row(
    code: Code,
    gate: Gate,
    inputs: list[Number],
    attributes: Mapping[str, Any],
    kind: str,
    lanes: int,
) -> Number:
    """The Number that one row puts out, recipes opened; kind is that of the row's wire."""
    if all(x.value is not None for x in inputs):
        return code.constant(gate(*[x.value for x in inputs], **attributes), kind, lanes)
    if gate.name in UNCHANGED:
        return inputs[0]
    if gate.name in SUMS:
        return _sum_of_one(code, inputs[0], kind)
    if gate.name in RULES:
        return lower(gate, inputs, attributes)
    opened = opened_recipe(gate, [Spec((), DTYPES[x.kind]) for x in inputs], dict(attributes))
    found = lower_rows(code, opened, inputs)[opened.outputs[0]]
    assert found is not None
    return found


def _sum_of_one(code: Code, x: Number, kind: str) -> Number:
    # A sum starts from +0, so that of -0 alone is +0.
    if x.kind == "i1":
        return code.convert("zext", x, kind)
    return x + 0.0 if x.is_real else x


def is_scalar(circuit: Circuit) -> bool:
    """Whether every wire is a single number and every gate can be lowered: what `lower_rows` takes."""
    if any(spec.shape for spec in circuit.specs):
        return False
    return all(
        gate is None
        or gate.name in RULES
        or gate.name in (*UNCHANGED, *SUMS)
        or (gate.recipe and _opens(circuit, op))
        for op in np.unique(circuit.op).tolist()
        for gate in [circuit.gates[op]]
    )


def _opens(circuit: Circuit, op: int) -> bool:
    """Whether the gates inside a recipe can be lowered, however it is used here."""
    opened: dict[object, bool] = {}
    for wire in np.nonzero(circuit.op == op)[0].tolist():
        row = circuit.row(wire)
        kind = (int(circuit.attribute[wire]), *(int(circuit.spec[i]) for i in row.inputs))
        if kind not in opened:
            opened[kind] = is_scalar(_opened(circuit, row))
    return all(opened.values())


def _opened(circuit: Circuit, row: Row) -> Circuit:
    assert row.gate is not None
    return opened_recipe(row.gate, [circuit.spec_of(i) for i in row.inputs], row.attributes)


def lower(gate: Gate, inputs: Sequence[Number], attributes: Mapping[str, Any]) -> Number:
    """The Number that `gate` puts out. Cost: 1 to 4 instructions, about 30 for exp and its kin."""
    return RULES[gate.name](*inputs, **attributes)


def can_lower(gate: Gate) -> bool:
    """Whether `gate` is elementwise and has a rule here."""
    return gate.name in RULES


def rule(name: str) -> Callable[[Rule], Rule]:
    """Let the elementwise gate `name` run as what the decorated function writes, a `Number` an input."""

    def keep(rule: Rule) -> Rule:
        RULES[name] = rule
        return rule

    return keep


@rule("add")
def _add(a: Number, b: Number) -> Number:
    return a + b


@rule("subtract")
def _subtract(a: Number, b: Number) -> Number:
    return a - b


@rule("multiply")
def _multiply(a: Number, b: Number) -> Number:
    # By a negative constant as -(a |b|), the same bits: what needs |y| alone is then shared with |a b|.
    if a.is_real and b.value is not None and b.value < 0:
        return -(a * a.like(-b.value))
    if a.is_real and a.value is not None and a.value < 0:
        return -(b.like(-a.value) * b)
    return a * b


@rule("divide")
def _divide(a: Number, b: Number) -> Number:
    return a / b


@rule("negative")
def _negative(x: Number) -> Number:
    return -x


@rule("power")
def _power(a: Number, b: Number) -> Number:
    powers: dict[float, Callable[[], Number]] = {
        -1.0: lambda: 1.0 / a,
        0.0: lambda: a.like(1.0),
        0.5: lambda: _sqrt(a),  # as NumPy does: NaN for -infinity, -0 for -0
        1.0: lambda: a,
        2.0: lambda: a * a,
        3.0: lambda: a * a * a,
        4.0: lambda: (a * a) * (a * a),
    }
    if b.value is not None and float(b.value) in powers:
        return powers[float(b.value)]()
    return a.code.each_lane("pow", a, b)


# Choices


@rule("where")
def _where(condition: Number, a: Number, b: Number) -> Number:
    return condition.code.select(condition, a, b)


@rule("maximum")
def _maximum(a: Number, b: Number, *, ties: str) -> Number:
    return _chosen("gt", a, b)


@rule("minimum")
def _minimum(a: Number, b: Number, *, ties: str) -> Number:
    return _chosen("lt", a, b)


def _chosen(relation: str, a: Number, b: Number) -> Number:
    code = a.code
    if not a.is_real:
        return code.select(code.compare("s" + relation, a, b), a, b)
    larger = code.select(code.compare("o" + relation, a, b), a, b)
    return code.select(code.compare("uno", a, a), a, larger)


@rule("clamp")
def _clamp(x: Number, *, low: float, high: float) -> Number:
    code = x.code
    less, more = ("olt", "ogt") if x.is_real else ("slt", "sgt")
    x = code.select(code.compare(less, x, low), low, x)
    return code.select(code.compare(more, x, high), high, x)


@rule("relu")
def _relu(x: Number) -> Number:
    # "ugt": greater, or not comparable at all, so a NaN stays.
    return x.code.select(x.code.compare("ugt" if x.is_real else "sgt", x, 0), x, 0)


def _comparison(name: str, real: str, whole: str) -> None:
    RULES[name] = lambda a, b: a.code.compare(real if a.is_real else whole, a, b)


_comparison("less", "olt", "slt")
_comparison("less_equal", "ole", "sle")
_comparison("greater", "ogt", "sgt")
_comparison("greater_equal", "oge", "sge")
_comparison("equal", "oeq", "eq")
_comparison("not_equal", "une", "ne")


# Curves


@rule("absolute")
def _absolute(x: Number) -> Number:
    return abs(x)


@rule("sqrt")
def _sqrt(x: Number) -> Number:
    return x.code.intrinsic("sqrt", x)


@rule("floor")
def _floor(x: Number) -> Number:
    return x.code.intrinsic("floor", x)


CURVES: set[str] = set()


def curves(circuit: Circuit) -> int:
    """How many rows of `circuit` are exp, log or their kin: those cost thirty instructions each."""
    known = [op for op, name in enumerate(circuit.ops) if name in CURVES]
    return int(np.isin(circuit.op, known).sum())


def _curve(function: Callable[[Number], Number]) -> None:
    CURVES.add(function.__name__)
    RULES[function.__name__] = lambda x: x.code.strict(function, x)


for _function in (
    vector_math.exp, vector_math.expm1, vector_math.log, vector_math.log1p,
    vector_math.sigmoid, vector_math.tanh, vector_math.erf, vector_circle.sin, vector_circle.cos,
):  # fmt: skip
    _curve(_function)


# Passing on


@rule("stop_gradient")
def _stop_gradient(x: Number) -> Number:
    return x


@rule("force")
def _force(x: Number, f: Number) -> Number:
    return x


@rule("cast")
def _cast(x: Number, *, dtype: str) -> Number:
    code, kind = x.code, KINDS[np.dtype(dtype)]
    if kind == x.kind:
        return x
    if kind == "i1":
        return code.compare("une" if x.is_real else "ne", x, 0)
    if x.kind == "i1":
        return code.convert("zext" if kind == "i64" else "uitofp", x, kind)
    if x.kind == "i64":
        return code.convert("sitofp", x, kind)
    if kind == "i64":
        return _whole(x)
    return code.convert("fptrunc" if kind == "float" else "fpext", x, kind)


def _whole(x: Number) -> Number:
    """Towards 0; what does not fit, NaN included, is the smallest int64, as NumPy has it on x86."""
    code = x.code
    fits = code.compare("oge", x, -(2.0**63)) & code.compare("olt", x, 2.0**63)
    return code.select(fits, code.convert("fptosi", x, "i64"), -(2**63))
