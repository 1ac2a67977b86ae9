"""Machine code of single numbers: integers, casts, fixed numbers, lanes, last places, and its manners.

PULLBACK_CURVE_POINTS=1000000 asks the curves at more points.
"""

import math
import os

import numpy as np
import pytest
from laws.asking import same_bits
from laws.gate_cases import both_precisions
from laws.random_circuits import ELEMENTWISE, HARD

import pullback as pb
from pullback.core.build import Builder
from pullback.core.dtypes import BOOL, FLOAT64, INT64
from pullback.core.gate import GATES
from pullback.core.shapes import Spec
from pullback.executors import compile
from pullback.executors.native.llvm.code import Code
from pullback.executors.native.llvm.lower import CURVES, RULES, is_scalar, lower_rows
from pullback.executors.native.scalars.map import Lanes
from pullback.executors.native.scalars.program import NativeProgram
from pullback.passes.backward import backward
from pullback.passes.expand import expand

ULPS = 4  # what exp and its kin may be off, measured in the last place of the true value
POINTS = int(os.environ.get("PULLBACK_CURVE_POINTS", "20000"))
SPECIAL = [*HARD, 88.8, -104.5, 709.8, -745.2, 1e-40, 5e-46, math.pi, 2.0**20, 1e22, 0.5, -0.5]

every_curve = pytest.mark.parametrize("curve", sorted(CURVES))


def native(circuit, **options):
    made = compile(circuit, executor="native", **options)
    assert isinstance(made, NativeProgram)
    return made


def circuit_of_gate(gate, dtype):
    """The gate on single numbers, and how to draw them."""
    builder = Builder()
    kinds = [gate.kinds.get(name, dtype) for name in gate.inputs]
    wires = [builder.input(Spec((), k), f"x{i}") for i, k in enumerate(kinds)]
    return builder.finish([gate(*wires, **_needed(gate))]), kinds


def _needed(gate):
    return {"clamp": {"low": -5, "high": 7}, "cast": {"dtype": "float32"}}.get(gate.name, {})


def drawn(kinds, rng, count):
    """Columns of ordinary and hard numbers for inputs of these kinds."""
    columns = []
    for kind in kinds:
        numbers = rng.choice([*SPECIAL, *rng.normal(0, 3, 40)], count)
        columns.append(numbers > 0 if kind == BOOL else _as(numbers, kind))
    return columns


def _as(numbers, kind):
    with np.errstate(all="ignore"):
        return (
            np.clip(np.nan_to_num(numbers), -99, 99).astype(kind)
            if kind == INT64
            else numbers.astype(kind)
        )


def is_close(found, wanted, ulps, beside=()):
    """Within so many last places of the wanted number; a recipe may cancel, so of what went in."""
    f, w = np.asarray(found), np.asarray(wanted)
    if f.dtype.kind != "f" or not np.isfinite(w) or not np.isfinite(f):
        return same_bits(found, wanted)
    sizes = [abs(x) for x in beside if np.isfinite(x)]
    if sizes:
        return abs(f - w) <= ulps * np.spacing(np.asarray(max(abs(w), *sizes), f.dtype))
    return abs(float(f) - float(w)) <= ulps * float(np.spacing(np.abs(w))) and np.signbit(
        f
    ) == np.signbit(w)


# --- every gate ---

LOWERED = [g for g in ELEMENTWISE if is_scalar(circuit_of_gate(g, FLOAT64)[0])]
every_elementwise = pytest.mark.parametrize("gate", LOWERED, ids=lambda g: g.name)


def is_exact(circuit):
    return not CURVES & set(circuit.ops) and "power" not in circuit.ops


@every_elementwise
@both_precisions
def test_lanes_and_single_numbers_give_the_same_bits(gate, dtype):
    circuit, kinds = circuit_of_gate(gate, dtype)
    columns = drawn(kinds, np.random.default_rng(1), 203)
    many = Lanes(circuit, mapped=range(len(kinds))).run(columns)[0]
    single = native(circuit)
    each = [single.run(list(row))[0] for row in zip(*columns, strict=True)]
    assert same_bits(many, np.array(each, many.dtype))


