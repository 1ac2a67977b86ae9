"""What stands behind `*` in a circuit's function stays a Python value: a setting."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, UnknownName
from pullback.train import SGD, Plan


@pb.circuit(parameters="w")
def f(x, w, *, training=True, steps=2, mode="tanh"):
    for _ in range(steps):
        x = getattr(pb, mode)(x * w)
    return x * 2 if training else x


def test_a_setting_decides_what_is_traced():
    assert f(1.0, 0.5, steps=1) == 2 * np.tanh(0.5)
    assert f(1.0, 0.5, steps=1, training=False) == np.tanh(0.5)
    assert f(1.0, 0.5, steps=1, mode="sin") == 2 * np.sin(0.5)
    assert f({"x": 1.0, "w": 0.5, "steps": 1}) == 2 * np.tanh(0.5)


ASKS = {
    "grad": lambda f, **put: f.grad(1.0, 0.5, **put),
    "value_and_grad": lambda f, **put: f.value_and_grad(1.0, 0.5, **put)[1],
    "run": lambda f, **put: f.run(1.0, 0.5, **put).grads,
    "transform": lambda f, **put: pb.grad(f, wrt=("x", "w"))(1.0, 0.5, **put),
    "circuit": lambda f, **put: f.circuit(1.0, 0.5, **put).gate_count,
    "gradcheck": lambda f, **put: f.gradcheck(1.0, 0.5, **put).passed,
    "map": lambda f, **put: f.map([1.0, 2.0], 0.5, **put).value.tolist(),
    "source": lambda f, **put: str(f.backward_source(1.0, 0.5, **put)),
    "picture": lambda f, **put: f.draw(1.0, 0.5, **put).svg,
    "explain": lambda f, **put: f.explain("x", 1.0, 0.5, **put).pull,
    "expand": lambda f, **put: f.expand("sigmoid", **put)(1.0, 0.5),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_every_question_takes_settings(ask):
    @pb.circuit(parameters="w", name="f")
    def three(x, w):
        for _ in range(3):
            x = pb.sigmoid(x * w)
        return x * 2

    assert ask(f, steps=3, mode="sigmoid") == ask(three)


def test_a_fit_takes_settings():
    data = {"x": np.array([1.0, 2.0]), "w": 0.1}
    plan = Plan(batch_size=2, max_epochs=3)
    on = f.fit(data, plan=plan, optimizer=SGD(0.1))
    off = f.fit(data | {"training": False}, plan=plan, optimizer=SGD(0.1))
    assert on["w"] != off["w"]


def test_settings_of_a_circuit_in_a_circuit():
    @pb.circuit
    def outer(x):
        return f(x, 2.0, training=False, steps=1) + f(x, 2.0, steps=1)

    assert outer(0.3) == pytest.approx(3 * np.tanh(0.6), rel=1e-15)


def test_true_and_one_are_two_settings():
    @pb.circuit
    def kind(x, *, by=1):
        return x * (3 if by is True else by)

    assert (kind(2.0, by=1), kind(2.0, by=True), kind(2.0, by=1.0)) == (2.0, 6.0, 2.0)


@pytest.mark.parametrize("value", [[1], {"a": 1}, np.zeros(2)])
def test_a_setting_is_a_plain_value(value):
    with pytest.raises(CircuitError, match="the setting 'steps' of f is a"):
        f(1.0, 0.5, steps=value)


def test_a_setting_without_default_is_asked_for():
    power = pb.circuit(lambda x, *, n: x**n)
    assert power(2.0, n=3) == 8.0
    with pytest.raises(CircuitError, match="needs the setting 'n'"):
        power(2.0)
    with pytest.raises(UnknownName, match="no input 'm'"):
        power(2.0, m=3, n=1)


def test_a_wire_is_no_setting():
    with pytest.raises(CircuitError, match="the setting 'steps' of f is a Wire"):
        pb.circuit(lambda x: f(x, 1.0, steps=x))(2.0)
