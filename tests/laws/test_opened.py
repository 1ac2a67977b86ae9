"""Laws of opening: an element, the parts and the closed-again gate are the gate itself, value and pull."""

from functools import cache

import numpy as np
import pytest
from laws.gate_cases import ALL_CASES, ALL_GATES, BY_HAND, circuit_of
from laws.random_circuits import TAME, random_circuit

import pullback as pb
from pullback.core.gate import GATES
from pullback.executors import compile
from pullback.passes.backward import backward
from pullback.passes.expand import expand
from pullback.passes.opening.collapse import collapse, is_recognised
from pullback.passes.opening.element import element
from pullback.passes.pull import pull_inputs
from pullback.passes.tidy import tidy

# Sums of a few numbers in another order, and differences of what is near 1.
NEAR = {"rtol": 1e-14, "atol": 1e-15}
# Gates that only move, compare, add two numbers or multiply: nothing may be rounded differently.
ROUNDED = ("sum", "mean", "norm", "matmul", "dot", "sum_to", "logsumexp", "softmax", "log_softmax")


def has_elements(case):
    return np.size(case.output) > 0 and all(np.size(x) for x in case.inputs)


CASES = [c for c in ALL_CASES if has_elements(c) and c.circuit().row(c.circuit().outputs[0]).gate]
PULLED = [c for c in CASES if c.is_smooth and c.real and c.gate.name not in BY_HAND]
PULLED = [c for c in PULLED if c.gate.rule or c.gate.recipe]
PARTS = [g for g in ALL_GATES if g.inside and not g.recipe]
KNOWN = [g for g in ALL_GATES if is_recognised(g)]

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_pulled_case = pytest.mark.parametrize("case", PULLED, ids=str)
every_gate_with_parts = pytest.mark.parametrize("gate", PARTS, ids=lambda g: g.name)
every_recognised_gate = pytest.mark.parametrize("gate", KNOWN, ids=lambda g: g.name)


def opened(case, index):
    """The element's circuit, and the numbers on its inputs."""
    circuit = case.circuit()
    values = dict(zip(circuit.inputs, case.inputs, strict=True))
    numbers = [values.get(w) for w in range(len(circuit))]
    made = element(circuit, circuit.outputs[0], index, values=numbers)
    return made, [np.asarray(values[w])[i] for w, i in made.sources]


def value_of(case, index):
    made, numbers = opened(case, index)
    return compile(made.circuit).run(numbers)[0]


def pulls_of(case, index):
    """The pulls of the element's circuit, put where its inputs came from; zeros elsewhere."""
    made, numbers = opened(case, index)
    back = backward(made.circuit)
    asked = [p for p in back.input_pulls if p >= 0]
    found = iter(compile(back.asking(asked)).run([*numbers, 1.0]))
    pulls = {w: np.zeros(np.shape(x)) for w, x in enumerate(case.inputs)}
    inputs = case.circuit().inputs
    for (wire, at), pull in zip(made.sources, back.input_pulls, strict=True):
        if pull >= 0:
            pulls[inputs.index(wire)][at] = next(found)
    return [pulls[i] for i in case.real]


def closed_pulls(case, index):
    """The array gate's own pulls for a force on one element alone."""
    force = np.zeros(np.shape(case.output))
    force[index] = 1.0
    y, inputs = np.asarray(case.output)[()], list(case.inputs)
    pulls = pull_inputs(case.gate, force[()], y, inputs, case.attributes)
    return [np.zeros(np.shape(inputs[i])) if pulls[i] is None else pulls[i] for i in case.real]


def some_elements(case, count=4):
    """A few elements of the output, always the same ones."""
    shape = np.shape(case.output)
    drawn = np.random.default_rng(5).permutation(np.size(case.output))[:count]
    return [tuple(int(i) for i in np.unravel_index(flat, shape)) for flat in drawn]


@every_case
def test_an_opened_element_is_the_element(case):
    at = some_elements(case)
    found = np.array([value_of(case, i) for i in at])
    wanted = np.array([np.asarray(case.output)[i] for i in at])
    room = NEAR if case.gate.name in ROUNDED else {"rtol": 0, "atol": 0}
    np.testing.assert_allclose(found, wanted, **room)
    assert found.dtype == wanted.dtype


@every_pulled_case
def test_an_opened_element_pulls_what_the_array_gate_pulls_for_it(case):
    at = some_elements(case)
    found = [p for i in at for p in pulls_of(case, i)]
    wanted = [p for i in at for p in closed_pulls(case, i)]
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, **NEAR)


@every_case
def test_an_opened_element_has_single_numbers_on_every_wire(case):
    circuit = opened(case, some_elements(case, 1)[0])[0].circuit
    assert {spec.shape for spec in circuit.specs} <= {()}


@every_gate_with_parts
def test_the_parts_of_a_gate_are_the_gate(gate):
    case = next(c for c in CASES if c.gate is gate and np.ndim(c.inputs[0]) == 2)
    parts = compile(expand(case.circuit(), {gate.name})).run(case.inputs)[0]
    np.testing.assert_allclose(parts, case.output, **NEAR)
    assert gate.name not in expand(case.circuit(), {gate.name}).ops


