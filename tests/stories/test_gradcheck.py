"""gradcheck finds a pull that is wrong by 1e-8, names the gate, calls a kink a kink, and never cries wolf."""

import math
from contextlib import contextmanager

import numpy as np
import pytest
from laws.gate_cases import SMOOTH_CASES
from laws.random_circuits import TAME, random_circuit

import pullback as pb
from pullback.core.gate import GATES
from pullback.errors import CircuitError
from pullback.passes.pull import pull_inputs

PLANTED = 1e-8
CIRCUITS = 200
BY_HAND = ("force", "stop_gradient")  # their pull is a person's will, not a slope


def is_asked(case):
    """Gates with a rule, at finite numbers where something is pulled."""
    gate, y = case.gate, case.output
    if gate.rule is None or gate.name in BY_HAND or not np.all(np.isfinite(y)):
        return False
    pulls = pull_inputs(gate, np.ones_like(y), y, case.inputs, case.attributes)
    return any(np.any(p) for p in pulls if p is not None)


RULED = [case for case in SMOOTH_CASES if is_asked(case)]
every_ruled_case = pytest.mark.parametrize("case", RULED, ids=str)


@contextmanager
def planted(gate, wrong):
    """While it lasts, the gate's pulls are `wrong(pull)`."""
    right = gate.rule
    gate.rule = lambda *wires, **attributes: bent(right(*wires, **attributes), wrong)
    try:
        yield
    finally:
        gate.rule = right


def bent(pulls, wrong):
    if isinstance(pulls, tuple):
        return tuple(None if p is None else wrong(p) for p in pulls)
    return wrong(pulls)


def a_bit_too_large(pull):
    return pull * (1.0 + PLANTED)


def use_of(case):
    """A function of the case's real inputs that puts out what its gate does, and their values."""

    def f(*real):
        inputs = list(case.inputs)
        for position, x in zip(case.real, real, strict=True):
            inputs[position] = x
        suspect = case.gate(*inputs, **case.attributes)
        return (suspect,)

    count = len(case.real)
    plain = [None, lambda a: f(a), lambda a, b: f(a, b), lambda a, b, c: f(a, b, c)]
    return plain[count], [case.inputs[i] for i in case.real]


# --- wrong ---


@every_ruled_case
def test_an_error_of_1e_8_in_any_gates_pull_is_found_and_the_gate_named(case):
    function, values = use_of(case)
    with planted(case.gate, a_bit_too_large):
        report = pb.gradcheck(function, *values)
    assert report.passed is False
    assert {f.gate for f in report.bad_gates} == {f"{case.gate.name} 'suspect'"}


@every_ruled_case
def test_the_same_gate_passes_when_nothing_is_planted(case):
    function, values = use_of(case)
    report = pb.gradcheck(function, *values)
    assert report.bad_gates == ()
    assert {f.verdict for f in report.findings} <= {"ok"}


def test_the_planted_gate_and_its_wire_are_named_among_a_thousand():
    report = pb.gradcheck(a_thousand_gates, 0.6, 0.9)
    assert report.passed is False
    assert (report.first_bad.gate, report.first_bad.where) == ("bent_exp 'suspect'", "'calm'")
    assert report.first_bad.line.startswith("test_gradcheck.py:")


def a_thousand_gates(x, y):
    h = x
    for step in range(331):
        h = pb.tanh(h * y + x)
        if step == 200:
            calm = h * 0.5
            suspect = bent_exp(calm)
            h = suspect - 1.0
    return h


@pb.gate
def bent_exp(x):
    return np.exp(x)


@bent_exp.pulls
def d_bent_exp(dy, y, x):
    return y * dy * (1.0 + PLANTED)


MISTAKES = {
    "sign": lambda dy, y, a, b: (-b * dy, a * dy),
    "swapped": lambda dy, y, a, b: (a * dy, b * dy),
    "no force": lambda dy, y, a, b: (b, a),
    "force squared": lambda dy, y, a, b: (b * dy * dy, a * dy),
    "one input forgotten": lambda dy, y, a, b: (b * dy, None),
    "stale value": lambda dy, y, a, b: (y / (a + 1e-6) * dy, a * dy),
    "not a number": lambda dy, y, a, b: (b * dy * np.nan, a * dy),
}


