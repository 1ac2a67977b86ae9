"""A gate of one's own, in a few lines, is a gate like any other; what is missing is said by name."""

import inspect

import numpy as np
import pytest
from laws.asking import NUMERIC, distance, forces_for, numeric_pulls, pull_circuit, pulls, same_bits
from laws.gate_cases import cases

import pullback as pb
from pullback.core.gate import GATES
from pullback.errors import FaceError, GateError
from pullback.executors import compile

LINES = 15  # a gate takes fewer


def write_bell():
    @pb.gate(np="np.exp(-{x} * {x})", py="math.exp(-{x} * {x})")
    def bell(x):
        """y = e^(-x^2): 1 at 0, flat far away."""
        return np.exp(-x * x)

    @bell.pulls
    def d_bell(dy, y, x):
        return -2.0 * x * y * dy

    return bell


def write_hypotenuse():
    @pb.gate(np="np.hypot({a}, {b})", py="math.hypot({a}, {b})")
    def hypotenuse(a, b):
        """y = sqrt(a^2 + b^2)."""
        return np.hypot(a, b)

    @hypotenuse.pulls
    def d_hypotenuse(dy, y, a, b):
        return a / y * dy, b / y * dy

    return hypotenuse


def write_steep():
    @pb.gate(kink=lambda x, **_: x, pattern="routes")
    def steep(x, *, slope: float = 0.1):
        """y = x where x > 0, else slope x."""
        return np.where(x > 0, x, slope * x)

    @steep.pulls
    def d_steep(dy, y, x, *, slope):
        return pb.where(x > 0.0, dy, slope * dy)

    return steep


def write_centred():
    @pb.gate(shape="(...,k)->(...,k)")
    def centred(x):
        """y = x - mean(x), along the last axis."""
        return x - np.mean(x, axis=-1, keepdims=True)

    @centred.pulls
    def d_centred(dy, y, x):
        return dy - pb.mean(dy, axis=-1, keepdims=True)

    return centred


def write_twist():
    @pb.recipe
    def twist(x):
        """y = x sigmoid(x)."""
        return x * pb.sigmoid(x)

    return twist


WRITTEN = [write_bell, write_hypotenuse, write_steep, write_centred, write_twist]
every_way = pytest.mark.parametrize("write", WRITTEN, ids=lambda w: w.__name__)
every_case = pytest.mark.parametrize("case", [c for w in WRITTEN for c in cases(w())], ids=str)


@every_way
def test_a_gate_of_ones_own_takes_fewer_than_fifteen_lines(write):
    assert len(inspect.getsource(write).splitlines()) - 2 < LINES


# --- the laws of the library's own gates, asked of a user's ---


@every_case
def test_its_pull_is_the_numerical_slope(case):
    circuit = case.circuit()
    forces = forces_for(circuit)
    wanted = numeric_pulls(lambda *x: [case.gate(*x, **case.attributes)], case.inputs, forces)
    assert distance(pulls(circuit, case.inputs, forces), wanted) < NUMERIC


@every_case
def test_its_second_pull_is_the_numerical_slope_of_the_first(case):
    first, _ = pull_circuit(case.circuit())
    inputs = [*case.inputs, *forces_for(case.circuit())]
    forces = forces_for(first, seed=1)
    wanted = numeric_pulls(lambda *x: compile(first).run(x), inputs, forces)
    assert distance(pulls(first, inputs, forces), wanted) < NUMERIC


@every_case
def test_numbers_circuits_and_units_agree_on_it(case):
    units = case.gate(*[pb.Unit(x) for x in case.inputs], **case.attributes)
    assert same_bits(units.value, case.output)
    assert same_bits(compile(case.circuit()).run(case.inputs)[0], case.output)


@every_case
def test_its_float32_stays_float32(case):
    small = case.as_dtype(np.dtype(np.float32))
    pulled = pulls(small.circuit(), small.inputs, forces_for(small.circuit()))
    assert {np.asarray(p).dtype.name for p in pulled} <= {"float32"}


# --- it takes part in everything ---


def test_it_is_found_under_its_name():
    assert pb.bell is GATES["bell"]


def test_its_face_makes_source_with_its_owners_names():
    f = pb.circuit(lambda height, x: height * pb.bell(x), name="f")
    source = f.backward_source()
    assert "math.exp(-x * x)" in source
    assert source.verified


