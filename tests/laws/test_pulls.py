"""Laws of every gate's pull: the numerical slope, and that one's slope; shape, precision, every use."""

import numpy as np
import pytest
from laws.asking import (
    NUMERIC,
    distance,
    forces_for,
    numeric_pulls,
    pull_circuit,
    pulls,
    same_bits,
)
from laws.gate_cases import (
    ALL_CASES,
    SLOPED_CASES,
    SMOOTH_CASES,
    circuit_of,
    every_sloped_case,
    every_smooth_case,
)

from pullback.core.dtypes import FLOAT32
from pullback.core.gate import GATES
from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.passes.backward import backward
from pullback.passes.pull import pull_inputs

UNPULLED_CASES = [
    c for c in ALL_CASES if c.circuit().spec_of(c.circuit().outputs[0]).dtype.kind != "f"
]
PAIRWISE = sorted(
    {c.gate for c in SLOPED_CASES if c.gate.elementwise and c.real == [0, 1]}, key=lambda g: g.name
)

# Complex numbers have no subtraction in which digits could be lost.
COMPLEX_STEP = 1e-13


@every_sloped_case
def test_the_pull_is_the_numerical_slope(case):
    circuit = case.circuit()
    forces = forces_for(circuit)
    wanted = numeric_pulls(lambda *x: [case.gate(*x, **case.attributes)], case.inputs, forces)
    assert distance(pulls(circuit, case.inputs, forces), wanted) < NUMERIC


@every_sloped_case
def test_the_second_pull_is_the_numerical_slope_of_the_first(case):
    circuit = case.circuit()
    first, _ = pull_circuit(circuit)
    inputs = [*case.inputs, *forces_for(circuit)]
    forces = forces_for(first, seed=1)
    wanted = numeric_pulls(lambda *x: compile(first).run(x), inputs, forces)
    assert distance(pulls(first, inputs, forces), wanted) < NUMERIC


@every_smooth_case
def test_a_pull_has_the_shape_of_its_input(case):
    circuit = case.circuit()
    found = pulls(circuit, case.inputs, forces_for(circuit))
    shapes = [
        (np.shape(x), np.shape(p)) for x, p in zip(case.inputs, found, strict=True) if p is not None
    ]
    assert all(wanted == got for wanted, got in shapes)


@every_smooth_case
def test_float32_stays_float32(case):
    case = case.as_dtype(FLOAT32)
    circuit = case.circuit()
    back = backward(circuit)
    carried = {back.circuit.spec_of(p).dtype for p in back.input_pulls if p >= 0}
    found = [p for p in pulls(circuit, case.inputs, forces_for(circuit)) if p is not None]
    assert carried | {p.dtype for p in found} <= {FLOAT32}


@every_smooth_case
def test_a_wire_used_twice_gets_the_sum(case):
    circuit = circuit_of(
        lambda *x: case.gate(*x, **case.attributes) + case.gate(*x, **case.attributes), *case.inputs
    )
    once, forces = case.circuit(), forces_for(circuit)
    doubled = [None if p is None else 2 * p for p in pulls(once, case.inputs, forces)]
    assert distance(pulls(circuit, case.inputs, forces), doubled) < NUMERIC


@pytest.mark.parametrize("gate", PAIRWISE, ids=lambda g: g.name)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_a_wire_on_both_sides_of_a_gate_gets_both_pulls_to_the_bit(gate, shape):
    x = np.random.default_rng(0).uniform(0.4, 1.8, shape)[()]
    apart, joined = circuit_of(gate, x, x), circuit_of(lambda x: gate(x, x), x)
    forces = forces_for(apart)
    left, right = pulls(apart, [x, x], forces)
    assert same_bits(pulls(joined, [x], forces)[0], left + right)


@every_smooth_case
def test_numbers_are_pulled_as_circuits_are_to_the_bit(case):
    circuit = case.circuit()
    (dy,) = forces_for(circuit)
    eager = pull_inputs(case.gate, dy, case.output, case.inputs, case.attributes)
    circuits = pulls(circuit, case.inputs, [dy])
    both = zip(eager, circuits, strict=True)
    assert all(c is None or same_bits(e, c) for e, c in both)


@pytest.mark.parametrize("case", [c for c in SMOOTH_CASES if len(c.real) < len(c.inputs)], ids=str)
def test_an_input_that_is_no_real_number_is_given_no_pull(case):
    (dy,) = forces_for(case.circuit())
    found = pull_inputs(case.gate, dy, case.output, case.inputs, case.attributes)
    assert [found[i] for i in range(len(found)) if i not in case.real] == [None]


def test_a_whole_number_that_was_cast_is_given_no_pull():
    x = np.array([1, 2])
    assert pull_inputs(GATES["cast"], np.ones(2), x * 1.0, [x], {"dtype": "float64"}) == [None]


@pytest.mark.parametrize("case", UNPULLED_CASES, ids=str)
def test_what_is_no_real_number_cannot_be_pulled(case):
    with pytest.raises(CircuitError, match="only real numbers are pulled"):
        backward(case.circuit())


@pytest.mark.parametrize("case", [c for c in SLOPED_CASES if c.gate.holomorphic], ids=str)
def test_a_gate_that_calls_itself_holomorphic_has_the_slope_of_a_complex_step(case):
    circuit = case.circuit()
    (dy,) = forces_for(circuit)
    wanted = [_complex_slopes(case, dy, i) for i in range(len(case.inputs))]
    assert distance(pulls(circuit, case.inputs, [dy]), wanted) < COMPLEX_STEP


def _complex_slopes(case, dy, position):
    slopes = np.zeros(np.shape(case.inputs[position]))
    for index in np.ndindex(slopes.shape):
        inputs = [np.array(x, np.complex128) for x in case.inputs]
        inputs[position][index] += 1e-30j
        slopes[index] = np.sum(dy * case.gate.body(*inputs, **case.attributes)).imag / 1e-30
    return slopes


CROSSED = [  # points where a rule must choose, and the cross derivative that the choice must not hide
    ("power", 2.0, 0.0, 0.5),  # d/db (b a^(b-1)) = 1/a at b = 0
    ("power", 3.0, 1.0, 1.0 + np.log(3.0)),
    ("xlogy", 0.0, 2.0, 0.5),  # d/dx (x/y) = 1/y at x = 0
    ("multiply", 0.0, 0.0, 1.0),
    ("divide", 0.0, 2.0, -0.25),
]


@pytest.mark.parametrize(("name", "a", "b", "cross"), CROSSED)
def test_the_cross_derivative_is_the_same_in_both_orders(name, a, b, cross):
    inputs = [np.float64(a), np.float64(b), np.float64(1.0)]
    first, _ = pull_circuit(circuit_of(GATES[name], a, b))
    by_a = pulls(first, inputs, [np.float64(1.0), np.float64(0.0)])
    by_b = pulls(first, inputs, [np.float64(0.0), np.float64(1.0)])
    assert by_a[1] == pytest.approx(cross, rel=1e-14)
    assert by_b[0] == pytest.approx(cross, rel=1e-14)
