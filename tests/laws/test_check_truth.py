"""gradcheck says nothing untrue at hard points, and still finds a fault of 1e-8; here a sample.

All of it is `bench/check_truth.py`.
"""

import math

import numpy as np
import pytest

pytest.importorskip("mpmath")

from laws.hard_questions import asked, caught, planted, question, untrue

import pullback as pb
from pullback.core.gate import GATES
from pullback.lens.ladder import Measured, ladder

SAMPLE, BY_HAND, FAULTS = 60, 30, 12


def test_a_right_expression_is_never_called_wrong_and_ok_is_true():
    questions = [question(seed) for seed in range(20_000, 20_000 + SAMPLE)]
    assert [line for one in questions for line in untrue(one, asked(one))] == []


def test_a_right_function_that_cannot_be_looked_into_is_not_called_wrong():
    questions = [question(seed) for seed in range(30_000, 30_000 + BY_HAND)]
    reports = [(one, asked(one, by_hand=True)) for one in questions]
    assert [line for one, report in reports for line in untrue(one, report, by_hand=True)] == []


@pytest.mark.parametrize("seed", range(FAULTS))
def test_a_fault_of_1e_8_at_a_conditioned_point_is_caught(seed):
    assert caught(*planted(seed))


# --- what was reported: expression, values, the verdict on each pull ---

REPORTED = [
    # a pole near
    ("1/x", {"x": 1e-9}, ["ok"]),
    ("1/x", {"x": -1e-12}, ["ok"]),
    ("1/(x - 1)", {"x": 1.0}, ["unsure"]),
    ("1/(x - 1)", {"x": 1.0 + 1e-9}, ["ok"]),
    ("y/x", {"y": 2.0, "x": 0.0}, ["unsure", "unsure"]),
    ("x**(-2)", {"x": 1e-6}, ["ok"]),
    ("1/x", {"x": 1e-200}, ["unsure"]),
    ("1/sin(x)", {"x": 1e-7}, ["ok"]),
    ("log(x)", {"x": 1e-300}, ["ok"]),
    ("sqrt(x)", {"x": 1e-18}, ["ok"]),
    ("1/(x*x)", {"x": 1e-5}, ["ok"]),
    # waves faster than the usual step
    ("sin(10000*x)", {"x": 0.3}, ["ok"]),
    ("cos(100000*x)", {"x": 0.7}, ["ok"]),
    ("sin(1e9*x)", {"x": 0.3}, ["unsure"]),
    ("sin(1e12*x)", {"x": 0.3}, ["unsure"]),
    ("tanh(1e9*x)", {"x": 0.0}, ["ok"]),
    ("tanh(1e9*x)", {"x": 0.3}, ["ok"]),
    ("sigmoid(1e6*x)", {"x": 1e-7}, ["ok"]),
    ("exp(-1e8*x*x)", {"x": 1e-4}, ["ok"]),
    ("sin(1/x)", {"x": 1e-3}, ["ok"]),
    ("x + 1e-40*sin(1e40*x)", {"x": 0.0}, ["unsure"]),  # every step sees 1, the slope is 2
    ("x - 1e-30*tanh(1e30*x)", {"x": 0.0}, ["unsure"]),
    # digits lost below 1e-308
    ("log(x*y)/(y/3 + x*x*y)", {"x": 1e100, "y": 36.0}, ["ok", "unsure"]),
    ("1/(y/(3*x))", {"x": 1e-160, "y": 1.5}, ["unsure", "unsure"]),
    ("exp(x)*1e300*1e300", {"x": -800.0}, ["unsure"]),
    ("sigmoid(x)", {"x": -800.0}, ["ok"]),
    # quotients and logarithms in which digits cancel
    ("(1 + x - 1)/x", {"x": 1e-100}, ["unsure"]),
    (
        "y/(x*y/x + expm1(x))",
        {"y": 1e100, "x": -0.461},
        ["unsure", "unsure"],
    ),  # two zeros left over
    ("(exp(x) - 1)/x", {"x": 1e-4}, ["unsure"]),
    ("(exp(x) - 1)/x", {"x": 1e-8}, ["unsure"]),
    ("(1 - cos(x))/(x*x)", {"x": 1e-3}, ["unsure"]),
    ("-log(1 - sigmoid(x))", {"x": 20.0}, ["unsure"]),
    ("-log(1 - sigmoid(x))", {"x": 30.0}, ["unsure"]),
    ("-log(1 - sigmoid(x))", {"x": 36.0}, ["unsure"]),
    ("log(1 + exp(-x))", {"x": 30.0}, ["ok"]),
    ("sqrt(x + 1) - sqrt(x)", {"x": 1e12}, ["unsure"]),
    ("(x + 1e8) - 1e8", {"x": 0.5}, ["ok"]),
    ("sin(x)**2 + cos(x)**2", {"x": 0.4}, ["unsure"]),
    # where a slope jumps
    ("floor(x)*x", {"x": 2.0}, ["kink"]),
    ("floor(x)*x", {"x": -3.0}, ["kink"]),
    ("floor(x)*x", {"x": 1e16}, ["kink"]),
    ("floor(x) + x", {"x": 0.0}, ["kink"]),
    ("floor(2*x)", {"x": 1.5}, ["kink"]),
    ("floor(x)*x", {"x": 2.5}, ["ok"]),
    ("abs(x)*x", {"x": 0.0}, ["kink"]),
    ("abs(x - 1)", {"x": 1.0}, ["kink"]),
    ("x*(x > 0)", {"x": 0.0}, ["kink"]),
    ("relu(x) - relu(-x)", {"x": 0.0}, ["kink"]),
    # what cannot be measured at all
    ("x**x", {"x": 0.0}, ["unsure"]),
    ("sqrt(x)*x + x", {"x": 0.0}, ["unsure"]),
    ("sqrt(x*x)", {"x": 0.0}, ["unsure"]),
    ("sqrt(x)", {"x": 0.0}, ["unsure"]),
    ("log(x)*x", {"x": 0.0}, ["unsure"]),
    ("exp(x)", {"x": 710.0}, ["unsure"]),
    ("x/0", {"x": 1.0}, ["unsure"]),
    ("sqrt(x)", {"x": -1.0}, ["unsure"]),
    ("exp(x)/exp(x)", {"x": 800.0}, ["unsure"]),
    ("x*x", {"x": 1e200}, ["unsure"]),
]


