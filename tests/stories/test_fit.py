"""`f.fit`: a circuit of any kind learns, by either executor alike, and says when it cannot."""

import numpy as np
import pytest
from laws.alarm import Alarm, needs_alarm
from laws.asking import same_bits

import pullback as pb
from pullback.data.seed import seed_code
from pullback.errors import CircuitError, OptionError, RunError, ShapeError
from pullback.train import SGD, Plan

POINTS = seed_code()
SEEN = {"x": POINTS.X[:, 0], "y": POINTS.X[:, 1], "label": POINTS.y.astype(float)}
START = {"a": 1.0, "b": -2.0, "c": -1.0}
SVM = pb.circuit("loss = max(0, 1 - label*(a*x + b*y + c)) + 0.05*(a*a + b*b)", parameters="a b c")
executors = pytest.mark.parametrize("executor", ["reference", "native", "auto"])


def by_hand(rate, epochs, plan):
    """The same SVM in plain numbers, a row a step."""
    a, b, c = START.values()
    losses = []
    for epoch in range(1, epochs + 1):
        total = 0.0
        for row in plan.order(epoch, 6):
            x, y, label = (float(column[row]) for column in SEEN.values())
            margin = 1 - label * (a * x + b * y + c)
            total += max(0.0, margin) + 0.05 * (a * a + b * b)
            pull = label if margin > 0 else 0.0
            a, b, c = (
                a + rate * (pull * x - 0.1 * a),
                b + rate * (pull * y - 0.1 * b),
                c + rate * pull,
            )
        losses.append(total / 6)
    return [a, b, c], losses


@executors
def test_a_row_a_step_is_the_loop_that_one_writes_by_hand(executor):
    plan = Plan(batch_size=1, max_epochs=50, seed=4)
    fitted = SVM.fit(START | SEEN, plan=plan, optimizer=SGD(0.02), executor=executor)
    weights, losses = by_hand(0.02, 50, plan)
    assert list(fitted.values.values()) == pytest.approx(weights, rel=1e-12)
    assert fitted.losses == pytest.approx(losses, rel=1e-12)
    assert (fitted.steps, fitted.interrupted) == (300, False)


@pytest.mark.parametrize("batch", [1, 2, 4, 6, 100])
def test_executors_and_the_printed_program_agree(batch):
    plan, optimizer = Plan(batch_size=batch, max_epochs=8, seed=1), SGD(0.02, momentum=0.9)
    asked = {"plan": plan, "optimizer": optimizer}
    found = [SVM.fit(START | SEEN, **asked, executor=e) for e in ("reference", "native")]
    space = {}
    exec(SVM.training_source("numpy", START | SEEN, **asked), space)  # noqa: S102 - our own source
    weights, losses = space["train"](**SEEN)
    for fitted in found:
        assert fitted.losses == pytest.approx(losses, rel=1e-12)
        assert [fitted[n] for n in START] == pytest.approx(list(weights.values()), rel=1e-12)


@executors
def test_a_net_of_arrays_learns_what_no_line_can_part(executor):
    generator = np.random.default_rng(0)
    x = generator.choice([-1.0, 1.0], size=(64, 2))
    net = pb.circuit(
        lambda W, v, x, y: pb.mean((pb.tanh(x @ W) @ v - y) ** 2), parameters="W v", name="net"
    )
    W, v = generator.normal(size=(2, 8)), generator.normal(size=8)
    x = x + 0.5 * (x[:, :1] * x[:, 1:])  # not odd
    fitted = net.fit(
        W, v, x, x[:, 0] * x[:, 1], plan=Plan(16, 300), optimizer=SGD(0.1, 0.9), executor=executor
    )
    assert fitted.losses[-1] < 0.01 < 0.5 < fitted.losses[0]


def test_frozen_inputs_and_single_numbers_stay_and_may_be_called_anything():
    f = pb.circuit("loss = (w*x*gain - learning_rate) ** 2", parameters="w", frozen="gain")
    data = {"w": 0.0, "x": [1.0, 1.0], "gain": 2.0, "learning_rate": 6.0}
    fitted = f.fit(data, plan=Plan(batch_size=1, max_epochs=100), optimizer=SGD(0.05))
    assert fitted.values == {"w": pytest.approx(3.0)}


def test_no_epoch_moves_nothing():
    fitted = SVM.fit(START | SEEN, plan=Plan(max_epochs=0), optimizer=SGD(0.1))
    assert (fitted.values, fitted.losses, fitted.steps) == (START, [], 0)


@executors
@pytest.mark.parametrize("batch", [1, 4])
def test_a_step_too_long_names_the_wire_that_went_first(executor, batch):
    f = pb.circuit("far = w*x - y; loss = far * far", parameters="w")
    data = {"w": 1.0, "x": np.arange(1.0, 7.0), "y": np.zeros(6)}
    with pytest.raises(
        RunError, match=r"diverged in epoch \d+, step \d+: .*(far|loss|w_next).* is -?(inf|nan)"
    ):
        f.fit(data, plan=Plan(batch, 500), optimizer=SGD(1e3), executor=executor)


@needs_alarm
@executors
def test_ctrl_c_leaves_the_weights_of_a_full_step(executor):
    SVM.fit(START | SEEN, plan=Plan(1, 1), optimizer=SGD(0.01), executor=executor)
    with Alarm(200):
        fitted = SVM.fit(START | SEEN, plan=Plan(1, 10**7), optimizer=SGD(1e-9), executor=executor)
    assert fitted.interrupted
    assert 0 < fitted.steps < 6 * 10**7
    assert fitted["a"] != START["a"]


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"x": [1.0]}, ShapeError, "differ in their number of rows"),
        ({"x": 1.0, "y": 1.0, "label": 1.0}, CircuitError, "no rows to learn from"),
    ],
)
def test_data_that_do_not_fit_are_refused(changed, error, said):
    with pytest.raises(error, match=said):
        SVM.fit(START | SEEN | changed, plan=Plan(), optimizer=SGD())


