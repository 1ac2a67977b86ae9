"""Whole numbers are not pulled, however one asks: None among all pulls, refused when asked for by name."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError, DtypeError
from pullback.train import SGD, Plan

W = np.array([0.5, 1.0])
WHOLE = {
    "int64": np.array([[1, 2], [3, 4]]),
    "int32": np.array([[1, 2], [3, 4]], np.int32),
    "uint8": np.array([[1, 2], [3, 4]], np.uint8),
    "bool": np.array([[True, False], [True, True]]),
}
every_kind = pytest.mark.parametrize("X", [*WHOLE.values()], ids=[*WHOLE])


@pb.circuit
def f(X, w):
    return pb.sum(pb.cast(X, dtype="float64") @ w)


@pb.circuit
def scores(X, w, labels):
    return pb.sum(pb.pick(X * w, labels))


ONES = np.ones((2, 2))
BY_NAME = {
    "grad": lambda X: pb.grad(f)(X, W),
    "grad of two": lambda X: pb.grad(f, wrt=("X", "w"))(X, W),
    "value_and_grad": lambda X: pb.value_and_grad(f, wrt="X")(X, W),
    "jacobian": lambda X: pb.jacobian(f)(X, W),
    "hessian": lambda X: pb.hessian(f, wrt="X")(X, W),
    "jvp": lambda X: pb.jvp(f, (X, W), (ONES, W)),
    "hvp": lambda X: pb.hvp(f, (X, W), (ONES, W)),
    "grad of grad": lambda X: pb.grad(lambda X, w: pb.grad(f, wrt="w")(X, w).sum())(X, W),
    "grad inside": lambda X: pb.circuit(lambda X, w: pb.sum(pb.grad(f)(X, w)))(X, W),
}
AMONG_ALL = {
    "grad": lambda X: f.grad(X, W)["X"],
    "value_and_grad": lambda X: f.value_and_grad(X, W)[1]["X"],
    "run().grads": lambda X: f.run(X, W).grads["X"],
    "run()[...].grad": lambda X: f.run(X, W)["X"].grad,
    "vjp": lambda X: pb.vjp(f, X, W)[1](1.0)[0],
    "hvp": lambda X: pb.hvp(f, (X, W), (None, W))[0],
    "Unit": lambda X: unit_grad(X),
}


def unit_grad(X):
    unit = pb.Unit(X)
    pb.sum(unit * 0.5).backward()
    return unit.grad


@every_kind
@pytest.mark.parametrize("ask", [*BY_NAME.values()], ids=[*BY_NAME])
def test_a_pull_that_is_asked_for_by_name_is_refused(ask, X):
    with pytest.raises(DtypeError, match=r"'X' holds (whole numbers|yes or no)") as refused:
        ask(X)
    assert "X.astype(float)" in str(refused.value)


@every_kind
@pytest.mark.parametrize("ask", [*AMONG_ALL.values()], ids=[*AMONG_ALL])
def test_among_all_pulls_it_is_none(ask, X):
    assert ask(X) is None


@every_kind
def test_what_the_other_inputs_are_pulled_with_does_not_change(X):
    real = X.astype(float)
    assert f.grad(X, W)["w"].tolist() == real.sum(axis=0).tolist()
    assert pb.grad(f, wrt="w")(X, W).tolist() == real.sum(axis=0).tolist()
    assert pb.jvp(f, (X, W), (None, W))[1] == f(X, W)
    assert pb.jvp(f, (X, W), (0.0 * ONES, W))[1] == f(X, W)


def test_what_the_fix_says_gives_the_right_pull():
    X = WHOLE["int64"].astype(float)
    assert f.grad(X, W)["X"].tolist() == pb.grad(f)(X, W).tolist() == [[0.5, 1.0], [0.5, 1.0]]


@pytest.mark.parametrize("labels", [np.array([0, 1]), np.array([1, 1])])
def test_labels_and_indices_are_no_reason_to_refuse(labels):
    grads = scores.grad(ONES, W, labels)
    assert grads["labels"] is None
    assert grads["X"].tolist() == np.where(np.eye(2)[labels] == 1, W, 0.0).tolist()
    assert pb.grad(scores)(ONES, W, labels).tolist() == grads["X"].tolist()


@pytest.mark.parametrize("ask", [lambda x: pb.grad(lambda x: x * x)(x), lambda x: unit_square(x)])
def test_a_whole_number_that_a_person_types_is_a_real_number(ask):
    assert ask(3) == 6.0


@pytest.mark.parametrize(
    "ask", [lambda x: pb.grad(lambda x: pb.sum(x * x))(x), lambda x: unit_square(x)]
)
def test_so_is_a_list_of_them(ask):
    assert np.asarray(ask([1, 2])).tolist() == [2.0, 4.0]


def unit_square(x):
    unit = pb.Unit(x)
    pb.sum(unit * unit).backward()
    return unit.grad


def test_explain_says_that_whole_numbers_are_why():
    said = repr(f.explain("X", WHOLE["int64"], W))
    assert "it holds whole numbers (int64), and only real numbers are pulled" in said
    assert "X.astype(float)" in said
    assert "no path" not in said


def test_an_output_of_whole_numbers_cannot_be_pulled():
    unit = pb.Unit(np.array([1, 2]))
    with pytest.raises(CircuitError, match="carries int64; only real numbers are pulled"):
        pb.sum(unit * unit).backward()
    with pytest.raises(CircuitError, match="carries int64; only real numbers are pulled"):
        pb.circuit(lambda x: pb.sum(x * x)).grad(np.array([1, 2]))


def test_a_weight_of_whole_numbers_cannot_learn_and_data_of_them_can_be_learned_from():
    loss = pb.circuit("loss = (w*x - y) ** 2", parameters="w")
    data = {"x": np.array([1, 2]), "y": np.array([2, 4])}
    plan = {"plan": Plan(batch_size=1, max_epochs=30), "optimizer": SGD(0.1)}
    assert loss.fit({"w": 0, **data}, **plan)["w"] == pytest.approx(2.0)
    with pytest.raises(CircuitError, match="weight 'w' is int64"):
        loss.fit({"w": np.int64(0), **data}, **plan)