@pytest.mark.parametrize(("text", "values", "verdicts"), REPORTED, ids=lambda x: str(x))
def test_what_was_reported_has_its_verdict(text, values, verdicts):
    report = pb.circuit(text).gradcheck(**values)
    assert [f.verdict for f in report.findings] == verdicts
    assert report.bad_gates == ()
    assert report.passed == ("unsure" not in verdicts)
    assert all(f.reason for f in report.unsure)


@pytest.mark.parametrize("x", [20.0, 1e-9, 3.0])
def test_a_wrong_rule_is_wrong_at_a_hard_point_too(x, monkeypatch):
    monkeypatch.setattr(GATES["divide"], "rule", lambda dy, y, a, b: (dy / b, y / b * dy))
    assert [b.gate for b in pb.circuit("1/x").gradcheck(x).bad_gates] == ["divide 'f'"]


@pytest.mark.parametrize("jump", [-2.0, 1.0, 5.0])
def test_a_pull_outside_of_both_sides_of_a_step_is_wrong(jump, monkeypatch):
    monkeypatch.setattr(GATES["floor"], "rule", lambda dy, y, x: jump * dy)
    assert [b.gate for b in pb.circuit("floor(x)").gradcheck(2.0).bad_gates] == ["floor 'f'"]


# --- the ladder alone ---


@pytest.mark.parametrize(
    ("function", "x", "slope"),
    [
        (lambda x: 1.0 / x, 1e-9, -1e18),
        (lambda x: math.sin(1e4 * x), 1.3, 1e4 * math.cos(1.3e4)),
        (lambda x: math.tanh(1e9 * x), 0.0, 1e9),
        (lambda x: x * x + 1e-6 * math.sin(1e7 * x), 0.7, 1.4 + 10.0 * math.cos(0.7e7)),
        (lambda x: math.exp(x) * 1e-300, 600.0, math.exp(600.0) * 1e-300),
        (lambda x: 3.0, 1.0, 0.0),
        (math.cos, 0.0, 0.0),
    ],
)
def test_a_ladder_finds_the_slope_within_its_own_error(function, x, slope):
    found = ladder(function, x, 0.1 * max(abs(x), 0.1))
    assert found.reason == ""
    assert not found.refutes(slope)
    assert abs(found.value - slope) <= 10 * found.error


@pytest.mark.parametrize(
    "function",
    [
        lambda x: math.floor(x) * x,
        lambda x: math.sin(1e18 * x),
        lambda x: x**0.5 if x >= 2.0 else math.nan,
        lambda x: math.floor(x * 1e9) / 1e9,
        lambda x: x + 1e-9 * math.sin(1e18 * x),
    ],
)
def test_a_ladder_refutes_nothing_where_steps_disagree(function):
    found = ladder(function, 2.0, 0.2)
    assert not any(found.refutes(claimed) for claimed in (-5.0, 0.0, 0.5, 1.0, 2.0))


def test_a_slope_is_refuted_only_by_two_sets_of_steps():
    assert not Measured(1.0, 1e-9, other=(1.5, 0.1)).refutes(1.4)
    assert not Measured(1.4, 0.1, other=(1.0, 1e-9)).refutes(1.5)
    assert not Measured(1.0, 1e-9, other=(1.0, 1e-9), reason="rough").refutes(1.4)
    assert Measured(1.0, 1e-9, other=(1.0, 1e-9)).refutes(1.4)
    assert not Measured(1.0, 1e-9, other=(1.0, 1e-9)).refutes(1.4, room=0.5)


def test_corners_that_no_gate_declares_are_measured_with_their_size():
    found = ladder(lambda x: np.abs(x - 1.0) * 3.0 + x, 1.0, 0.1)
    assert found.jump[0] == pytest.approx(6.0, abs=1e-9)
    assert found.corner(1.0)
    assert not found.corner(4.5)
