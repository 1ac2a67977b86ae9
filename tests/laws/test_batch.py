"""One more leading axis: for every gate and every way of mapping its inputs, each row as if it were alone."""

import numpy as np
import pytest
from laws.asking import forces_for, pull_circuit, run
from laws.gate_cases import ALL_CASES, circuit_of, every_case
from laws.random_circuits import random_circuit

import pullback as pb
from pullback.core.gate import gate
from pullback.core.shapes import Spec
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.nn import Linear, Sequential, Tanh, join
from pullback.nn.context import draw
from pullback.passes.batch import batch

ROWS = 3
# A sum over another axis may add in another order.
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


def varied(x, row):
    """Other numbers of the same kind: moved on by some places, a little smaller."""
    moved = np.roll(np.asarray(x).ravel(), row).reshape(np.shape(x))
    return (moved * (1 - 0.03 * row) if moved.dtype.kind == "f" else moved)[()]


def ways(case):
    """Which inputs are mapped: each alone, and all."""
    alone = [{i} for i in range(len(case.inputs))]
    return [set(range(len(case.inputs))), *(alone if len(alone) > 1 else [])]


def asked(circuit, inputs, mapped, executor="reference"):
    """What a batch gives, and the rows one by one."""
    names = [circuit.input_names[i] for i in mapped]
    rows = [[varied(x, r) if i in mapped else x for i, x in enumerate(inputs)] for r in range(ROWS)]
    together = [
        np.stack([row[i] for row in rows]) if i in mapped else x for i, x in enumerate(inputs)
    ]
    made = batch(circuit, names, ROWS)
    return run(made, together, executor), [run(circuit, row) for row in rows], made


def same(found, alone):
    for many, ones in zip(found, zip(*alone, strict=True), strict=True):
        wanted = np.stack(ones)
        assert (np.shape(many), np.asarray(many).dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_allclose(many, wanted, **CLOSE)


@every_case
def test_every_gate_does_its_rows_as_if_each_were_alone(case):
    for mapped in ways(case):
        found, alone, made = asked(case.circuit(), case.inputs, mapped)
        same(found, alone)
        assert made.gate_count < 2 + 6 * case.circuit().gate_count  # nothing is done row by row


FEW_CASES = [next(c for c in ALL_CASES if c.gate is g) for g in {c.gate: 0 for c in ALL_CASES}]


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_machine_code_does_so_too(case):
    for mapped in ways(case):
        found, alone, _ = asked(case.circuit(), case.inputs, mapped, "native")
        for many, ones in zip(found, zip(*alone, strict=True), strict=True):
            np.testing.assert_allclose(many, np.stack(ones), rtol=1e-10, atol=1e-12)


MIXING = ["sum", "softmax", "concat", "matmul", "gather", "sum_to", "max"]


@pytest.mark.parametrize("case", [c for c in FEW_CASES if c.gate.name in MIXING], ids=str)
def test_machine_code_does_so_too_for_gates_that_mix_rows(case):
    found, alone, _ = asked(case.circuit(), case.inputs, {0}, "native")
    same(found, alone)


@gate(shape=lambda x: x, takes="number")
def against_the_first(x):
    """Every row less the first: it mixes rows, and nobody wrote a rule for it."""
    return x - np.asarray(x)[:1]


def test_a_gate_without_a_rule_is_done_row_by_row():
    circuit = circuit_of(against_the_first, np.ones((4, 2)))
    found, alone, _ = asked(circuit, [np.arange(8.0).reshape(4, 2)], {0})
    same(found, alone)


@pytest.mark.parametrize(
    "seed", [*range(10), *(pytest.param(s, marks=pytest.mark.slow) for s in range(10, 60))]
)
def test_random_circuits_and_their_pulls_do_their_rows_alone(seed):
    function = random_circuit(seed)
    circuit = circuit_of(function, *function.values)
    everything, _ = pull_circuit(circuit)
    values = [*function.values, *forces_for(circuit)]
    mapped = set(range(seed % len(values) + 1))
    with np.errstate(all="ignore"):
        found, alone, _ = asked(everything, values, mapped)
    for many, ones in zip(found, zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(many, np.stack(ones), rtol=1e-9, atol=1e-11)


def test_a_loss_of_a_row_gives_the_pull_of_each_example():
    f = pb.circuit(lambda w, x, y: (pb.sum(w * x) - y) ** 2, name="f")
    w, x, y = np.array([1.0, -2.0]), np.arange(6.0).reshape(3, 2), np.array([1.0, 0.0, 2.0])
    pulls, _ = pull_circuit(f.circuit(w, x[0], y[0]))
    many = compile(batch(pulls, ["x", "y"], 3)).run([w, x, y, 1.0])
    # d/dw (w.x - y)^2 = 2 (w.x - y) x, by hand
    np.testing.assert_allclose(many[0], 2 * (x @ w - y)[:, None] * x, rtol=1e-14)


def test_a_net_for_one_row_becomes_a_net_for_many():
    net = join(Sequential(Linear(5), Tanh(), Linear(2)), Spec((1, 4), np.dtype("f8")))
    weights = draw(net.needs, np.random.default_rng(0)).values()
    x = np.random.default_rng(1).normal(size=(7, 4))
    many = batch(net.circuit, ["x"], 7)
    found = compile(many).run([x[:, None], *weights])[0]
    alone = [compile(net.circuit).run([row[None], *weights])[0] for row in x]
    np.testing.assert_allclose(found, alone, rtol=1e-13)
    products = [row for row in many.rows() if row.gate and row.gate.name == "matmul"]
    assert [many.spec_of(row.inputs[0]).shape for row in products] == [(7, 4), (7, 5)]


def test_names_lines_and_scopes_stay():
    net = join(Sequential(Linear(5), Tanh()), Spec((1, 4), np.dtype("f8")))
    many = batch(net.circuit, ["x"], 7)
    assert {"layer1", "tanh1", "layer1_W"} <= set(many.names)
    assert many.input_names == net.circuit.input_names
    assert many.roles == net.circuit.roles
    assert many.groups[many.group[many.find("tanh1")]] == ("tanh1",)


def test_an_output_that_nothing_mapped_reaches_is_the_same_for_every_row():
    circuit = pb.circuit(lambda x, w: (x * w, w * 2.0)).circuit()
    found = compile(batch(circuit, ["x"], 3)).run([np.arange(3.0), 5.0])
    assert [y.tolist() for y in found] == [[0.0, 5.0, 10.0], [10.0, 10.0, 10.0]]


def test_batches_nest():
    circuit = pb.circuit("x * w").circuit()
    table = batch(batch(circuit, ["x"], 3), ["w"], 2)
    found = compile(table).run([np.arange(3.0), np.array([1.0, 10.0])])[0]
    assert found.tolist() == [[0.0, 1.0, 2.0], [0.0, 10.0, 20.0]]


def test_an_index_out_of_range_is_still_refused_in_every_row():
    x, index = np.arange(6.0).reshape(2, 3), np.array([[0, 2], [3, 1]])
    circuit = circuit_of(lambda x, i: pb.gather(x, i), x[0], index[0])
    with pytest.raises(pb.errors.RangeError):
        compile(batch(circuit, circuit.input_names, 2)).run([x, index])


def test_what_is_no_input_is_refused():
    with pytest.raises(CircuitError, match="no input 'z'"):
        batch(pb.circuit("x * y").circuit(), ["z"], 2)
