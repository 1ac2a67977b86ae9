"""First and second derivatives of every gate: mpmath at points and corners, and limits at infinity."""

import numpy as np
import pytest
from laws.asking import pull_circuit, pulls
from laws.gate_cases import circuit_of

from pullback.core.gate import GATES
from pullback.core.gate import GATES as G
from pullback.executors import EXECUTORS
from pullback.lens.transforms import grad, hessian, hvp

pytest.importorskip("mpmath")
from laws.derivative_cases import CURVATURE, SLOPE, asked_gates, corners, exact, found, off, points

every_asked_gate = pytest.mark.parametrize("gate", asked_gates(), ids=lambda g: g.name)
INF = np.inf


def far_off(case):
    """The slope or curvature that is further off than the law allows."""
    force, ours = found(case)
    slope, curvature = off(force, ours, exact(case, force), case, np.float64)
    return [] if slope <= SLOPE and curvature <= CURVATURE else [(case.inputs, slope, curvature)]


@every_asked_gate
def test_slopes_and_curvatures_are_those_of_mpmath(gate):
    """bench/derivatives.py asks at 50 points, in both precisions and of both executors."""
    assert [off for case in points(gate, 1) for off in far_off(case)] == []


@every_asked_gate
def test_at_zeros_ones_and_ties_too(gate):
    assert [off for case in corners(gate) for off in far_off(case)] == []


def test_every_gate_that_pulls_has_its_meaning_here():
    assert len(asked_gates()) > 40


LIMITS = [  # gate, inputs, slopes, curvatures: what they tend to there
    ("exp", (-INF,), [0.0], [[0.0]]),
    ("expm1", (-INF,), [0.0], [[0.0]]),
    ("log", (INF,), [0.0], [[0.0]]),
    ("log1p", (INF,), [0.0], [[0.0]]),
    ("sqrt", (INF,), [0.0], [[0.0]]),
    ("tanh", (INF,), [0.0], [[0.0]]),
    ("tanh", (-INF,), [0.0], [[0.0]]),
    ("sigmoid", (INF,), [0.0], [[0.0]]),
    ("sigmoid", (-INF,), [0.0], [[0.0]]),
    ("softplus", (INF,), [1.0], [[0.0]]),
    ("softplus", (-INF,), [0.0], [[0.0]]),
    ("erf", (INF,), [0.0], [[0.0]]),
    ("erf", (-INF,), [0.0], [[0.0]]),
    ("relu", (INF,), [1.0], [[0.0]]),
    ("relu", (-INF,), [0.0], [[0.0]]),
    ("absolute", (INF,), [1.0], [[0.0]]),
    ("absolute", (-INF,), [-1.0], [[0.0]]),
    ("negative", (INF,), [-1.0], [[0.0]]),
    ("maximum", (INF, 1.0), [1.0, 0.0], np.zeros((2, 2))),
    ("minimum", (-INF, 1.0), [1.0, 0.0], np.zeros((2, 2))),
    ("add", (INF, 1.0), [1.0, 1.0], np.zeros((2, 2))),
    ("subtract", (1.0, INF), [1.0, -1.0], np.zeros((2, 2))),
    ("divide", (1.0, INF), [0.0, 0.0], np.zeros((2, 2))),
    ("divide", (1.0, -INF), [0.0, 0.0], np.zeros((2, 2))),
    ("logaddexp", (INF, 1.0), [1.0, 0.0], np.zeros((2, 2))),
    ("logaddexp", (1.0, INF), [0.0, 1.0], np.zeros((2, 2))),
    ("logaddexp", (-INF, 1.0), [0.0, 1.0], np.zeros((2, 2))),
    ("logsumexp", ((INF, 1.0),), [1.0, 0.0], np.zeros((2, 2))),
    ("logsumexp", ((-INF, 1.0),), [0.0, 1.0], np.zeros((2, 2))),
    ("logsumexp", ((1e308, 1.0),), [1.0, 0.0], np.zeros((2, 2))),
    ("softmax", ((INF, 1.0),), [0.0, 0.0], np.zeros((2, 2))),
    ("softmax", ((-INF, 1.0),), [0.0, 0.0], np.zeros((2, 2))),
    ("max", ((INF, 1.0),), [1.0, 0.0], np.zeros((2, 2))),
    ("min", ((-INF, 1.0),), [1.0, 0.0], np.zeros((2, 2))),
    ("norm", ((1e200, 0.0),), [1.0, 0.0], [[0.0, 0.0], [0.0, 1e-200]]),
    ("log_softmax", ((INF, 1.0),), [-1.0, 1.0], np.zeros((2, 2))),
    ("multiply", (INF, 1.0), [1.0, INF], [[0.0, 1.0], [1.0, 0.0]]),
    ("clamp", (INF,), [1.0], [[0.0]]),
]