@pytest.mark.parametrize("rule", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_pull_of_multiply_is_found(rule, monkeypatch):
    monkeypatch.setattr(GATES["multiply"], "rule", rule)
    report = pb.gradcheck(lambda x, y: pb.tanh(x * y), 0.7, 0.4)
    assert report.bad_gates[0].gate == "multiply"


def test_pulls_put_together_wrongly_are_found_though_every_gate_is_right(monkeypatch):
    def only_the_last_branch(self, wire, branch):
        self.pulls[wire] = self.builder.wire(branch.pull)
        self.branches.setdefault(wire, []).append(branch)

    monkeypatch.setattr("pullback.passes.backward._Sweep._add", only_the_last_branch)
    report = pb.gradcheck(lambda a: a * a, 1.5)
    assert (report.passed, report.bad_gates) == (False, ())
    assert (report.findings[0].analytic, report.findings[0].numerical) == (1.5, pytest.approx(3.0))


# --- kinks ---


@pytest.mark.parametrize(
    ("function", "values", "gate"),
    [
        (lambda x: pb.relu(x), [0.0], "relu"),
        (lambda x: pb.absolute(x) * 2.0, [0.0], "absolute"),
        (lambda x, y: pb.maximum(x, y), [1.5, 1.5], "maximum"),
        (lambda x, y: pb.minimum(x, y), [1.5, 1.5], "minimum"),
        (lambda x: pb.max(x), [np.array([0.3, 2.0, 2.0])], "max"),
        (lambda x: pb.where(x > 0.0, x, 0.0), [0.0], "greater"),
        (lambda x: pb.relu(x - 1.0), [1.0 + 1e-12], "relu"),
    ],
)
def test_a_kink_is_called_a_kink_and_is_not_wrong(function, values, gate):
    report = pb.gradcheck(function, *values)
    kinks = [f for f in report.findings if f.verdict == "kink"]
    assert report.passed
    assert {f.gate.split()[0] for f in kinks} == {gate}


@pytest.mark.parametrize("x", [1e-3, 1e-5, 1e-7, -1e-7, -1e-3])
def test_beside_a_kink_the_pull_is_checked_exactly(x):
    report = pb.gradcheck(lambda x: pb.relu(x) * 3.0, x)
    assert report.findings[0].verdict == "ok"
    assert report.findings[0].numerical == pytest.approx(3.0 * (x > 0), abs=1e-6)


def test_a_wrong_pull_at_a_kink_is_wrong():
    with planted(GATES["relu"], lambda p: p + 2.0):
        report = pb.gradcheck(lambda x: pb.relu(x), 0.0)
    assert report.first_bad.gate == "relu 'f'"


def test_dead_units_at_exactly_zero_do_not_hide_their_neighbours():
    with planted(GATES["relu"], a_bit_too_large):
        report = pb.gradcheck(lambda x: pb.sum(pb.relu(x)), np.array([0.0, 1.0, -2.0]))
    assert [f.gate for f in report.bad_gates] == ["relu"]


def test_the_corner_of_a_gate_that_declares_none_is_recognised():
    @pb.gate
    def quiet_relu(x):
        return np.maximum(x, 0.0)

    @quiet_relu.pulls
    def d_quiet_relu(dy, y, x):
        return pb.where(x > 0.0, dy, 0.0)

    report = pb.gradcheck(lambda x: quiet_relu(x), 0.0)
    assert (report.passed, report.findings[0].verdict) == (True, "kink")


def test_E3_the_guides_pull_of_a_tie_counts_twice_and_is_caught():
    def f(a):
        return pb.maximum(a, a, ties="all")

    assert pb.gradcheck(f, 2.0).passed is False
    assert pb.gradcheck(lambda a: pb.maximum(a, a), 2.0).passed is True


# --- never cries wolf ---


@pytest.mark.parametrize("start", range(0, CIRCUITS, 50))
@pytest.mark.slow
def test_random_right_circuits_pass(start):
    circuits = [random_circuit(seed, TAME) for seed in range(start, start + 50)]
    reports = [pb.gradcheck(c, *c.values) for c in circuits]
    verdicts = [f.verdict for r in reports for f in r.findings]
    assert [c.seed for c, r in zip(circuits, reports, strict=True) if not r.passed] == []
    assert verdicts.count("ok") > 0.97 * len(
        verdicts
    )  # the rest drown in the rounding of larger sums


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * pb.stop_gradient(x),
        lambda x: pb.tanh(pb.force(x * x, x * 7.0)) + x,
        lambda x: pb.where(x > 0.0, pb.sqrt(x), x),
        lambda x: pb.sigmoid(40.0 * x),
        lambda x: (1e8 + x) - 1e8,
        lambda x: x * 0.0,
        lambda x: x * 1e-200,
        lambda x: pb.xlogy(x, x),
    ],
)
def test_an_honest_circuit_is_never_called_wrong(function):
    reports = [pb.gradcheck(function, x) for x in (0.7, -3.0)]
    assert [f.verdict for r in reports for f in (*r.findings, *r.bad_gates)].count("wrong") == 0