@pytest.mark.parametrize(
    "gate", [g for g in LOWERED if g.takes != "float" and not g.recipe], ids=lambda g: g.name
)
def test_integers_go_through_a_gate_as_in_its_body(gate):
    circuit, kinds = circuit_of_gate(gate, INT64)
    columns = drawn(kinds, np.random.default_rng(2), 100)
    found, wanted = native(circuit), compile(circuit, executor="reference")
    rows = list(zip(*columns, strict=True))
    assert [r for r in rows if not same_bits(found.run(list(r))[0], wanted.run(list(r))[0])] == []


BESIDE = [-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 7.0, np.inf, -np.inf, np.nan]
TWO_SIDED = [g for g in LOWERED if len(g.inputs) == 2 and not g.kinds]
# A fixed base of a power is nothing special.
PLACES = [
    (g, first) for g in TWO_SIDED for first in (True, False) if (g.name, first) != ("power", True)
]


@pytest.mark.parametrize(("gate", "first"), PLACES, ids=str)
def test_a_gate_beside_a_fixed_number_means_what_its_body_means(gate, first):
    column = drawn([FLOAT64], np.random.default_rng(5), 60)[0]
    circuit = beside_fixed_numbers(gate, first)
    found, wanted = native(circuit), compile(circuit, executor="reference")
    ulps = 0 if is_exact(expand(circuit)) else 2 * ULPS

    def agrees(x):
        three = zip(BESIDE, found.run([x]), wanted.run([x]), strict=True)
        return all(is_close(f, w, ulps, (n, x) if gate.recipe else ()) for n, f, w in three)

    assert [x for x in column if not agrees(x)] == []


def beside_fixed_numbers(gate, first):
    """One circuit with an output for each number beside x."""
    builder = Builder()
    x = builder.input(Spec((), FLOAT64), "x")
    outputs = [gate(n, x) if first else gate(x, n) for n in BESIDE]
    return builder.finish(outputs)


@pytest.mark.parametrize("start", ["float64", "float32", "int64", "bool"])
@pytest.mark.parametrize("end", ["float64", "float32", "int64", "bool"])
def test_a_cast_rounds_as_in_its_body(start, end):
    builder = Builder()
    x = builder.input(Spec((), np.dtype(start)), "x")
    circuit = builder.finish([GATES["cast"](x, dtype=end)])
    column = drawn([np.dtype(start)], np.random.default_rng(3), 200)[0]
    found, wanted = native(circuit), compile(circuit, executor="reference")
    with np.errstate(all="ignore"):
        assert [v for v in column if not same_bits(found.run([v])[0], wanted.run([v])[0])] == []


def test_a_gate_without_machine_code_leaves_the_circuit_to_the_reference(monkeypatch):
    monkeypatch.delitem(RULES, "tanh")
    program = compile(pb.circuit("tanh(x) * y").circuit(), executor="native")
    assert not isinstance(program, NativeProgram)
    assert program.run([0.0, 2.0]) == [0.0]


# --- the curves against longer numbers ---

LONGER = {name: getattr(np, name) for name in CURVES - {"sigmoid", "erf"}} | {
    "sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    "erf": lambda x: np.array([math.erf(v) for v in x], np.longdouble),  # itself within one ulp
}