@pytest.mark.parametrize(("name", "inputs", "slopes", "curvatures"), LIMITS)
@pytest.mark.parametrize("executor", EXECUTORS[1:])
def test_at_infinity_slope_and_curvature_are_the_limit(name, inputs, slopes, curvatures, executor):
    inputs = [np.asarray(x)[()] for x in inputs]
    circuit = circuit_of(GATES[name], *inputs)
    shape = circuit.spec_of(circuit.outputs[0]).shape
    given = [*inputs, np.ones(shape)[()]]
    assert np.array_equal(flat(pulls(circuit, inputs, given[-1:], executor)), slopes)
    first, _ = pull_circuit(circuit)
    count = len(inputs)
    forces = [np.zeros(first.spec_of(o).shape)[()] for o in first.outputs]
    rows = [flat(pulls(first, given, f, executor)[:count], inputs) for f in one_by_one(forces)]
    assert np.allclose(rows, curvatures, rtol=1e-15, atol=0.0)


def flat(found, like=None):
    """All numbers in a row; where nothing pulls they are 0."""
    given = [
        np.zeros_like(x) if f is None else f for f, x in zip(found, like or found, strict=True)
    ]
    return np.concatenate([np.ravel(x) for x in given])


def one_by_one(forces):
    """The forces with a single 1 in them, at each place in turn."""
    for k, force in enumerate(forces):
        for at in np.ndindex(np.shape(force)):
            one = [np.array(f) for f in forces]
            one[k][at] = 1.0
            yield [f[()] for f in one]


# --- where the first pull is a choice, the second must not be hidden by it ---


def test_the_hessian_of_logaddexp_at_a_tie_is_a_quarter():
    found = hessian(lambda v: GATES["logaddexp"](v[0], v[1]))(np.array([0.7, 0.7]))
    assert np.allclose(found, [[0.25, -0.25], [-0.25, 0.25]], rtol=1e-15)
    assert grad(grad(lambda x: GATES["logaddexp"](x, 0.0)))(0.0) == 0.25


@pytest.mark.parametrize("apart", [0.0, 1e-12, 1e-3, 1.0])
def test_logaddexp_and_logsumexp_are_one_function_and_have_one_hessian(apart):
    x = np.array([0.3, 0.3 + apart])
    one = hessian(lambda v: GATES["logaddexp"](v[0], v[1]))(x)
    assert np.allclose(one, hessian(lambda v: GATES["logsumexp"](v))(x), rtol=1e-15, atol=1e-16)


@pytest.mark.parametrize("name", ["relu", "absolute", "floor", "clamp"])
def test_at_a_corner_the_second_pull_is_0(name):
    assert grad(grad(lambda x: GATES[name](x)))(0.0) == 0.0


SQUARES = {  # smooth functions of a length, and what their Hessian is a multiple of the identity by
    "norm ** 2": (lambda x: G["norm"](x) ** 2.0, 2.0),
    "norm * norm": (lambda x: G["norm"](x) * G["norm"](x), 2.0),
    "a named norm times itself": (lambda x: (lambda n: n * n)(G["norm"](x)), 2.0),
    "norm of an axis": (lambda x: G["sum"](G["norm"](x.reshape((1, 2)), axis=1) ** 2.0), 2.0),
    "kept dimensions": (lambda x: G["sum"](G["norm"](x, keepdims=True) ** 2.0), 2.0),
    "abs ** 2": (lambda x: G["sum"](G["absolute"](x) ** 2.0), 2.0),
    "abs * abs": (lambda x: G["sum"](G["absolute"](x) * G["absolute"](x)), 2.0),
    "minus a square": (lambda x: -(G["norm"](x) ** 2.0), -2.0),
    "a square and a fourth power": (lambda x: 3.0 * G["norm"](x) ** 2.0 + G["norm"](x) ** 4.0, 6.0),
    "a cube": (lambda x: G["norm"](x) ** 3.0, 0.0),
    "exp of a square": (lambda x: G["exp"](G["norm"](x) ** 2.0), 2.0),
    "a square of twice": (lambda x: G["norm"](2.0 * x) ** 2.0, 8.0),
    "divided": (lambda x: G["norm"](x) ** 2.0 / 4.0, 0.5),
    "a difference of squares": (lambda x: G["norm"](x) ** 2.0 - 0.5 * G["norm"](x) ** 2.0, 1.0),
}


@pytest.mark.parametrize(("function", "wanted"), [*SQUARES.values()], ids=[*SQUARES])
def test_the_square_of_a_length_is_smooth_at_its_tip(function, wanted):
    tip = np.zeros(2)
    assert grad(function)(tip).tolist() == [0.0, 0.0]
    assert np.allclose(hessian(function)(tip), wanted * np.eye(2), rtol=1e-15)
    (found,) = hvp(function, (tip,), (np.array([1.0, -2.0]),))
    assert np.allclose(found, [wanted, -2.0 * wanted], rtol=1e-15)


@pytest.mark.parametrize(("function", "_"), [*SQUARES.values()], ids=[*SQUARES])
@pytest.mark.parametrize("x", [[0.6, -0.8], [1e-3, 0.3], [3.0, 0.7]], ids=str)
def test_away_from_its_tip_it_is_what_differences_say(function, _, x):
    x, step = np.array(x), 1e-4
    moves = step * np.eye(2)
    slopes = [(grad(function)(x + m) - grad(function)(x - m)) / (2 * step) for m in moves]
    assert np.allclose(hessian(function)(x), slopes, rtol=1e-6, atol=1e-6)
