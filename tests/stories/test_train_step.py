"""One training step is one circuit."""

from dataclasses import dataclass

import numpy as np
import pytest
from laws.asking import NUMERIC, numeric_pulls

from pullback.core.shapes import Spec, spec_of
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.nn import CrossEntropy, Layer, Linear, MeanSquaredError, ReLU, Sequential
from pullback.nn.context import draw
from pullback.train import SGD, Task, objective, training_step

NET = Sequential(Linear(5), ReLU(), Linear(3))


def batch(rows=4):
    generator = np.random.default_rng(2)
    return generator.normal(size=(rows, 6)), generator.integers(0, 3, rows)


def test_a_step_of_one_weight_worked_by_hand():
    task = Task(Linear(1, bias=False), MeanSquaredError(), SGD(0.1, momentum=0.5), "float64")
    x, target = np.array([[2.0]]), np.array([[3.0]])
    step = compile(training_step(task, spec_of(x), spec_of(target)).circuit)
    # W = 1: y = 2, loss (2 - 3)^2 = 1, pull 2 (2 - 3) 2 = -4; velocity 0.5 * 6 - 4 = -1
    W, velocity, loss = step.run([np.array([[1.0]]), np.array([[6.0]]), x, target, 0.1])
    assert (W.item(), velocity.item(), loss) == (1.1, -1.0, 1.0)


def test_a_plain_step_goes_against_the_numerical_gradient():
    (x, labels), rate = batch(), 0.1
    task = Task(NET, CrossEntropy(), SGD(rate), "float64")
    judged = objective(task, spec_of(x), spec_of(labels))
    weights = list(draw(judged.needs, np.random.default_rng(0)).values())
    judge = compile(judged.circuit)
    step = compile(training_step(task, spec_of(x), spec_of(labels)).circuit)
    moved = step.run([*weights, *map(np.zeros_like, weights), x, labels, rate])
    slopes = numeric_pulls(lambda *w: judge.run([x, labels, *w])[:1], weights, [1.0])
    for before, after, slope in zip(weights, moved, slopes, strict=False):
        np.testing.assert_allclose(after, before - rate * slope, rtol=NUMERIC, atol=NUMERIC)


def test_loss_and_count_are_those_before_the_step():
    x, labels = batch()
    task = Task(NET, CrossEntropy(), SGD(0.1), "float64")
    judged = objective(task, spec_of(x), spec_of(labels))
    weights = draw(judged.needs, np.random.default_rng(0)).values()
    step = compile(training_step(task, spec_of(x), spec_of(labels)).circuit)
    *_, loss, right = step.run([*weights, *map(np.zeros_like, weights), x, labels, 0.1])
    assert [loss, right] == compile(judged.circuit).run([x, labels, *weights])


def test_everything_in_a_step_has_a_name_and_a_role():
    x, labels = batch()
    task = Task(Sequential(Linear(3)), CrossEntropy(), SGD(0.1))
    circuit = training_step(task, spec_of(x), spec_of(labels)).circuit
    weights, states = ("layer1_W", "layer1_b"), ("layer1_W_velocity", "layer1_b_velocity")
    assert circuit.input_names == (*weights, *states, "x", "target", "learning_rate")
    assert circuit.roles == (*["parameter"] * 2, *["state"] * 2, *["data"] * 3)
    after = [f"{name}_next" for name in (*weights, *states)]
    assert [circuit.names[wire] for wire in circuit.outputs] == [*after, "loss", "right"]


def test_a_step_keeps_its_layers_apart_for_pictures():
    x, labels = batch()
    circuit = training_step(
        Task(NET, CrossEntropy(), SGD(0.1)), spec_of(x), spec_of(labels)
    ).circuit
    scopes = {circuit.groups[g] for g in circuit.group.tolist()}
    assert scopes == {(), ("layer1",), ("relu1",), ("layer2",), ("loss",), ("update",)}


def test_the_learning_rate_is_an_input_not_a_constant():
    x, target = np.array([[1.0]]), np.array([[0.0]])
    task = Task(Linear(1, bias=False), MeanSquaredError(), SGD(0.1), "float64")
    step = compile(training_step(task, spec_of(x), spec_of(target)).circuit)
    ends = [step.run([x, np.zeros((1, 1)), x, target, rate])[0].item() for rate in (0.0, 0.25)]
    assert ends == [1.0, 0.5]  # the pull is 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_and_step_have_the_dtype_of_the_task(dtype):
    x, labels = Spec((4, 6), np.dtype(dtype)), Spec((4,), np.dtype("int64"))
    circuit = training_step(Task(NET, CrossEntropy(), SGD(0.1), dtype), x, labels).circuit
    reals = {circuit.specs[s].dtype for s in circuit.spec.tolist()} - {np.dtype("int64")}
    assert reals - {np.dtype("bool")} == {np.dtype(dtype)}


@dataclass(frozen=True)
class Deaf(Layer):
    """Asks for a weight and does not use it."""

    def join(self, x, context):
        context("unheard", (3,))
        return x


def test_a_weight_that_cannot_learn_is_named():
    x, labels = batch()
    with pytest.raises(CircuitError, match="does not depend on weight 'unheard'"):
        training_step(Task(Deaf(), CrossEntropy(), SGD(0.1)), spec_of(x), spec_of(labels))