def points(dtype, count):
    """Ordinary sizes, every exponent, the ends of the range, and the special numbers."""
    rng = np.random.default_rng(4)
    spread = [rng.normal(0, s, count // 8) for s in (1e-3, 0.3, 1.0, 10.0, 100.0, 700.0)]
    powers = rng.choice([-1.0, 1.0], count // 4) * 2.0 ** rng.uniform(-1074, 1023, count // 4)
    with np.errstate(all="ignore"):
        return np.concatenate([*spread, powers, SPECIAL]).astype(dtype)


def largest_error(curve, dtype, count):
    """In units of the last place of the true value; infinite where a special value is wrong."""
    x = points(dtype, count)
    circuit, _ = circuit_of_gate(GATES[curve], dtype)
    found = Lanes(circuit, mapped=[0]).run([x])[0]
    with np.errstate(all="ignore"):
        exact = LONGER[curve](x.astype(np.longdouble))
        true = exact.astype(dtype)
        off = np.abs(found - exact) / np.spacing(np.abs(true))
    same = (np.isnan(found) & np.isnan(true)) | (found == true)
    signed = np.isnan(true) | (np.signbit(found) == np.signbit(true))
    return float(np.max(np.where(same, 0, np.where(np.isfinite(true), off, np.inf)))), bool(
        signed.all()
    )


needs_longer = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63, reason="no longer numbers here"
)


@needs_longer
@every_curve
@both_precisions
def test_a_curve_is_within_four_units_of_its_last_place(curve, dtype):
    error, signed = largest_error(curve, dtype, POINTS)
    assert error <= ULPS
    assert signed


@pytest.mark.parametrize("curve", ["sigmoid", "tanh"])
def test_the_pull_of_a_squashing_curve_is_never_falsely_zero(curve):
    f = pb.circuit(lambda x: GATES[curve](x), name="f")
    back = backward(f.circuit(0.0))
    pull = native(back.asking([back.input_pulls[0]]))
    assert all(pull.run([x, 1.0])[0] > 0 for x in (-300.0, -40.0, -19.0, 19.0, 40.0, 300.0))


def test_curves_written_in_place_and_called_give_the_same_bits():
    made = {}
    for inline in (True, False):
        code = Code(inline=inline)
        circuit, _ = circuit_of_gate(GATES["tanh"], FLOAT64)
        lower_rows(code, circuit, [code.number("%x", "double")])
        made[inline] = code
    assert "call fastcc" in "\n".join(made[False].lines)
    assert "call fastcc" not in "\n".join(made[True].lines)


@pytest.mark.parametrize("curve", sorted(CURVES))
@pytest.mark.parametrize("x", [0.25, -0.25, -0.0, 3.0])
def test_a_number_and_its_opposites_may_meet_in_one_circuit(curve, x):
    """What depends on |x| alone is shared between x, -x and -(-x)."""
    gate = GATES[curve]

    def opposites(x):
        y = -x
        z = -y
        return gate(x), gate(y), gate(z), gate(-z)

    f = pb.circuit(opposites)
    found, wanted = native(f.circuit()).run([x]), compile(f.circuit()).run([x])
    assert same_bits(np.array(found[:2]), np.array(found[2:]))
    assert all(is_close(a, b, 2 * ULPS) for a, b in zip(found, wanted, strict=True))


# --- the manners of a program ---


def test_watching_gives_every_wire_its_value():
    f = pb.circuit("tanh(x*y) + where(x > y, x, 2)").circuit()
    found, wanted = (
        native(f).watch([1.5, -2.0]),
        compile(f, executor="reference").watch([1.5, -2.0]),
    )
    assert [
        i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if not is_close(a, b, ULPS)
    ] == []
    assert [np.asarray(v).dtype for v in found] == [np.asarray(v).dtype for v in wanted]


@pytest.mark.parametrize(
    "given",
    [[2, 3], [2.0, np.float32(3)], [np.array(2.0), True * 3.0], (2.0, 3.0), [np.int64(2), 3]],
)
def test_any_numbers_that_fit_may_come_in(given):
    f = pb.circuit("x*y - x").circuit()
    assert native(f).run(given) == [4.0]
    assert native(f).call(*given) == 4.0


@pytest.mark.parametrize(
    "given", [[1.0], [1.0, 2.0, 3.0], [1.0, "a"], [1.0, True], [1.0, np.ones(2)], [1.0, 1j]]
)
def test_what_does_not_fit_is_refused_in_the_reference_s_words(given):
    f = pb.circuit("x*y").circuit()
    with pytest.raises(pb.PullbackError) as found:
        native(f).run(given)
    with pytest.raises(pb.PullbackError) as wanted:
        compile(f, executor="reference").run(given)
    assert str(found.value) == str(wanted.value)


def test_a_checked_run_names_the_wire():
    f = pb.circuit("log(x) + y").circuit()
    with pytest.raises(pb.PullbackError, match="log"):
        native(f).run([-1.0, 2.0], checked=True)


def test_outputs_are_numpy_numbers_and_call_gives_plain_ones():
    f = native(pb.circuit("x*y").circuit())
    assert type(f.run([2.0, 3.0])[0]) is np.float64
    assert type(f.call(2.0, 3.0)) is float


def test_float32_circuits_stay_float32():
    f = pb.circuit("x*y").circuit(np.float32(1), np.float32(1))
    found = native(f).run([np.float32(0.1), np.float32(3)])[0]
    assert same_bits(found, np.float32(0.1) * np.float32(3))


def test_fast_arithmetic_is_close_and_keeps_nan():
    f = pb.circuit("(x + y) * x + y * x").circuit()
    assert native(f, fast=True).run([0.1, 0.7])[0] == pytest.approx(0.15, rel=1e-15)
    assert np.isnan(native(f, fast=True).run([np.nan, 1.0])[0])
