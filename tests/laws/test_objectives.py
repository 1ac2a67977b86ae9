"""What every objective promises: names for what is carried, equal executors, going on from any step."""

from types import SimpleNamespace

import numpy as np
import pytest
from laws.made_for_tests import GOLDEN, BatchNorm, Dropout, Embedding, SharedAdam

from pullback.core.dtypes import INT64
from pullback.core.shapes import Spec
from pullback.loop.loop import Data, How, Loop
from pullback.nn import CrossEntropy, Linear, MeanSquaredError, ReLU, Sequential
from pullback.nn.context import draw
from pullback.train import (
    SGD,
    Examples,
    Plan,
    Task,
    Training,
    evaluation,
    objective,
    training_step,
)  # fmt: skip
from pullback.train.monitor import Monitors

NETS = {
    "dense": Sequential(Linear(5), ReLU(), Linear(3)),
    "embedding": Sequential(Embedding(), Linear(3)),
    "batch norm": Sequential(Linear(5, bias=False), BatchNorm(), ReLU(), Linear(3)),
    "dropout": Sequential(Dropout(), Linear(5), Dropout(0.5), Linear(3)),
    "all": Sequential(Embedding(), BatchNorm(), Dropout(), Linear(3)),
}
OPTIMIZERS = [SGD(0.1, momentum=0.9), SharedAdam(0.01)]
ROWS, BATCH = 22, 4  # the last batch of an epoch has two rows
PLAN = Plan(BATCH, max_epochs=3, seed=2)

every_net = pytest.mark.parametrize("net", NETS)
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
# All together says most; the full grid is asked with -m slow.
QUICK = [("all", 0), ("all", 1), ("batch norm", 1), ("dropout", 0)]
GRID = [
    pytest.param(
        net, optimizer, marks=[] if (net, n) in QUICK else pytest.mark.slow, id=f"{net} {n}"
    )
    for net in NETS
    for n, optimizer in enumerate(OPTIMIZERS)
]
grid = pytest.mark.parametrize(("net", "optimizer"), GRID)
every_executor = pytest.mark.parametrize("executor", ["reference", "native"])


def task_of(net, optimizer, dtype="float64"):
    return Task(NETS[net], CrossEntropy(), optimizer, dtype)


def examples(net):
    generator = np.random.default_rng(0)
    tokens = isinstance(NETS[net].layers[0], Embedding)
    x = generator.integers(0, 9, (ROWS, 3)) if tokens else generator.normal(size=(ROWS, 6))
    return Examples(x, generator.integers(0, 3, ROWS))


def loop_of(net, optimizer, executor, start=None):
    task, rows = task_of(net, optimizer), examples(net)
    start = start or draw(objective(task, *rows.specs(1)).needs, PLAN.generator(0))
    made = lambda size: training_step(task, *rows.specs(size))  # noqa: E731
    return Loop(made, Data(rows._asdict(), {}), PLAN, start, How(executor))


def trained(net, optimizer, executor, state=None):
    training = Training(
        task_of(net, optimizer), PLAN, examples(net), examples(net), state, executor
    )
    training.run()
    return training


@every_net
@every_optimizer
def test_all_that_is_carried_has_a_name_a_role_and_a_next(net, optimizer):
    step = training_step(task_of(net, optimizer), *examples(net).specs(BATCH))
    roles = dict(zip(step.circuit.input_names, step.circuit.roles, strict=True))
    kinds = {name: roles[name] for name in step.carried}
    assert set(kinds.values()) <= {"parameter", "state"}
    assert {n for n, kind in kinds.items() if kind == "parameter"} == {*step.objective.learned}
    assert list(step.carried.values()) == [f"{name}_next" for name in step.carried]
    assert len({*step.outputs}) == len(step.outputs) == len(step.circuit.outputs)
    assert step.columns == ("x", "target")
    assert step.fixed == ("learning_rate",)


@grid
def test_both_executors_come_to_the_same(net, optimizer):
    one, two = (trained(net, optimizer, executor) for executor in ("reference", "native"))
    assert [*one.now.carried] == [*two.now.carried]
    for name, value in one.now.carried.items():
        np.testing.assert_allclose(value, two.now.carried[name], 1e-8, 1e-10, err_msg=name)
    assert one.now.best_epoch == two.now.best_epoch


