"""Opening gates: one element of an array, a gate into its parts and back, each with what was proved."""

import math

import numpy as np
import pytest

import pullback as pb
from pullback.errors import (
    CircuitError,
    GateError,
    OptionError,
    RangeError,
    ShapeError,
    UnknownName,
)

X = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]])
W = np.array([[0.2, -0.4], [1.5, 0.6], [-0.9, 0.1]])


@pb.circuit
def layer(x, W, b):
    scores = x @ W + b
    return pb.softmax(scores).named("p")


def gates(function):
    return [row.gate.name for row in function.circuit().rows() if row.gate]


# --- one element ---


def test_an_element_of_a_layer_is_a_sum_of_products_with_the_names_of_its_elements():
    one = layer.open("scores", (0, 1), X, W, np.array([0.5, -0.5]))
    assert one.parameters == ["x_0_0", "x_0_1", "x_0_2", "W_0_1", "W_1_1", "W_2_1", "b_1"]
    assert gates(one) == ["multiply", "multiply", "add", "multiply", "add", "add"]
    assert one.name == "scores_0_1"


def test_an_element_runs_at_the_numbers_of_its_array():
    one = layer.open("scores", (0, 1), X, W, np.array([0.5, -0.5]))
    assert one() == pytest.approx(1.0 * -0.4 + -2.0 * 0.6 + 0.5 * 0.1 - 0.5)
    assert one(x_0_0=2.0) == pytest.approx(one() - 0.4)
    assert one.run()["x_0_1"].grad == 0.6


def test_an_element_explains_and_draws_and_has_cards():
    one = layer.open("scores", (1, 0), X, W, np.zeros(2))
    assert one.explain("W_2_0").pull == -1.1
    assert "x_1_2 = −1.1" in one.draw().alt
    assert one.card("scores_1_0").gate == "add"


def test_an_element_of_a_softmax_pulls_its_own_score_up_and_the_others_down():
    b = np.zeros(2)
    one = layer.open("p", (0, 0), X, W, b)
    y = layer(X, W, b)[0, 0]
    pulls = one.grad()
    assert pulls["scores_0_0"] == pytest.approx(y * (1 - y))
    assert pulls["scores_0_1"] == pytest.approx(-y * (1 - y))


def test_a_negative_index_counts_from_the_end():
    assert layer.open("p", (-1, -2), X, W, np.zeros(2)).name == "p_1_0"


def test_an_element_without_values_has_none_either():
    layer(X, W, np.zeros(2))
    one = layer.open("scores", (0, 0))
    with pytest.raises(CircuitError, match="needs a value for 'x_0_0'"):
        one()


def test_moving_gates_leave_a_wire():
    f = pb.circuit(lambda x: pb.transpose(x).named("t"))
    one = f.open("t", (2, 1), X)
    assert (gates(one), one.parameters, one()) == ([], ["x_1_2"], -1.1)


def test_a_border_is_a_number():
    f = pb.circuit(lambda x: pb.pad(x, widths=((1, 1), (0, 0)), value=7.0).named("wide"))
    assert f.open("wide", (0, 0), X)() == 7.0


def test_what_is_read_by_index_is_read_where_the_index_points():
    f = pb.circuit(lambda table, word: pb.gather(table, word).named("row"))
    one = f.open("row", (0, 1), X, np.array([1, 0]))
    assert (one.parameters, one()) == (["table_1_1"], 0.7)


def test_what_is_read_by_index_needs_the_index():
    f = pb.circuit(lambda table, word: pb.gather(table, word).named("row"))
    f.specialization(X, np.array([1, 0]))
    with pytest.raises(OptionError, match="depends on the numbers of 'word'"):
        f.open("row", (0, 1))


def test_equal_indices_add_up_in_one_element():
    f = pb.circuit(lambda x, at: pb.scatter_add(x, at, size=3).named("y"))
    one = f.open("y", 1, np.array([1.0, 2.0, 5.0]), np.array([1, 1, 0]))
    assert (one.parameters, one()) == (["x_0", "x_1"], 3.0)


@pytest.mark.parametrize(
    ("wire", "index", "error", "said"),
    [
        ("score", (0, 0), UnknownName, "no wire is called 'score'"),
        ("scores", 0, ShapeError, "'scores' has shape (2, 2); the index 0 has 1 parts"),
        ("scores", (0, 2), RangeError, "the index (0, 2) lies outside"),
        ("x", (0, 0), CircuitError, "'x' is no gate's output"),
    ],
)
def test_a_wrong_wish_is_named(wire, index, error, said):
    with pytest.raises(error) as told:
        layer.open(wire, index, X, W, np.zeros(2))
    assert said in str(told.value)


def test_an_element_that_nobody_could_read_is_refused():
    f = pb.circuit(lambda x, w: (x @ w).named("y"))
    with pytest.raises(OptionError, match="'y' is made of more than 4,000 gates"):
        f.open("y", (0, 0), np.ones((1, 2001)), np.ones((2001, 1)))


def test_a_wide_sum_opens_without_recursion():
    f = pb.circuit(lambda x: x.sum().named("y"))
    assert f.open("y", (), np.ones(1500))() == 1500.0


