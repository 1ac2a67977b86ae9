"""Laws of what a pull rule may be: refused by name when wrong, traced once a kind of use, or derived."""

import numpy as np
import pytest
from laws.asking import pulls, same_bits
from laws.forging_gates import broken, listed, recipe_of
from laws.gate_cases import circuit_of

from pullback.core.build import Builder
from pullback.core.dtypes import FLOAT64
from pullback.core.gate import GATES as G
from pullback.core.gate import Declaration, Gate
from pullback.core.shapes import spec_of
from pullback.errors import GateError, ShapeError
from pullback.passes.backward import backward
from pullback.passes.pull import pull_template

# --- a rule that is wrong is refused by name ---


def pulled_through(gate, *shapes, below=lambda y: y):
    builder = Builder()
    wires = [builder.input(spec_of(np.ones(s)), f"x{i}") for i, s in enumerate(shapes)]
    with listed(gate):
        return backward(builder.finish([below(gate(*wires))]))


@pytest.mark.parametrize(
    ("rule", "inputs", "words"),
    [
        (None, 1, "gate 'twin' has no pull rule"),
        (lambda dy, y, x: (dy, dy), 1, "d_twin returns 2 pulls for 1 inputs"),
        (lambda dy, y, a, b: dy, 2, "d_twin returns 1 pulls for 2 inputs"),
        (lambda dy, y, x: G["sum"](dy), 1, r"shape \(\) for an input of shape \(3,\)"),
        (lambda dy, y, x: G["cast"](dy, dtype="float32"), 1, "float32 for an input of .* float64"),
        (lambda dy, y, a, b: (G["cast"](dy, dtype="float32"), dy > 0.0), 2, "float32 for an input"),
    ],
)
@pytest.mark.parametrize("below", [lambda y: y, lambda y: G["where"](y > 0.0, y, 0.0)])
def test_a_wrong_rule_is_refused_by_name(rule, inputs, words, below):
    with pytest.raises(GateError, match=words):
        pulled_through(broken(rule, inputs), *[(3,)] * inputs, below=below)


def test_an_error_within_a_rule_speaks_of_dy_and_y():
    with pytest.raises(ShapeError, match=r"matmul.*\n  dy  \(3,\) .*\n  y  \(3,\)"):
        pulled_through(broken(lambda dy, y, x: G["matmul"](dy, y)), (3,))


def test_a_rule_may_return_a_plain_number():
    with listed(broken(lambda dy, y, x: 2.0)) as gate:
        assert pulls(circuit_of(gate, 5.0), [5.0], [np.float64(1.0)]) == [2.0]


def test_a_rule_is_not_asked_what_pulls_a_whole_number():
    def halved(x):
        return x / 2

    gate = Gate(halved, Declaration(takes="number", result=FLOAT64), recipe=False)
    gate.pulls(lambda dy, y, x: dy / 2.0)
    with listed(gate):
        circuit = circuit_of(lambda i, x: gate(i) * x, np.int64(3), 5.0)
        assert pulls(circuit, [np.int64(3), 5.0], [np.float64(1.0)]) == [None, 1.5]


# --- every kind of use has its own traced rule ---


def test_a_kind_of_use_is_traced_once():
    circuit = circuit_of(lambda x: G["softmax"](x, axis=0) * x.sum(axis=0) ** 3.0, [1.0])
    backward(circuit)
    before = pull_template.cache_info().misses
    backward(circuit)
    assert pull_template.cache_info().misses == before


def test_attributes_that_are_equal_but_of_another_kind_keep_their_own_rules():
    def scaled(x, *, by):
        return x * (3.0 if by is True else 1.0)

    gate = Gate(scaled, Declaration(), recipe=False)
    gate.pulls(lambda dy, y, x, *, by: dy * (3.0 if by is True else 1.0))
    with listed(gate):
        circuit = circuit_of(lambda x: (gate(x, by=1), gate(x, by=True)), 1.0)
        assert pulls(circuit, [1.0], [np.float64(1.0), np.float64(10.0)]) == [31.0]


def test_a_constant_exponent_leaves_out_what_only_a_moving_one_needs():
    back = backward(circuit_of(lambda x: x**3.0, 1.0))
    made = {back.circuit.row(w).gate for w in range(len(back.forward), len(back.circuit))}
    assert {g.name for g in made if g} == {"power", "multiply"}


def test_exponents_in_an_array_are_pulled_beside_as_any_array():
    x = np.array([2.0, 3.0])
    (found,) = pulls(circuit_of(lambda x: x ** np.array([2.0, 3.0]), x), [x], [np.ones(2)])
    assert found.tolist() == [4.0, 27.0]


def test_a_rule_is_given_numbers_only_where_it_says_that_it_is_plainer_then():
    seen = []

    def rule(dy, y, a, b):
        seen.append([type(x).__name__ for x in (a, b)])
        return b * dy, a * dy

    with listed(broken(rule, inputs=2)) as gate:
        gate.folds = ("y",)
        backward(circuit_of(lambda x: gate(x, 2.0) + gate(2.0, x), 1.0))
    assert seen == [["Wire", "Wire"], ["Wire", "float64"]]


@pytest.mark.parametrize("exponent", [0.0, -0.0])
def test_exponents_that_are_equal_but_for_their_sign_keep_their_own_rules(exponent):
    circuit = circuit_of(lambda x: x**exponent, 2.0)
    (found,) = pulls(circuit, [2.0], [np.float64(1.0)])
    assert same_bits(found, np.float64(exponent))


# --- recipes without a rule ---


def half_stopped(x, y):
    return x * G["stop_gradient"](y)


def half_stopped_first(x, y):
    return G["stop_gradient"](x) * y


def first_of_three_stopped(x, y, z):
    return G["stop_gradient"](x) * y * z


def all_multiplied(*x):
    return x[0] * x[1] * x[2]


def itself(x):
    return x


def a_number(x):
    return 2.0


@pytest.mark.parametrize(
    ("body", "inputs", "wanted"),
    [
        (half_stopped, [3.0, 5.0], [5.0, None]),
        (half_stopped_first, [3.0, 5.0], [None, 3.0]),
        (first_of_three_stopped, [2.0, 3.0, 5.0], [None, 10.0, 6.0]),
        (all_multiplied, [2.0, 3.0, 5.0], [15.0, 10.0, 6.0]),
        (itself, [3.0], [1.0]),
        (a_number, [3.0], [None]),
    ],
)
def test_a_recipe_pulls_what_its_gates_pull(body, inputs, wanted):
    with listed(recipe_of(body)) as gate:
        assert pulls(circuit_of(gate, *inputs), inputs, [np.float64(1.0)]) == wanted