def test_an_infinite_slope_cannot_be_measured_so_nothing_is_claimed():
    report = pb.gradcheck(lambda x: pb.sqrt(x), 0.0)
    assert (report.passed, report.findings[0].verdict) == (False, "unsure")
    assert report.first_bad is None
    assert str(report).endswith("inconclusive: the slope at x could not be measured.")


def test_what_could_not_be_measured_beside_what_could_is_named_and_does_not_pass():
    report = pb.gradcheck(lambda x, y: pb.sqrt(x) + y * y, 0.0, 3.0)
    assert not report.passed
    assert [f.where for f in report.unsure] == ["x"]
    assert report.worst < 1e-12  # of the rest
    assert str(report).endswith("inconclusive: the slope at x could not be measured.")


def test_where_everything_could_be_measured_nothing_is_said_of_it():
    report = pb.gradcheck(lambda x: x * x, 3.0)
    assert (report.unsure, report.unmeasured) == ((), "")
    assert "measured" not in str(report)


def test_a_wire_without_a_name_is_called_by_what_makes_it():
    f = pb.circuit("(x + y) * exp(x * z)")
    with planted(GATES["multiply"], a_bit_too_large):
        bad = f.gradcheck(0.3, 0.5, -0.7).bad_gates
    assert [b.where for b in bad] == ["'x'", "'z'", "'x + y'", "'exp(x * z)'"]


# --- what it takes ---


def test_a_circuit_of_float32_is_checked_as_sharply_as_one_of_float64():
    values = [np.float32(0.7), np.linspace(0.1, 0.5, 3, dtype=np.float32)]

    def f(x, w):
        return pb.sum(pb.tanh(x * w)) * pb.cast(x, dtype="float32")

    assert pb.gradcheck(f, *values).worst < 1e-11
    with planted(GATES["tanh"], a_bit_too_large):
        assert pb.gradcheck(f, *values).passed is False


def test_an_array_that_is_put_out_is_pulled_unevenly():
    report = pb.gradcheck(lambda x: pb.softmax(x), np.array([0.1, 0.7, -0.4]))
    assert {f.verdict for f in report.findings} == {"ok"}
    assert min(abs(f.analytic) for f in report.findings) > 1e-3


def test_of_many_numbers_some_are_moved_alone_and_all_together():
    weights = np.linspace(-1.0, 1.0, 5000).reshape(50, 100)
    report = pb.gradcheck(lambda w: pb.sum(pb.tanh(w) ** 2), weights)
    assert report.passed
    assert len(report.findings) == 64 + 3
    assert report.findings[-1].where == "all inputs, way 3"


def test_an_error_in_one_of_five_thousand_numbers_is_found():
    weights = np.linspace(0.5, 1.0, 5000)

    def backward(w):
        return np.cos(w) + np.where(np.arange(5000) == 4321, 1e-3, 0.0)

    report = pb.gradcheck(lambda w: np.sum(np.sin(w)), weights, backward=backward)
    assert report.passed is False


def test_elements_of_arrays_are_named_with_their_index():
    report = pb.gradcheck(lambda w: pb.sum(w * w), np.ones((2, 2)))
    assert [f.where for f in report.findings] == ["w[0, 0]", "w[0, 1]", "w[1, 0]", "w[1, 1]"]


