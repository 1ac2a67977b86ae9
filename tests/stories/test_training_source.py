"""A training as one NumPy program: it needs nothing of ours and gives the engine's losses and weights."""

import ast
from dataclasses import dataclass

import numpy as np
import pytest

import pullback as pb
from pullback.data.digits import digits
from pullback.data.seed import seed_code
from pullback.errors import CircuitError, FaceError, OptionError, PullbackError, ShapeError
from pullback.guide.learners import START, STEP, flat
from pullback.nn import CrossEntropy, Linear, ReLU, Sequential
from pullback.nn.init import he, lecun, xavier
from pullback.train import SGD, Clipped, Optimizer, Plan
from pullback.train.step import Task
from pullback.train.trainer import Examples, Training

CLOSE = 1e-12
LINE = pb.circuit("loss = mean((w*x - y) ** 2)", parameters="w")
DATA = {"x": [1.0, 2.0, -1.0], "y": [3.0, 1.0, 0.5]}


@pb.circuit(parameters="W1 b1 W2 b2")
def loss(x, label, W1, b1, W2, b2):
    hidden = pb.relu(x @ W1 + b1)
    scores = hidden @ W2 + b2
    return pb.mean(pb.logsumexp(scores, axis=-1) - pb.pick(scores, label))


@pb.circuit(parameters="a b c", frozen="spring")
def svm(x, y, label, spring, a, b, c):
    score = a * x + b * y + c
    hinge = pb.mean(pb.relu(1.0 - label * score))
    return hinge + 0.5 * spring * (a * a + b * b)


def trained(source, *data, **options):
    """What the program's `train` gives, run with nothing but itself."""
    space = {}
    exec(source, space)  # noqa: S102 - our own source
    return space[source.function](*data, **options)


def two_layers(x, plan, optimizer):
    sizes = ((64, 32), (32,), (32, 10), (10,))
    weights = dict(
        zip(("W1", "b1", "W2", "b2"), (np.zeros(s, x.dtype) for s in sizes), strict=True)
    )
    values = {"x": x, "label": digits().y, **weights}
    init = {"W1": "he", "W2": "he"}
    return loss.training_source("numpy", values, plan=plan, optimizer=optimizer, init=init)


class Losses:
    def __init__(self):
        self.each = []

    def epoch(self, record):
        self.each.append(record.loss)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "optimizer", [SGD(0.1, 0.9), SGD(0.05, 0.8, nesterov=True, weight_decay=1e-3)]
)
def test_a_softmax_net_on_the_digits_learns_as_with_the_engine(dtype, optimizer):
    x, plan, losses = (digits().X / 16).astype(dtype), Plan(50, max_epochs=2, seed=7), Losses()
    engine = Training(
        Task(
            Sequential(Linear(32), ReLU(), Linear(10)),
            CrossEntropy(),
            optimizer,
            np.dtype(dtype).name,
        ),
        plan,
        Examples(x, digits().y),
    )
    engine.run(losses)
    weights, found = trained(two_layers(x, plan, optimizer), x, digits().y)
    assert found == pytest.approx(losses.each, rel=CLOSE if dtype is np.float64 else 1e-6)
    for own, theirs in zip(weights.values(), engine.weights.values(), strict=True):
        np.testing.assert_allclose(own, theirs, 1e-9 if dtype is np.float64 else 1e-3, 1e-6)


def test_the_guides_svm_learns_as_flat_code_to_the_bit():
    data, plan = seed_code(), Plan(batch_size=1, max_epochs=70, seed=5)
    rows = {"x": data.X[:, 0], "y": data.X[:, 1], "label": data.y.astype(float)}
    values = {**rows, "spring": 1.0, **START}
    source = svm.training_source("numpy", values, plan=plan, optimizer=SGD(STEP))
    weights, _ = trained(source, *rows.values(), 1.0)
    order = np.concatenate([plan.order(epoch, 6) for epoch in range(1, 71)])
    assert weights == flat(data, order)


def test_one_step_by_hand():
    source = LINE.training_source(
        "numpy", w=1.0, x=[1.0], y=[3.0], plan=Plan(1, 1), optimizer=SGD(0.1)
    )
    assert trained(source, np.array([1.0]), np.array([3.0])) == ({"w": 1.4}, [4.0])


def test_the_epochs_and_the_seed_may_be_chosen_again():
    source = LINE.training_source("numpy", {**DATA, "w": 0.0}, plan=Plan(2, 9), optimizer=SGD(0.1))
    data = [np.array(column) for column in DATA.values()]
    first, other = (trained(source, *data, epochs=3, seed=s)[1] for s in (0, 3))
    assert len(first) == 3
    assert first != other