def test_a_missing_face_names_the_line_to_add():
    with pytest.raises(FaceError) as caught:
        pb.circuit(lambda x: pb.steep(x)).forward_source()
    assert str(caught.value).splitlines() == [
        "gate 'steep' has no python implementation.",
        f'  Try: @gate(py="...") on steep in {__name__}',
    ]


def test_it_can_be_written_in_typed_text():
    assert pb.circuit("bell(x) * 2")(0.0) == 2.0


def test_it_is_checked_and_its_kink_is_known():
    report = pb.gradcheck(lambda x: pb.steep(x, slope=0.2), 0.0)
    assert (report.passed, report.findings[0].verdict) == (True, "kink")


def test_a_recipe_is_one_gate_and_its_pull_is_derived():
    run = pb.circuit(lambda x: pb.twist(x)).run(0.7)
    s = 1 / (1 + np.exp(-0.7))
    assert [wire.gate for wire in run] == ["input", "twist"]
    assert run.grads["x"] == pytest.approx(s + 0.7 * s * (1 - s), rel=1e-14)


def test_a_recipes_own_rule_goes_before_the_derived_one():
    @pb.recipe
    def squared(x):
        return x * x

    assert pb.grad(squared)(3.0) == 6.0
    squared.pulls(lambda dy, y, x: 100.0 * dy)
    assert pb.circuit(lambda x: squared(x)).grad(3.0) == {"x": 100.0}


def test_a_rule_that_is_corrected_in_use_holds_from_then_on():
    @pb.gate
    def cubed(x):
        return x * x * x

    cubed.pulls(lambda dy, y, x: 2.0 * x * x * dy)
    assert pb.gradcheck(lambda x: cubed(x), 2.0).passed is False
    cubed.pulls(lambda dy, y, x: 3.0 * x * x * dy)
    assert pb.gradcheck(lambda x: cubed(x), 2.0).passed is True


# --- what is missing or wrong is said ---


def test_a_gate_without_a_pull_rule_runs_but_cannot_be_pulled():
    @pb.gate
    def rough(x):
        return np.round(x, 1)

    f = pb.circuit(lambda x: rough(x) * 2.0)
    assert f(0.7499) == 1.4
    with pytest.raises(GateError) as caught:
        f.grad(0.7499)
    assert str(caught.value).splitlines() == [
        "gate 'rough' has no pull rule, so nothing can be learned through it.",
        "  Try: @rough.pulls  def d_rough(dy, y, x): ...",
    ]


def test_the_same_error_from_units():
    @pb.gate
    def rough_too(x):
        return np.round(x, 1)

    with pytest.raises(GateError, match="gate 'rough_too' has no pull rule"):
        rough_too(pb.Unit(0.3)).backward()


def test_a_rule_with_too_few_pulls_is_refused():
    @pb.gate
    def scaled(a, b):
        return a * b

    scaled.pulls(lambda dy, y, a, b: b * dy)
    with pytest.raises(GateError, match="d_scaled returns 1 pulls for 2 inputs"):
        pb.grad(scaled)(2.0, 3.0)


def test_a_rule_whose_pull_has_the_wrong_shape_is_refused():
    @pb.gate(shape="(n)->(n)")
    def summed_by_mistake(x):
        return x * 2.0

    summed_by_mistake.pulls(lambda dy, y, x: pb.sum(dy) * 2.0)
    with pytest.raises(
        GateError, match=r"d_summed_by_mistake returns a pull of shape \(\) for an input"
    ):
        pb.grad(lambda x: pb.sum(summed_by_mistake(x)))(np.ones(3))


def test_an_unknown_keyword_is_named():
    with pytest.raises(
        GateError, match="gate 'typo': there is no keyword or language 'kinks'"
    ) as caught:
        pb.gate(kinks=lambda x: x)(named_typo())
    assert "did you mean 'kink'?" in str(caught.value)


def named_typo():
    def typo(x):
        return x

    return typo


def test_a_name_that_the_library_uses_is_refused():
    def relu(x):
        return x

    with pytest.raises(GateError, match="a gate 'relu' exists already, in pullback.gates.curves"):
        pb.gate(relu)


def test_the_wrong_count_and_a_wrong_attribute_are_refused():
    with pytest.raises(GateError, match=r"hypotenuse takes 2 \(a, b\), got 1"):
        pb.hypotenuse(3.0)
    with pytest.raises(GateError, match="steep has no attribute 'slop'"):
        pb.steep(3.0, slop=0.5)