@grid
@every_executor
@pytest.mark.parametrize("made", [1, 6])
def test_resumed_after_any_step_it_goes_on_bit_for_bit(net, optimizer, executor, made):
    whole, first = (loop_of(net, optimizer, executor) for _ in range(2))
    order = PLAN.order(1, ROWS)
    for start in range(0, made * BATCH, BATCH):
        some = order[start : start + BATCH]
        first._portion(len(some), some)
    kept = first.now.copy()
    first._portion(BATCH, order[:BATCH])  # what is kept is a copy
    second = loop_of(net, optimizer, executor, kept)
    assert (kept.step, second.now.step) == (made, made)
    for loop in (whole, second):
        loop.epoch()
        loop.finish()
        loop.epoch()
    assert second.now.sums == whole.now.sums
    assert bits(second.now) == bits(whole.now)


def bits(state):
    return {name: np.asarray(value).tobytes() for name, value in state.carried.items()}


@every_executor
def test_running_statistics_by_hand(executor):
    loop = loop_of("batch norm", SGD(1e-30), executor)
    W = loop.now.carried["layer1_W"].copy()
    mean, spread = np.zeros(5), np.ones(5)
    order, x = PLAN.order(1, ROWS), examples("batch norm").x
    loop.epoch()
    for start in range(0, ROWS, BATCH):
        y = x[order[start : start + BATCH]] @ W
        mean, spread = 0.9 * mean + 0.1 * y.mean(axis=0), 0.9 * spread + 0.1 * y.var(axis=0)
    np.testing.assert_allclose(loop.now.carried["layer2_mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(loop.now.carried["layer2_spread"], spread, rtol=1e-12)


@every_executor
def test_a_dropout_by_hand(executor):
    loop = loop_of("dropout", SGD(1e-30), executor)
    x, target = examples("dropout")
    rows = PLAN.order(1, ROWS)[:BATCH]
    W, b, V, c = (loop.now.carried[n] for n in loop.step.objective.learned)
    keep = [turns(np.arange(BATCH * n), stream) >= p for n, stream, p in ((6, 1, 0.3), (5, 2, 0.5))]
    h = (x[rows] * keep[0].reshape(BATCH, 6) / 0.7) @ W + b
    scores = (h * keep[1].reshape(BATCH, 5) / 0.5) @ V + c
    losses = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(BATCH), target[rows]]
    loop._portion(BATCH, rows)
    assert loop.now.sums["loss"] == pytest.approx(losses.sum(), rel=1e-12)
    assert int(loop.now.carried["counter"]) == 1


def turns(places, stream, counter=0):
    """Where a Weyl sequence stands, as the gate of these tests has it."""
    turned = (places + 7919.0 * stream + 1009.0 * counter) * GOLDEN
    return turned - np.floor(turned)


@every_executor
def test_adam_by_hand(executor):
    """Two steps of one weight on which the loss pulls with 1: each moves it by the learning rate."""
    optimizer = SharedAdam(0.25)
    task = Task(Linear(1, bias=False), MeanSquaredError(), optimizer, "float64")
    # (W 1 - 0)^2 with W = 0.5 pulls with 2 W; Adam's first step does not depend on how hard
    rows = Examples(np.ones((1, 1)), np.zeros((1, 1)))
    training = Training(task, Plan(1, max_epochs=1), rows, executor=executor)
    before = training.now.carried["W"].item()
    training.run()
    assert abs(training.now.carried["W"].item() - before) == pytest.approx(0.25, rel=1e-6)
    assert training.now.carried["count"] == 1


@every_net
def test_predicting_draws_nothing_and_changes_nothing(net):
    task, rows = task_of(net, SGD()), examples(net)
    made = evaluation(task, *rows.specs(BATCH))
    assert made.carried == {}
    assert "counter" not in made.circuit.input_names


def test_terms_are_shown_beside_the_loss_and_add_up():
    training = trained("embedding", SGD(0.1), "native")
    diary = []
    Training(training.task, PLAN, training.train, executor="native").run(
        Monitors((SimpleNamespace(epoch=diary.append),))
    )
    for record in diary:
        assert [*record.terms] == ["fit", "layer1_size"]
        assert sum(record.terms.values()) == pytest.approx(record.loss, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_is_the_tasks_whatever_the_rows_hold(dtype):
    task = task_of("embedding", SGD(), dtype)
    tokens, labels = Spec((4, 3), INT64), Spec((4,), INT64)
    step = training_step(task, tokens, labels)
    reals = {step.circuit.spec_of(w).dtype.name for w in step.circuit.inputs}
    assert reals == {dtype, "int64"}
    dense = task_of("dense", SGD(), dtype)
    for given in ("float32", "float64"):
        circuit = training_step(dense, Spec((4, 6), np.dtype(given)), labels).circuit
        assert circuit.spec_of(circuit.outputs[0]).dtype == dtype
