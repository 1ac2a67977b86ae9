"""Laws of recording: a place that does the same again writes the rows it would write for the first time."""

import operator
from dataclasses import fields
from functools import reduce

import numpy as np
import pytest
from laws.random_circuits import ANYTHING, random_circuit

import pullback as pb
from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.shapes import spec_of
from pullback.core.sites import scope


class Forgetful(dict):
    """A memory in which nothing is ever found."""

    def get(self, key, default=None):
        return default


def turns(f, values, memory, count=3):
    """A circuit in which one line calls f again and again."""
    builder = Builder()
    builder.met = memory
    wires = [builder.input(spec_of(v), f"x{i}") for i, v in enumerate(values)]
    outputs = [f(*wires) for _ in range(count)]
    return builder, builder.finish(outputs)


def said(circuit):
    """All that a circuit says, in plain Python."""
    parts = {f.name: getattr(circuit, f.name) for f in fields(Circuit)}
    columns = {k: v.tolist() for k, v in parts.items() if isinstance(v, np.ndarray)}
    return {**parts, **columns, "constants": repr(circuit.constants)}


def operators(x, y):
    q = x * y + x / y - x**y
    p = -q if q is not x else q
    h = 2.0 * p - 0.0 * q + -0.0 * q + (p < q) * (p >= 1)
    h = h * h
    return pb.relu(pb.maximum(h, y) + np.float64(3.0))


def several_gates_in_one_place(x, y):
    return [reduce(f, [x, y, x]) for f in (operator.add, operator.mul, pb.minimum)][-1]


def several_shapes_in_one_place(x, y):
    rows = pb.broadcast_to(y, shape=(3,))
    return reduce(operator.add, [(a * a).sum() for a in (rows, x, y)])


def several_dtypes_in_one_place(x, y):
    single = pb.cast(y, dtype="float32")
    return reduce(operator.mul, [x, single, single, x * single, y])


def several_scopes_in_one_place(x, y):
    for name in ("one", "two", "one"):
        with scope(name):
            x = x * y
    return x


def called_by_a_gate(x, y):
    return pb.softplus(x * y).T


@pytest.mark.parametrize(
    "f",
    [
        operators,
        several_gates_in_one_place,
        several_shapes_in_one_place,
        several_dtypes_in_one_place,
        several_scopes_in_one_place,
        called_by_a_gate,
    ],
)
def test_what_was_met_before_is_recorded_as_if_it_were_new(f):
    (_, known), (_, new) = (turns(f, [2.0, 3.0], memory) for memory in ({}, Forgetful()))
    assert said(known) == said(new)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_circuit_met_before_is_recorded_as_if_it_were_new(seed):
    f = random_circuit(seed, ANYTHING, ["a", "b", "c"], ["p", "q"])
    (_, known), (_, new) = (turns(f, f.values, memory) for memory in ({}, Forgetful()))
    assert said(known) == said(new)


def test_the_turns_of_a_loop_share_the_kinds_of_their_rows():
    (few, _), (many, circuit) = (turns(operators, [2.0, 3.0], {}, n) for n in (2, 50))
    assert len(circuit) > 500
    assert len(few.kinds) == len(many.kinds)


class Counting(dict):
    """A memory that counts how often it is asked."""

    asked = 0

    def get(self, key, default=None):
        self.asked += 1
        return super().get(key, default)


def test_a_gate_between_two_wires_or_of_one_is_looked_up_once():
    few, many = Counting(), Counting()
    for memory, count in ((few, 1), (many, 10)):
        turns(lambda x, y: pb.relu(x * y + y) - x / y, [2.0, 3.0], memory, count)
    assert many.asked - few.asked == 9 * 5


def test_zeros_of_either_sign_stay_two():
    _, circuit = turns(lambda x: x * 0.0 + x * -0.0 + x * 0, [1.0], {})
    assert [str(c) for c in circuit.constants] == ["0.0", "-0.0"]


def scaling(k):
    """A function whose recipe has the same name for every k, as when a cell of a notebook runs again."""

    @pb.recipe
    def scaled_by(x):
        return x * k

    return lambda x: scaled_by(x) + 1.0


def test_a_circuit_keeps_the_recipe_it_was_recorded_with():
    two = pb.circuit(scaling(2.0))
    assert two(1.0) == 3.0
    seven = scaling(7.0)  # the name stands for this one now
    assert (two(1.0), two.value_and_grad(1.0)) == (3.0, (3.0, {"x": 2.0}))
    assert two.map(x=[1.0, 2.0]).value.tolist() == [3.0, 5.0]
    assert pb.circuit(seven).value_and_grad(1.0) == (8.0, {"x": 7.0})


def test_recipes_of_one_name_may_meet_in_one_circuit():
    two, seven = scaling(2.0), scaling(7.0)
    both = pb.circuit(lambda x: two(x) + seven(x))
    assert both.value_and_grad(1.0) == (11.0, {"x": 9.0})
    assert both.map(x=[1.0, 2.0]).grads["x"].tolist() == [9.0, 9.0]