def test_a_circuit_without_parameters_has_nothing_to_learn():
    with pytest.raises(CircuitError, match="nothing would learn"):
        pb.circuit("w * x").fit([1.0], [2.0], plan=Plan(), optimizer=SGD())


def test_threads_share_a_long_step_and_change_no_bit():
    rng = np.random.default_rng(0)
    f = pb.circuit(lambda x, t, W: ((pb.tanh(x @ W) - t) ** 2).mean(), parameters="W")
    data = {
        "x": rng.normal(size=(256, 64)),
        "t": rng.normal(size=(256, 128)),
        "W": np.zeros((64, 128)),
    }
    plan = Plan(batch_size=128, max_epochs=3)
    alone, shared = (f.fit(data, plan=plan, optimizer=SGD(0.1), threads=n) for n in (1, 3))
    assert same_bits(alone["W"], shared["W"])
    assert alone.losses[-1] < alone.losses[0]


def test_what_is_no_number_of_threads_is_refused():
    with pytest.raises(OptionError, match="threads must be a whole number from 1 on, got 0"):
        SVM.fit(START | SEEN, plan=Plan(), optimizer=SGD(), threads=0)


@executors
@pytest.mark.parametrize(("size", "bad"), [(1, np.nan), (2, np.nan), (4, np.inf), (100, -np.inf)])
def test_a_number_that_is_not_finite_is_found_in_the_data(executor, size, bad):
    f = pb.circuit("loss = (w*x + b - y) ** 2", parameters="w b")
    data = {"w": 0.0, "b": 0.0, "x": np.arange(6.0), "y": np.arange(6.0)}
    data["y"][4] = bad
    with pytest.raises(RunError) as caught:
        f.fit(data, plan=Plan(size, 50), optimizer=SGD(0.01), executor=executor)
    assert f"'y' is {bad} at row 4" in caught.value.what
    assert caught.value.fix == "leave that row out"
    assert "learning_rate" not in str(caught.value)


@executors
def test_a_number_that_is_not_finite_is_found_in_an_array_of_the_data(executor):
    net = pb.circuit(lambda W, x, y: pb.mean((pb.tanh(x @ W) - y) ** 2), parameters="W")
    x = np.ones((10, 3))
    x[7, 2] = np.inf  # tanh hides it from the loss; the weights it makes nan do not
    with pytest.raises(RunError, match="'x' is inf at row 7, column 2"):
        net.fit(np.ones(3), x, np.zeros(10), plan=Plan(4, 5), optimizer=SGD(0.1), executor=executor)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"w": np.nan}, "'w' starts as nan"),
        ({"gain": np.inf}, "'gain' is inf"),
        ({"gain": np.array([1.0, np.nan])}, r"'gain' is nan at index \(1,\)"),
        ({"w": np.array([np.nan, 1.0])}, r"'w' starts as nan at index \(0,\)"),
    ],
)
def test_a_number_that_is_not_finite_is_found_in_what_stays_and_in_what_starts(changed, said):
    f = pb.circuit(lambda w, x, gain: pb.sum(w * gain) * x * x, parameters="w", frozen="gain")
    data = {"w": 1.0, "x": np.ones(4), "gain": 2.0} | changed
    with pytest.raises(RunError, match=said):
        f.fit(data, plan=Plan(2, 5), optimizer=SGD(0.01))


def test_a_step_too_long_is_not_blamed_on_a_row_that_no_step_has_met():
    f = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
    plan = Plan(1, 1)
    y = np.zeros(200)
    y[plan.order(1, 200)[-1]] = np.nan
    with pytest.raises(RunError, match="learning_rate is 1e"):
        f.fit({"w": 1.0, "x": np.ones(200), "y": y}, plan=plan, optimizer=SGD(1e9))


@executors
@pytest.mark.parametrize("batch", [1, 4, 6])
def test_a_loss_that_has_grown_is_said(executor, batch):
    asked = {"plan": Plan(batch, 3), "optimizer": SGD(1e3), "executor": executor}
    with pytest.warns(RuntimeWarning, match=r"the loss grew from .* to .*; learning_rate is 1000"):
        fitted = SVM.fit(START | SEEN, **asked)
    before, after = fitted.grew
    margins = [1 - z * (1.0 * x - 2.0 * y - 1.0) for x, y, z in zip(*SEEN.values(), strict=True)]
    some = margins[: 6 // batch * batch]
    assert before == pytest.approx(np.maximum(some, 0).mean() + 0.25, rel=1e-12)
    assert after > 1e6
    assert "grown from" in repr(fitted)


@executors
def test_a_loss_that_has_not_grown_is_not_said(executor):
    start = {"a": 0.0, "b": 0.0, "c": 0.0}  # warnings are errors here
    fitted = SVM.fit(start | SEEN, plan=Plan(1, 30), optimizer=SGD(0.01), executor=executor)
    assert fitted.grew is None
    still = SVM.fit(start | SEEN, plan=Plan(1, 3), optimizer=SGD(1e-300), executor=executor)
    assert still.grew is None


def test_a_fit_has_defaults():
    f = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
    x = np.linspace(0.0, 1.0, 64)
    data = {"w": 0.0, "x": x, "y": 2 * x}
    assert f.fit(data)["w"] == f.fit(data, plan=Plan(), optimizer=SGD())["w"]
    assert 1.0 < f.fit(data)["w"] < 2.0