@pb.circuit(parameters="W")
def plane(x, y, W):
    return pb.mean((x @ W - y) ** 2)


@pytest.mark.parametrize("rows", [1, 2, 7, 12])
def test_the_program_takes_any_number_of_rows(rows):
    rng = np.random.default_rng(0)
    x, y, weight = rng.normal(size=(12, 3)), rng.normal(size=(12, 2)), rng.normal(size=(3, 2))
    asked = {"plan": Plan(4, 3), "optimizer": SGD(0.1)}
    of_all = plane.training_source("numpy", x, y, weight, **asked)
    of_these = plane.training_source("numpy", x[:rows], y[:rows], weight, **asked)
    wanted = trained(of_these, x[:rows], y[:rows])[1]
    assert trained(of_all, x[:rows], y[:rows])[1] == pytest.approx(wanted, rel=CLOSE)


@pytest.mark.parametrize("init", [he, lecun, xavier], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(4, 3), (5,), (2, 4, 3)], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_weights_are_drawn_as_the_engine_draws_them(init, shape, dtype):
    f = pb.circuit("mean(W*W) * mean(x)", parameters="W")
    values = {"W": np.zeros(shape, dtype), "x": np.ones(2, dtype)}
    asked = {"plan": Plan(2, 0, seed=3), "optimizer": SGD(), "init": {"W": init.__name__}}
    weights, _ = trained(f.training_source("numpy", values, **asked), values["x"])
    wanted = init(np.random.Generator(np.random.PCG64([3, 0])), shape, np.dtype(dtype))
    np.testing.assert_array_equal(weights["W"], wanted)
    assert weights["W"].dtype == dtype


def test_the_program_imports_numpy_and_nothing_else():
    source = two_layers(digits().X / 16, Plan(), SGD())
    imports = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n) for n in imports] == ["import numpy as np"]


def test_the_loop_reads_as_a_person_would_write_it():
    source = LINE.training_source(
        "numpy", {**DATA, "w": 0.5}, plan=Plan(3, 2), optimizer=SGD(0.1, 0.9)
    )
    assert source[source.index("def update") :] == LOOP


LOOP = """\
def update(weight, grad, velocity):
    velocity_next = 0.9 * velocity + grad
    step = 0.1 * velocity_next
    weight_next = weight - step
    return (weight_next, velocity_next)


def start():
    w = 0.5
    return w


def batches(count, epoch, seed):
    generator = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = np.argsort(generator.random(count), kind='stable')
    return [order[i : i + 3] for i in range(0, count, 3)]


def train(x, y, epochs=2, seed=0):
    w = start()
    w_velocity = np.zeros_like(w)
    losses = []
    count = len(x)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for rows in batches(count, epoch, seed):
            loss, pulls = loss_backward(w, x[rows], y[rows])
            w, w_velocity = update(w, pulls['w'], w_velocity)
            total += float(loss) * len(rows)
        losses.append(total / count)
    return {'w': w}, losses
"""


@pytest.mark.parametrize(
    ("weight", "data"),
    [
        *[("rows", "batches"), ("start", "seed"), ("epochs", "losses"), ("update", "train")],
        *[
            ("np", "sum"),
            ("total", "pulls"),
            ("generator", "count"),
            ("seed", "np"),
            ("w", "w_velocity"),
        ],
    ],
)
def test_wires_may_be_called_as_the_program_calls_its_own(weight, data):
    f = pb.circuit(f"loss = mean(({weight} * {data} - 1) ** 2)", parameters=weight)
    asked = {"plan": Plan(2, 4), "optimizer": SGD(0.1, 0.5)}
    values = {weight: 0.5, data: np.array(DATA["x"])}
    found = trained(f.training_source("numpy", values, **asked, init={weight: "he"}), values[data])[
        1
    ]
    plain = pb.circuit("loss = mean((w*x - 1) ** 2)", parameters="w")
    same = plain.training_source("numpy", w=0.5, x=values[data], **asked, init={"w": "he"})
    assert found == trained(same, values[data])[1]


def test_every_weight_has_its_lines():
    source = two_layers(digits().X / 16, Plan(), SGD())
    lines = source.splitlines()
    about = [lines[n - 1].split(" = ")[0].strip() for n in source.lines[3]]
    assert {"b1", "b1_velocity", "b1, b1_velocity"} <= set(about)


@dataclass(frozen=True)
class TwoMemories(Optimizer):
    """An optimizer of one's own."""

    def start(self, weight):
        return {"mean": np.zeros_like(weight), "size": np.ones_like(weight)}

    def update(self, weight, grad, state):
        mean = 0.9 * state["mean"] + 0.1 * grad
        size = 0.99 * state["size"] + 0.01 * grad * grad
        return weight - 0.1 * mean / pb.sqrt(size), {"mean": mean, "size": size}


