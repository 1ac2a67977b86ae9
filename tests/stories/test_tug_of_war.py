"""Tug-of-war: the pulls on each parameter, example by example."""

import numpy as np
import pytest

import pullback as pb
from pullback.errors import CircuitError

DATA = {"x": [1.0, -2.0, 0.5]}
LABELS = [1, -1, 1]


def push(score, label):
    """Every example pulls with its label until its margin is met."""
    return np.where(label * score < 1, label, 0.0)


def war(**more):
    return pb.tug_of_war("a*x + c", push, DATA, LABELS, **{"a": 0.2, "c": 0.1, **more})


def test_an_example_pulls_a_weight_with_its_force_times_its_input():
    assert war().forces.tolist() == [1.0, -1.0, 1.0]
    assert war().by_example.tolist() == [[1.0, 1.0], [2.0, -1.0], [0.5, 1.0]]


def test_the_net_pull_is_what_one_by_one_runs_add_up_to():
    f = pb.circuit("a*x + c")
    runs = [
        f.run(a=0.2, x=x, c=0.1, force=s).grads
        for x, s in zip(DATA["x"], (1.0, -1.0, 1.0), strict=True)
    ]
    assert war().net == pytest.approx([sum(g["a"] for g in runs), sum(g["c"] for g in runs)])


def test_a_spring_is_felt_with_every_example():
    held = pb.tug_of_war("a*x + c", push, DATA, LABELS, {"a": 0.5}, a=0.2, c=0.1)
    assert held.by_spring == pytest.approx([-3 * 0.5 * 0.2, 0.0])


def test_the_table_has_a_row_an_example_and_two_for_springs_and_net():
    lines = repr(war()).splitlines()
    assert [line.split()[0] for line in lines] == ["example", "0", "1", "2", "springs", "net"]


def test_examples_on_the_right_side_are_counted():
    assert war().right == 3
    assert war(a=-1.0).right == 0


@pytest.mark.parametrize(
    ("springs", "message"), [({"b": 1.0}, "'b'"), ({"x": 1.0}, "'x'")], ids=["unknown", "data"]
)
def test_a_spring_on_something_else_is_refused(springs, message):
    with pytest.raises(CircuitError, match=message):
        pb.tug_of_war("a*x + c", push, DATA, LABELS, springs, a=0.2, c=0.1)


def test_a_column_of_another_length_is_refused():
    with pytest.raises(CircuitError, match="column 'x'"):
        pb.tug_of_war("a*x + c", push, {"x": [1.0]}, LABELS, a=0.2, c=0.1)