@every_recognised_gate
@pytest.mark.parametrize("shape", [(), (2, 3)], ids=str)
def test_what_was_expanded_collapses_again(gate, shape):
    inputs = [np.full(shape, 0.3 + 0.1 * i)[()] for i in range(len(gate.inputs))]
    circuit = circuit_of(lambda *x: gate(*x) * 2.0, *inputs)
    again = collapse(expand(circuit, {gate.name}), {gate.name})
    assert [r.gate for r in again.rows() if r.gate] == [gate, GATES["multiply"]]
    assert again.inputs == circuit.inputs


@pytest.mark.parametrize("seed", range(40))
def test_expanding_a_random_circuit_keeps_its_value_and_pulls(seed):
    made = random_circuit(seed, TAME)
    circuit = circuit_of(made, *made.values)
    every = {g.name for g in ALL_GATES if g.inside}
    opened_one = expand(circuit, every)
    asked = [backward(c) for c in (circuit, opened_one)]
    force = np.ones(circuit.spec_of(circuit.outputs[0]).shape)[()]
    runs = [
        compile(b.asking([*b.forward.outputs, *(p for p in b.input_pulls if p >= 0)])).run(
            [*made.values, force]
        )
        for b in asked
    ]
    for one, other in zip(*runs, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seed", range(40))
def test_collapsing_a_random_circuit_changes_nothing_but_gates(seed):
    made = random_circuit(seed, TAME)
    circuit = tidy(circuit_of(made, *made.values))
    closed = collapse(circuit)
    one, other = (compile(c).run(made.values)[0] for c in (circuit, closed))
    np.testing.assert_allclose(other, one, rtol=1e-11)
    assert len(closed) <= len(circuit)


@cache
def whole(seed):
    """A random circuit opened from its first output element back to its inputs, and the circuit."""
    made = random_circuit(seed, TAME)
    circuit = circuit_of(made, *made.values)
    watched = compile(circuit).watch(made.values)
    at = (0,) * len(circuit.spec_of(circuit.outputs[0]).shape)
    return circuit, watched, at, element(circuit, circuit.outputs[0], at, (), watched)


# A force by hand pulls on the elements beside this one too; sums of float32 show their order.
WHOLE = [s for s in range(60) if not {"force", "cast"} & set(whole(s)[0].ops)]
every_whole = pytest.mark.parametrize("seed", WHOLE)


@every_whole
def test_a_whole_circuit_opened_has_the_value_of_its_output(seed):
    circuit, watched, at, made = whole(seed)
    numbers = [np.asarray(watched[w])[i] for w, i in made.sources]
    wanted = np.asarray(watched[circuit.outputs[0]])[at]
    np.testing.assert_allclose(compile(made.circuit).run(numbers)[0], wanted, rtol=1e-12)


@every_whole
def test_a_whole_circuit_opened_pulls_its_inputs_as_the_circuit_does(seed):
    circuit, watched, at, made = whole(seed)
    force = np.zeros(circuit.spec_of(circuit.outputs[0]).shape)
    force[at] = 1.0
    wanted = input_pulls(circuit, [watched[w] for w in circuit.inputs], force[()])
    found = input_pulls(made.circuit, [np.asarray(watched[w])[i] for w, i in made.sources], 1.0)
    placed = {w: np.zeros(np.shape(watched[w])) for w in circuit.inputs}
    for (wire, index), pull in zip(made.sources, found, strict=True):
        placed[wire][index] = pull
    for wire, pull in zip(circuit.inputs, wanted, strict=True):
        np.testing.assert_allclose(placed[wire], pull, rtol=1e-9, atol=1e-11)


def input_pulls(circuit, values, force):
    """The pull on every input, zeros where nothing pulls."""
    back = backward(circuit)
    asked = [p for p in back.input_pulls if p >= 0]
    found = iter(compile(back.asking(asked)).run([*values, force]))
    shapes = [np.shape(v) for v in values]
    pairs = zip(back.input_pulls, shapes, strict=True)
    return [next(found) if p >= 0 else np.zeros(shape) for p, shape in pairs]


# What looks like a sigmoid and is none.
NEARLY = {
    "another constant": lambda x: 1.0 / (2.0 + pb.exp(-x)),
    "other constants": lambda x: 2.0 / (2.0 + pb.exp(-x)),
    "no negation": lambda x: 1.0 / (1.0 + pb.exp(x)),
    "the other way up": lambda x: (1.0 + pb.exp(-x)) / 1.0,
    "minus": lambda x: 1.0 / (1.0 - pb.exp(-x)),
    "two inputs": lambda x: 1.0 / (x + pb.exp(-x)),
}


@pytest.mark.parametrize("function", NEARLY.values(), ids=NEARLY)
def test_what_is_only_nearly_a_gate_stays_open(function):
    circuit = circuit_of(function, 0.5)
    assert collapse(circuit).ops == circuit.ops