def test_any_optimizer_that_is_written_in_operators_is_printed():
    source = LINE.training_source(
        "numpy", {**DATA, "w": 0.5}, plan=Plan(2), optimizer=TwoMemories()
    )
    assert "w_size = np.full_like(w, 1.0)" in source
    assert "w, w_mean, w_size = update(w, pulls['w'], w_mean, w_size)" in source
    assert source.verified


# --- trust ---


def test_a_program_that_would_learn_otherwise_than_the_engine_is_not_handed_out():
    with pytest.raises(PullbackError, match="of loss has the losses .*, the engine"):
        LINE.training_source("numpy", {**DATA, "w": 1.0}, plan=Plan(1), optimizer=TwoMinded())


@dataclass(frozen=True)
class TwoMinded(Optimizer):
    """An optimizer that behaves otherwise on wires than on numbers."""

    def start(self, weight):
        return {}

    def update(self, weight, grad, state):
        return weight - (0.1 if hasattr(weight, "builder") else 0.2) * grad, state


# --- refusals ---

ASKED = {"plan": Plan(2), "optimizer": SGD()}


DEAF = pb.circuit(lambda w, x: pb.mean(x), parameters="w", name="f")
COUNTING = pb.circuit(lambda w, x: pb.mean(w * x) / (x.shape[0] + 1), parameters="w", name="f")
MANY = {"w": np.linspace(0, 1, 2000), "x": np.ones((3, 2000)), "y": np.ones((3, 1))}


@pytest.mark.parametrize(
    ("f", "values", "error", "says"),
    [
        (pb.circuit("mean(w*x)"), {"w": 1.0, "x": [1.0]}, CircuitError, "has no parameters"),
        (LINE, {"w": 1.0, "x": 2.0, "y": 3.0}, CircuitError, "loss is given no rows"),
        (LINE, {"w": 1.0, "x": [1.0], "y": [2.0, 3.0]}, ShapeError, "number of rows: 'x' 1, 'y' 2"),
        (LINE, {"w": np.arange(2), "x": [1.0, 2.0], "y": [2.0, 3.0]}, CircuitError, "'w' is int64"),
        (DEAF, {"w": 1.0, "x": [1.0]}, CircuitError, "does not depend on weight 'w'"),
        (LINE, MANY, FaceError, "weight 'w' starts at 2000 numbers"),
        (
            COUNTING,
            {"w": 1.0, "x": [1.0]},
            CircuitError,
            "f reads differently for 1009 rows and for 1013",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_by_name(f, values, error, says):
    with pytest.raises(error, match=says):
        f.training_source("numpy", values, **ASKED)


def test_an_optimizer_that_sees_all_weights_is_refused():
    with pytest.raises(OptionError, match="Clipped moves weights by what all of them do"):
        LINE.training_source("numpy", {**DATA, "w": 1.0}, plan=Plan(2), optimizer=Clipped(SGD()))


def test_a_number_that_looks_like_the_rows_is_not_taken_for_them():
    f = pb.circuit(lambda w, x: pb.mean((w * x - 1009.0) ** 2), parameters="w", name="f")
    source = f.training_source("numpy", {"w": 1.0, "x": [1.0, 2.0]}, **ASKED)
    assert "1009.0" in str(source)
    _, losses = trained(source, np.array([1.0, 2.0]))
    assert losses[0] == pytest.approx(((1 - 1009.0) ** 2 + (2 - 1009.0) ** 2) / 2, rel=1e-12)


def test_sizes_that_follow_the_rows_are_written_with_them():
    def loss(w, x):
        table = pb.reshape(x * w, shape=(2 * len(x), 3))
        return pb.mean(pb.sum(table, axis=1) ** 2)

    f, x = pb.circuit(loss, parameters="w", name="f"), np.arange(24.0).reshape(4, 6)
    source = f.training_source("numpy", {"w": 1.0, "x": x}, plan=Plan(4, 2), optimizer=SGD(1e-4))
    assert "n = len(x)" in str(source)
    assert "(2 * n)" in str(source)
    for rows in (1, 4):
        assert np.isfinite(trained(source, x[:rows])[1]).all()


def test_unknown_inits_and_languages_are_refused():
    with pytest.raises(OptionError, match="init of 'w' must be one of he, lecun"):
        LINE.training_source("numpy", {**DATA, "w": 1.0}, **ASKED, init={"w": "hee"})
    with pytest.raises(OptionError, match="lang='fortran'; a training is written in numpy"):
        LINE.training_source("fortran", {**DATA, "w": 1.0}, **ASKED)
