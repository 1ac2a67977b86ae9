"""micrograd's scripts on our engine: micrograd itself says what the numbers are."""

import copy
import math
import operator
import pickle  # noqa: TID251  (what comes from here)
import random
import subprocess
import sys
import weakref

import numpy as np
import pytest

from pullback.compat.micrograd import engine, nn

micrograd = pytest.importorskip("micrograd.engine")
their_nn = pytest.importorskip("micrograd.nn")

LOSS = 1e-9  # micrograd sums pulls in an order that changes from run to run; rounding grows
ONE_GATE = 1e-14  # a / b is one rounding here and two there

BINARY = [operator.add, operator.sub, operator.mul, lambda a, b: a / (b * b + 1.0)]


@pytest.fixture(autouse=True, params=["native", "plain"])
def kind(request, monkeypatch):
    """Every story is told of both kinds of Value: the native type, and plain Python without it."""
    if request.param == "plain":
        monkeypatch.setattr(engine, "Value", engine.PlainValue)
        monkeypatch.setattr(nn, "Value", engine.PlainValue)
    elif engine.Value is engine.PlainValue:
        pytest.skip("no native type here")


def expression(Value, seed):
    """30 random operations on 4 Values and plain numbers: the Values and what came out."""
    draw = random.Random(seed)
    leaves = [Value(draw.uniform(0.5, 2.0)) for _ in range(4)]
    made = [*leaves]
    for _ in range(30):
        a, b = draw.choice(made), draw.choice([*made, draw.uniform(0.5, 2.0)])
        change = draw.choice(BINARY)
        y = draw.choice([change(a, b), change(b, a), -a, a.relu(), (a * a + 1.0) ** -0.5])
        made.append(y if abs(y.data) < 1e3 else a)
    return leaves, sum(made[4:])


def outcome(Value, seed):
    leaves, y = expression(Value, seed)
    y.backward()
    return [y.data, *(x.grad for x in leaves)]


@pytest.mark.parametrize("seed", range(16))
def test_random_expressions_have_micrograds_values_and_grads(seed):
    theirs = outcome(micrograd.Value, seed)
    scale = max(1.0, *map(abs, theirs))
    assert np.allclose(outcome(engine.Value, seed), theirs, rtol=0, atol=30 * ONE_GATE * scale)


def test_the_example_of_micrograds_own_front_page():
    a, b = engine.Value(-4.0), engine.Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [round(v, 4) for v in (g.data, a.grad, b.grad)] == [24.7041, 138.8338, 645.5773]


@pytest.mark.parametrize("x", [0.0, -0.0, 3.0, -3.0, math.inf])
def test_relu_has_micrograds_slope_on_both_sides_and_at_zero(x):
    ours, theirs = engine.Value(x), micrograd.Value(x)
    ours.relu().backward()
    theirs.relu().backward()
    assert ours.grad == theirs.grad


def test_grads_add_up_over_graphs_until_they_are_set_to_zero():
    x = engine.Value(3.0)
    for _ in range(2):
        (x * x).backward()
    assert x.grad == 12.0
    x.grad = 0
    (x * x).backward()
    assert x.grad == 6.0


def test_a_value_speaks_plain_floats_and_reads_as_in_micrograd():
    x = engine.Value(np.int64(2))
    x.data -= 0.5
    assert (type(x.data), type(x.grad), repr(x)) == (float, float, "Value(data=1.5, grad=0.0)")


def test_a_value_takes_any_attribute_and_a_copy_keeps_it():
    x = engine.Value(2.0)
    x.label, x.name = "x", "y"
    x.grad = 3.0
    y = copy.copy(x)
    z = pickle.loads(pickle.dumps(x))  # noqa: S301
    assert [(v.label, v.name, v.data, v.grad) for v in (x, y, z)] == [("x", "y", 2.0, 3.0)] * 3
    assert (x.__dict__["label"], engine.Value(1.0).__dict__) == ("x", {})
    assert ((x * x).name, (x * x).label) == ("", "")


def test_a_pull_of_ones_own_is_refused_not_ignored():
    with pytest.raises(AttributeError):
        engine.Value(2.0)._backward = lambda: None


def test_the_steps_of_a_pass_can_be_taken_by_hand_as_in_micrograd():
    a, b = engine.Value(2.0), engine.Value(-3.0)
    product = a * b
    y = product + a
    y.grad = 1.0
    for value in (y, product, a, b):
        value._backward()
    assert (a.grad, b.grad) == (-2.0, 2.0)


def test_attributes_go_when_their_value_goes():
    class Thing:
        pass

    gone = weakref.ref(thing := Thing())
    x = engine.Value(2.0)
    x.thing = thing
    del x, thing
    assert gone() is None


def test_the_graph_can_be_walked_and_drawn():
    a, b = engine.Value(2.0), engine.Value(3.0)
    c = (a * b).relu()
    (product,) = c._prev
    assert (c._op, product._op, product._prev, a._prev) == ("ReLU", "*", {a, b}, set())


def test_values_are_equal_only_to_themselves():
    assert engine.Value(1.0) != engine.Value(1.0)
    assert bool(engine.Value(0.0))


@pytest.mark.parametrize("left", [np.int64(3), np.float64(3.0), np.float32(3.0), 3, True])
def test_numbers_of_numpy_may_stand_on_the_left(left):
    x = engine.Value(2.0)
    y = left * x
    y.backward()
    assert (type(y), y.data, x.grad) == (engine.Value, 2.0 * float(left), float(left))


def losses(Value, MLP, points, widths, steps):
    """The training of micrograd's demo: hinge loss and a spring, full batch, the rate going down."""
    random.seed(1337)
    draw = np.random.default_rng(10)  # no relu comes so near its corner that rounding decides
    X, y = draw.normal(size=(points, 2)), draw.choice([-1, 1], points)
    model, found = MLP(2, widths), []
    for k in range(steps):
        scores = [model(list(map(Value, row))) for row in X]
        hinges = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        loss = sum(hinges) * (1.0 / points) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
        found.append(loss.data)
    return found


def test_a_small_net_learns_with_micrograds_losses():
    theirs = losses(micrograd.Value, their_nn.MLP, 12, [4, 4, 1], 5)
    assert losses(engine.Value, nn.MLP, 12, [4, 4, 1], 5) == pytest.approx(theirs, abs=LOSS)


def test_the_same_script_has_the_same_losses_to_the_last_bit():
    again = [tuple(losses(engine.Value, nn.MLP, 12, [4, 4, 1], 5)) for _ in range(4)]
    assert len(set(again)) == 1


@pytest.mark.slow
def test_the_net_of_the_demo_learns_with_micrograds_losses():
    theirs = losses(micrograd.Value, their_nn.MLP, 30, [16, 16, 1], 3)
    assert losses(engine.Value, nn.MLP, 30, [16, 16, 1], 3) == pytest.approx(theirs, abs=LOSS)


def test_nets_describe_themselves_as_micrograds_do():
    assert repr(nn.MLP(3, [2, 1])) == repr(their_nn.MLP(3, [2, 1]))


SCRIPT = """
import sys
from micrograd.engine import Value
from micrograd.nn import MLP
x = Value(-2.0)
(x * x).backward()
print(sys.argv[1], x.grad, Value.__module__, len(MLP(2, [3, 1]).parameters()))
"""


def test_a_script_runs_as_it_is(tmp_path, kind):
    if kind == "plain":
        pytest.skip("a process of its own has its own kind")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "pullback.compat.micrograd", str(script), "word"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["word", "-4.0", "pullback.compat.micrograd.engine", "13"]
