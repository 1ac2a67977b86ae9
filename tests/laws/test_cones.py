"""The cone of a nudge gives what running the whole net again gives, for every number of every weight."""

import numpy as np
import pytest

import pullback as pb
from pullback.core.dtypes import FLOAT64, INT64
from pullback.core.gate import GATES
from pullback.core.shapes import Spec
from pullback.executors import compile
from pullback.lens.cone import cone
from pullback.lens.cones import Cones
from pullback.lens.gradcheck import WRONG
from pullback.nn import CrossEntropy, Linear, MeanSquaredError, ReLU, Sequential, Sigmoid, Tanh
from pullback.train import SGD, Task, objective

ROWS, STEP = 5, 1e-4
CLOSE = 1e-10  # rounding of the loss, divided by the step: 1e-16 / 1e-4, and a hundred of those


def of_net(*layers, loss=None, inputs=4):
    """A net's loss as a circuit, and numbers for it; its weights are inputs 2, 3, ..."""
    labelled = loss is None
    target = Spec((ROWS,), INT64) if labelled else Spec((ROWS, 3), FLOAT64)
    task = Task(Sequential(*layers), loss or CrossEntropy(), SGD(), "float64")
    circuit = objective(task, Spec((ROWS, inputs), FLOAT64), target).circuit
    rng = np.random.default_rng(0)
    shapes = [circuit.spec_of(w).shape for w in circuit.inputs]
    values = [rng.normal(size=s) for s in shapes]
    values[1] = rng.integers(0, 3, ROWS) if labelled else values[1]
    return circuit, values


def of_function(function, *shapes):
    values = [np.random.default_rng(1).normal(size=s) for s in shapes]
    return pb.circuit(function, name="f").circuit(*values), values


NETS = {
    "softmax alone": of_net(Linear(3)),
    "relu": of_net(Linear(6), ReLU(), Linear(3)),
    "tanh": of_net(Linear(6), Tanh(), Linear(3), loss=MeanSquaredError()),
    "three layers": of_net(Linear(6), Sigmoid(), Linear(5), ReLU(), Linear(3)),
    "no bias": of_net(Linear(6, bias=False), ReLU(), Linear(3, bias=False)),
    "a layer between": of_function(
        lambda x, t, W, V: pb.sum(pb.softmax((x @ W) * 2.0 + t, axis=-1) @ V) / 3.0,
        (ROWS, 4), (ROWS, 3), (4, 3), (3, 2),
    ),
    "a change that spreads": of_function(
        lambda x, t, W, V: pb.sum(pb.tanh(t - ((x @ W) @ V - t) / 2.0)), (ROWS, 4), (ROWS, 2), (4, 3), (3, 2)
    ),
    "largest of a row": of_function(
        lambda x, t, W: pb.mean(pb.max(pb.tanh(x @ W) - t, axis=1)), (ROWS, 4), (ROWS, 3), (4, 3)
    ),
    "a sum of all": of_function(
        lambda x, t, W: pb.exp(pb.sum(pb.absolute(x @ W)) / 50.0), (ROWS, 4), (1,), (4, 3)
    ),
}  # fmt: skip
every_net = pytest.mark.parametrize("net", NETS.values(), ids=NETS)


def by_running_again(circuit, values, position):
    """Every number of an input moved up and down, the whole circuit run each time."""
    program = compile(circuit, executor="reference")

    def work(at, move):
        moved = [np.array(v, float) if i == position else v for i, v in enumerate(values)]
        moved[position][at] += move
        return program.run(moved)[0]

    slopes = np.empty(np.shape(values[position]))
    for at in np.ndindex(slopes.shape):
        slopes[at] = (work(at, STEP) - work(at, -STEP)) / (2 * STEP)
    return slopes


@every_net
@pytest.mark.parametrize("executor", ["native", "reference"])
def test_a_cone_gives_the_slopes_of_the_whole_net(net, executor):
    circuit, values = net
    cones = Cones(circuit, values, executor)
    found = [cones.slopes(i, STEP) for i in range(2, len(values))]
    wanted = [by_running_again(circuit, values, i) for i in range(2, len(values))]
    assert all(np.allclose(f, w, rtol=0, atol=CLOSE) for f, w in zip(found, wanted, strict=True))


@pytest.mark.parametrize("at_once", [1, 150, 10**9])
def test_nudges_in_portions_are_the_same_nudges(at_once, monkeypatch):
    monkeypatch.setattr("pullback.lens.cones.AT_ONCE", at_once)
    circuit, values = NETS["relu"]
    found = Cones(circuit, values, "reference").slopes(2, STEP)
    assert np.allclose(found, by_running_again(circuit, values, 2), rtol=0, atol=CLOSE)


def test_what_would_take_too_long_is_left_to_samples(monkeypatch):
    monkeypatch.setattr(
        "pullback.lens.cones.MOST", 20_000
    )  # numbers; W takes more, b, V and c fewer
    report = pb.circuit(net_of).gradcheck(**given())
    assert report.passed
    assert report.nudged == 20 + 20 * 3 + 3


OTHERS = {
    "used twice": of_function(
        lambda x, t, W: pb.sum(x @ W) + pb.sum(W * W), (ROWS, 4), (1,), (4, 3)
    ),
    "on the left": of_function(lambda x, t, W: pb.sum(W @ x), (4, 3), (1,), (2, 4)),
    "folded over rows": of_function(
        lambda x, t, W: pb.sum(pb.max(x @ W, axis=0)), (ROWS, 4), (1,), (4, 3)
    ),
    "turned": of_function(
        lambda x, t, W: pb.sum(pb.transpose(x @ W) * t), (ROWS, 4), (3, ROWS), (4, 3)
    ),
    "no number comes out": of_function(lambda x, t, W: x @ W, (ROWS, 4), (1,), (4, 3)),
    "not used": of_function(lambda x, t, W: pb.sum(x), (ROWS, 4), (1,), (4, 3)),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_where_no_rule_fits_there_is_no_cone(other):
    assert cone(other[0], 2, 8) is None


# --- gradcheck ---


def net_of(x, target, W, b, V, c):
    return CrossEntropy()(pb.relu(x @ W + b) @ V + c, target)


def given(rows=8):
    rng = np.random.default_rng(3)
    shapes = {"x": (rows, 6), "W": (6, 20), "b": 20, "V": (20, 3), "c": 3}
    drawn = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    return {**drawn, "target": rng.integers(0, 3, rows)}


def test_gradcheck_moves_every_weight_of_a_net():
    report = pb.circuit(net_of).gradcheck(**given())
    assert report.passed
    assert report.nudged == 6 * 20 + 20 + 20 * 3 + 3
    assert "all 203 numbers of weights were moved one by one" in repr(report)


def test_one_wrong_number_among_many_is_found(monkeypatch):
    wrong = pb.circuit(net_of)
    values = given()
    monkeypatch.setattr("pullback.lens.circuit_probe._Pulling._all", spoilt())
    report = wrong.gradcheck(**values)
    assert [f.where for f in report.findings if f.verdict == WRONG and "way" not in f.where] == [
        "W[3, 11]"
    ]


def spoilt():
    """The pulls, one of them off by a millionth."""
    from pullback.lens.circuit_probe import _Pulling

    right = _Pulling._all

    def wrong(self, run):
        found = right(self, run)
        found[1 + 2][3, 11] *= 1 + 1e-6
        return found

    return wrong


def test_every_gate_that_a_cone_knows_by_name_is_a_gate():
    from pullback.lens.cone import FOLDS, SPREADS

    assert {*FOLDS, *SPREADS, "matmul", "pick", "reshape", "add"} <= set(GATES)