def test_a_gate_of_your_own_opens_by_its_numpy_body():
    @pb.gate(shape="(n)->()")
    def loudness_of(x):
        """y = log(sum(e^x)), the short way."""
        return np.log(np.sum(np.exp(x)))

    one = pb.circuit(lambda x: loudness_of(x).named("y")).open("y", (), np.array([1.0, 2.0]))
    assert gates(one) == ["exp", "exp", "add", "log"]
    assert one() == pytest.approx(math.log(math.exp(1) + math.exp(2)))


def test_a_gate_that_cannot_be_opened_says_what_to_write():
    @pb.gate(shape="(n)->()")
    def middle_of(x):
        """y = the median of x."""
        return np.median(x)

    with pytest.raises(GateError, match="middle_of cannot be opened") as told:
        pb.circuit(lambda x: middle_of(x).named("y")).open("y", (), np.ones(3))
    assert "@middle_of.parts" in told.value.fix


# --- parts ---


def test_S21_E21_the_opened_sigmoid_shows_neg_exp_plus_and_one_over():
    f = pb.circuit("s = sig(x); s")
    assert gates(f.expand("sigmoid")) == ["negative", "exp", "add", "divide"]


@pytest.mark.parametrize("x", [-30.0, -3.0, 0.0, 3.0, 30.0])
def test_S21_the_opened_sigmoid_is_the_sigmoid(x):
    f = pb.circuit("s = sig(x); s")
    opened = f.expand("sigmoid")
    assert opened(x) == pytest.approx(f(x), rel=4e-16)
    assert opened.grad(x)["x"] == pytest.approx(f.grad(x)["x"], rel=1e-15)


def test_S21_the_proof_says_how_near_and_where_they_part():
    proof = pb.circuit("s = sig(x); s").expand("sigmoid").proof
    assert 1 <= proof.value_ulps <= 2
    assert 1 <= proof.pull_ulps <= 6
    assert [p for p in proof.partings if "-800" in p] == [
        "x = -800: the pull on x is 0 before, NaN after"
    ]
    assert (proof.before, proof.after) == (("sigmoid",), ("negative", "exp", "add", "divide"))


def test_S21_opened_and_closed_again_it_is_the_same_circuit():
    f = pb.circuit("p = a*x + b; s = sig(p); s * s")
    again = f.expand("sigmoid").collapse("sigmoid")
    assert gates(again) == gates(f)
    assert again.circuit().names[-3:] == f.circuit().names[-3:]


def test_S21_a_hand_written_sigmoid_is_recognised_and_its_pull_mended():
    by_hand = pb.circuit("1 / (exp(-x) + 1)")
    closed = by_hand.collapse()
    assert gates(closed) == ["sigmoid"]
    assert math.isnan(by_hand.grad(-800.0)["x"])
    assert closed.grad(-800.0)["x"] == 0.0


def test_everything_opens_when_nothing_is_named():
    f = pb.circuit(lambda x: pb.softplus(x) + pb.sigmoid(x), name="f")
    assert not {"softplus", "sigmoid"} & set(gates(f.expand()))


def test_nothing_to_close_is_said():
    proof = pb.circuit("x * y").collapse().proof
    assert proof.exact
    assert repr(proof).startswith("no gate changed\nthe same bits")


def test_an_array_gate_opens_into_array_gates():
    opened = layer.expand("softmax", x=X, W=W, b=np.zeros(2))
    made = [r.gate.name for r in opened.circuit(X, W, np.zeros(2)).rows() if r.gate]
    assert made[-6:] == ["max", "stop_gradient", "subtract", "exp", "sum", "divide"]
    assert opened.proof.value_ulps == 0
    np.testing.assert_array_equal(opened(X, W, np.zeros(2)), layer(X, W, np.zeros(2)))


@pytest.mark.parametrize("gate", [pb.softmax, pb.logsumexp])
def test_the_parts_of_a_softmax_keep_its_care_for_large_scores(gate):
    f, x = pb.circuit(lambda x: gate(x)), np.array([2000.0, 2000.0])
    np.testing.assert_array_equal(f.expand(x=x)(x), f(x))


def test_without_values_the_shapes_of_the_latest_call_are_meant():
    f = pb.circuit(lambda x: pb.softmax(x))
    f(X)
    assert f.expand("softmax")(X).shape == (2, 3)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("add",), "add is not made of other gates"),
        (("softplus",), "there is no softplus in this circuit"),
    ],
)
def test_what_cannot_be_opened_is_named(names, said):
    with pytest.raises(OptionError, match=said):
        pb.circuit("s = sig(x + y); s").expand(*names)


@pytest.mark.slow
def test_opening_everything_stops_where_nobody_looks():
    f, x = pb.circuit(lambda x: pb.max(x, axis=0)), np.ones((2_010, 1))
    with pytest.raises(CircuitError, match="opened, this circuit has 4,02"):
        f.expand(x=x)


def test_what_cannot_be_recognised_is_named():
    with pytest.raises(OptionError, match="softmax cannot be recognised"):
        pb.circuit("x * y").collapse("softmax")
