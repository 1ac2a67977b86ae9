"""The loop below `f.fit` and `Training`: portions, rows in chunks, what is kept, full-batch methods."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pullback as pb
from pullback.core.circuit import Circuit
from pullback.errors import CircuitError, RunError
from pullback.loop import loop as loops
from pullback.loop import worth
from pullback.loop.blame import diverged
from pullback.loop.loop import Data, How, Loop
from pullback.loop.minimizer import FullBatch, Point
from pullback.loop.plan import Plan
from pullback.loop.rows import CHUNK, ByRows
from pullback.nn import CrossEntropy, Linear, MeanSquaredError, ReLU, Sequential
from pullback.nn.context import draw
from pullback.passes.batch import batch
from pullback.passes.objective import Objective
from pullback.passes.training_step import training_step
from pullback.train import SGD, Examples, Task, Training, objective

executors = pytest.mark.parametrize("executor", ["reference", "native"])

LINE = pb.circuit("loss = (w*x - y) ** 2").circuit()
ROWS = {"x": np.arange(1.0, 8.0), "y": 3.0 * np.arange(1.0, 8.0)}


def line(plan, executor="reference", rate=0.01, start=0.0):
    made = Objective(LINE, ("w",), ("x", "y"))
    step = training_step(made, SGD(rate))
    return Loop(lambda _: step, Data(ROWS, {}), plan, {"w": np.array(start)}, How(executor))


@executors
def test_epochs_in_one_go_are_epochs_one_by_one(executor):
    together, apart = (line(Plan(1, 20, seed=5), executor) for _ in range(2))
    (losses,) = together.epochs(20)
    alone = []
    for _ in range(20):
        alone.append(apart.epoch()["loss"])
        apart.finish()
    assert losses == pytest.approx(alone, rel=1e-12)
    assert together.now.carried["w"] == apart.now.carried["w"]
    assert (together.now.epoch, together.now.step, together.steps_made) == (20, 0, 140)


@executors
def test_how_portions_are_cut_changes_nothing(executor, monkeypatch):
    task = Task(Sequential(Linear(4), ReLU(), Linear(2)), CrossEntropy(), SGD(0.1, 0.9))
    rng = np.random.default_rng(0)
    rows = Examples(rng.normal(size=(50, 3)), rng.integers(0, 2, 50))
    found = []
    for seconds in (1e-9, 0.25):
        monkeypatch.setattr(loops, "PORTION", seconds)
        training = Training(task, Plan(4, 3), rows, executor=executor)
        training.loop._pace = 1 if seconds < 1e-6 else 16
        training.run()
        found.append({n: w.tobytes() for n, w in training.now.carried.items()})
    assert found[0] == found[1]


@executors
def test_a_state_that_is_large_is_not_kept_and_blame_says_what_it_can(executor, monkeypatch):
    monkeypatch.setattr(loops, "SMALL", 0)
    wild = line(Plan(1, 5), executor, rate=1e200)
    for _ in wild.epochs(5):
        pass
    assert not wild.is_finite
    error = diverged(wild)
    assert isinstance(error, RunError)
    assert "epoch 1, step" in error.what
    assert "no longer finite" in error.what


def test_states_are_handed_over_not_copied():
    task = Task(Sequential(Linear(4), Linear(2)), CrossEntropy(), SGD(0.1, 0.9))
    rng = np.random.default_rng(0)
    rows = Examples(rng.normal(size=(10, 3)), rng.integers(0, 2, 10))  # 4 + 4 + 2
    training = Training(task, Plan(4, 2), rows, executor="native")
    before = {n: w.ctypes.data for n, w in training.now.carried.items() if w.ndim}
    training.run()
    assert {n: w.ctypes.data for n, w in training.now.carried.items() if w.ndim} == before


@pytest.mark.slow
def test_a_training_takes_its_weights_their_pulls_and_the_optimizers_state():
    bench = Path(__file__).parents[2] / "bench" / "training_memory.py"
    done = subprocess.run(
        [sys.executable, bench, "30"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_states_that_start_as_one_array_do_not_meet():
    class Twice(SGD):
        def start(self, weight):
            nothing = np.zeros_like(weight)
            return {"velocity": nothing, "other": nothing}

        def update(self, weight, grad, state):
            moved, kept = super().update(weight, grad, state)
            return moved, {**kept, "other": state["other"] + 1.0}

    task = Task(Linear(2, bias=False), MeanSquaredError(), Twice(0.1), "float64")
    rows = Examples(np.ones((4, 3)), np.ones((4, 2)))
    found = [Training(task, Plan(2, 2), rows, executor=e) for e in ("reference", "native")]
    for training in found:
        training.run()
        assert (training.now.carried["W_other"] == 4.0).all()
    assert np.allclose(found[0].weights["W"], found[1].weights["W"])


@executors
@pytest.mark.parametrize("count", [0, 1, 3, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 37])
def test_rows_in_chunks_are_the_rows_in_one_go(executor, count):
    net = pb.circuit(lambda x, W: (pb.tanh(x @ W), pb.sum(x))).circuit(
        np.zeros(3), np.zeros((3, 2))
    )
    x, W = np.random.default_rng(0).normal(size=(count, 3)), np.full((3, 2), 0.3)
    found = ByRows(lambda size: batch(net, ["x"], size), executor).run({"x": x}, {"W": W})
    np.testing.assert_allclose(found[0], np.tanh(x @ W), rtol=1e-12)
    np.testing.assert_allclose(found[1], x.sum(axis=1), rtol=1e-12, atol=1e-13)


def test_many_rows_are_worth_machine_code_and_few_are_not():
    net: Circuit = pb.circuit(lambda x, W: x @ W).circuit(np.zeros((256, 64)), np.zeros((64, 64)))
    assert 1 < worth.runs(net) < 10_000


class Descent:
    """Steepest descent that halves its step until it goes down: a full-batch method of these tests."""

    def minimize(self, function, start):
        here, step = start, 1.0
        loss, grad = function(here)
        while True:
            there = here - step * grad
            new, slope = function(there)
            if new < loss:
                here, loss, grad, step = there, new, slope, 2.0 * step
                yield Point(here, loss, float(np.linalg.norm(grad)))
            else:
                step /= 2.0


@executors
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_full_batch_method_minimises_an_objective(executor, dtype):
    rng = np.random.default_rng(0)
    x, true = rng.normal(size=(40, 3)), np.array([[1.0], [-2.0], [0.5]])
    task = Task(Linear(1), MeanSquaredError(), SGD(), dtype)
    rows = Examples(x.astype(dtype), (x @ true + 0.25).astype(dtype))
    made = objective(task, *rows.specs(40))
    function = FullBatch(made, rows._asdict(), executor)
    start = function.vector(draw(made.needs, np.random.default_rng(1)))
    points = []
    for point in Descent().minimize(function, start):
        points.append(point)
        if point.slope < 1e-3 or len(points) == 500:
            break
    weights = function.weights(points[-1].weights)
    np.testing.assert_allclose(weights["W"], true, atol=1e-2)
    np.testing.assert_allclose(weights["b"], 0.25, atol=1e-2)
    losses = [p.loss for p in points]
    assert losses == sorted(losses, reverse=True)
    assert function.evaluations > len(points)


def test_the_gradient_of_a_full_batch_is_that_of_numpy():
    x, y = ROWS["x"], ROWS["y"]
    circuit = pb.circuit(lambda w, x, y: pb.mean((w * x - y) ** 2)).circuit(0.0, x, y)
    loss, grad = FullBatch(Objective(circuit, ("w",), ("x", "y")), ROWS)(np.array([1.5]))
    assert loss == pytest.approx(np.mean((1.5 * x - y) ** 2), rel=1e-14)
    assert grad.tolist() == [pytest.approx(np.mean(2 * (1.5 * x - y) * x), rel=1e-14)]


def test_what_carries_state_is_no_function_to_minimise():
    circuit = pb.circuit(lambda w, s: (w * s, s + 1.0)).circuit()
    made = Objective(circuit, ("w",), (), {"s": "next"}, ("loss", "next"))
    with pytest.raises(CircuitError, match="but s is carried"):
        FullBatch(made, {})