def test_index_inputs_are_left_alone():
    report = pb.gradcheck(lambda x, i: pb.sum(pb.gather(x, i)), np.ones(3), np.array([0, 2, 2]))
    assert [f.analytic for f in report.findings] == [1.0, 0.0, 2.0]


# --- by hand ---


def neuron(a, b, c, x, y):
    return 1.0 / (1.0 + math.exp(-(a * x + b * y + c)))


def d_neuron(a, b, c, x, y):
    s = neuron(a, b, c, x, y)
    dq = s * (1.0 - s)
    return x * dq, y * dq, dq, a * dq, b * dq


def test_a_backward_written_by_hand_passes_when_it_is_right():
    report = pb.gradcheck(neuron, 1, 2, -3, -1, 3, backward=d_neuron)
    assert [f.where for f in report.findings] == ["a", "b", "c", "x", "y"]
    assert report.worst < 1e-11


@pytest.mark.parametrize("position", range(5))
def test_a_backward_written_by_hand_is_caught_at_1e_8(position):
    def wrong(*values):
        return [p * (1.0 + PLANTED * (i == position)) for i, p in enumerate(d_neuron(*values))]

    report = pb.gradcheck(neuron, 1, 2, -3, -1, 3, backward=wrong)
    assert [f.verdict for f in report.findings].index("wrong") == position


def test_a_corner_in_a_plain_function_is_recognised():
    report = pb.gradcheck(lambda x: max(x, 0.0), 0.0, backward=lambda x: 0.0)
    assert (report.passed, report.findings[0].verdict) == (True, "kink")


def test_a_plain_function_may_have_edges():
    report = pb.gradcheck(math.log, 1e-4, backward=lambda x: 1.0 / x)
    assert report.findings[0].verdict == "ok"


def test_gradients_by_name_and_arrays_by_hand():
    def f(W, x):
        return float(np.sum(np.tanh(W @ x)))

    def backward(W, x):
        dq = 1.0 - np.tanh(W @ x) ** 2
        return {"W": np.outer(dq, x), "x": W.T @ dq}

    values = np.array([[0.1, -0.4], [0.7, 0.2]]), np.array([0.5, -0.3])
    assert pb.gradcheck(f, *values, backward=backward).worst < 1e-10


def test_a_backward_of_the_wrong_count_or_shape_is_refused():
    with pytest.raises(
        CircuitError, match=r"backward returns 2 gradients for 3 inputs \(x, y, z\)"
    ):
        pb.gradcheck(lambda x, y, z: x * y * z, 1.0, 2.0, 3.0, backward=lambda x, y, z: (y, x))
    with pytest.raises(
        CircuitError, match=r"gives 'x' a gradient of shape \(\); its value has \(2,\)"
    ):
        pb.gradcheck(lambda x: np.sum(x), np.ones(2), backward=lambda x: 1.0)


def test_a_plain_function_that_puts_out_an_array_is_refused():
    with pytest.raises(
        CircuitError, match=r"puts out an array of shape \(2,\); one number is checked"
    ):
        pb.gradcheck(lambda x: x * 2.0, np.ones(2), backward=lambda x: np.full(2, 2.0))


# --- what it says ---


def test_a_report_shows_each_input_and_the_wrong_gate_with_its_line():
    said = repr(pb.gradcheck(lambda x: bent_exp(x) * x, 0.5))
    assert "x     2.47308" in said
    assert "wrong" in said
    assert "bent_exp: the pull on 'x' is " in said
    assert "(relative error 1.0e-08)  test_gradcheck.py:" in said


def test_a_report_is_true_when_it_passed():
    assert pb.gradcheck(lambda x: x * x, 2.0)
    assert not pb.gradcheck(lambda x: bent_exp(x), 2.0)


@pytest.mark.parametrize(("e", "x"), [("exp(x)", 709.5), ("x * 1e300", 1.7e8), ("x**3", 5.6e102)])
def test_values_near_the_largest_number_are_checked_without_a_warning(e, x):
    assert pb.gradcheck(pb.circuit(e), x=x).passed
