"""One answer at the edges: the sign of zero, infinity and NaN are the same on every executor.

PULLBACK_EDGE_CIRCUITS=3000 asks more circuits.
"""

import os

import numpy as np
import pytest
from laws.asking import forces_for, pull_circuit, same_bits, watched
from laws.gate_cases import circuit_of
from laws.random_circuits import Vocabulary, random_circuit

import pullback as pb
from pullback.core.gate import GATES as G
from pullback.executors import EXECUTORS, compile

CIRCUITS = int(os.environ.get("PULLBACK_EDGE_CIRCUITS", "12"))
# Gates that every executor rounds alike, and those that fold or move: no curve blurs what comes out.
ONLY = (
    "add", "subtract", "multiply", "divide", "negative", "absolute", "maximum", "minimum", "relu",
    "where", "less", "greater", "equal", "clamp", "sqrt", "sum", "mean", "max", "min", "prod", "dot",
    "matmul", "sum_to", "reshape", "transpose", "slice", "concat", "broadcast_to", "pad", "norm",
)  # fmt: skip
LARGEST = {"float64": 1.7e308, "float32": 3.3e38}
ZEROS, ENDS = (0.0, -0.0, -0.0, 1.0, -1.0), (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0)


def edges(kind, dtype):
    """Numbers to draw from: signed zeros; infinities and NaN; numbers near overflow and underflow."""
    far = LARGEST[dtype]
    near = (far, -far, far**0.6, -(far**0.6), far**-0.6, 1 / far / 100, 1.0, 0.0, -0.0)
    return {"zeros": ZEROS, "ends": ENDS, "overflow": near}[kind]


def drawn(seed, kind, dtype):
    """A random circuit of a few gates, and inputs of which nine in ten lie at an edge."""
    made = random_circuit(seed, Vocabulary(dtypes=(dtype,), only=ONLY, steps=(1, 4)))
    rng, pool = np.random.default_rng(seed), edges(kind, dtype)
    inputs = []
    for value in map(np.asarray, made.values):
        far = rng.random(value.shape) < 0.9
        inputs.append(np.where(far, rng.choice(pool, value.shape), value).astype(dtype)[()])
    return made, circuit_of(made, *inputs), inputs


def agree(found, wanted):
    """NaN for NaN, infinities and zeros with their signs; other numbers may be rounded otherwise."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    at_edge = ~np.isfinite(wanted) | ~np.isfinite(found) | (wanted == 0) | (found == 0)
    return same_bits(np.where(at_edge, found, 0.0), np.where(at_edge, wanted, 0.0))


def differs(circuit, inputs):
    """Whether machine code and the reference disagree about an edge."""
    one, other = (compile(circuit, executor=e).run(inputs) for e in ("native", "reference"))
    return not all(agree(*pair) for pair in zip(one, other, strict=True))


def order_decides(circuit, inputs):
    """Whether some sum has finite terms whose sizes together are more than the dtype holds.

    Then the order of adding decides whether it is an infinity, NaN or finite, and executors add in
    their own order. Found from the largest sums that a gate could make of what it takes.
    """
    values = watched(circuit, inputs)
    return any(
        row.gate is not None and _most(row.gate.name, [values[i] for i in row.inputs])
        for row in circuit.rows()
    )


def _most(name, inputs):
    sizes = [np.abs(np.where(np.isfinite(x), x, 0.0)).astype(np.longdouble).sum() for x in inputs]
    if name in ("dot", "matmul"):
        sizes = [sizes[0] * sizes[1]]
    adds = name in ("dot", "matmul", "sum", "mean", "sum_to", "norm")
    return adds and bool(max(sizes) > np.finfo(np.asarray(inputs[0]).dtype).max)


def asked(seed, kind, dtype):
    """The circuit of a seed and its pulls, each with inputs."""
    _, circuit, inputs = drawn(seed, kind, dtype)
    if circuit.spec_of(circuit.outputs[0]).dtype.kind != "f":
        return [(circuit, inputs)]
    return [(circuit, inputs), (pull_circuit(circuit)[0], [*inputs, *forces_for(circuit)])]


def differing(kind, dtype, seeds):
    pairs = [(seed, *pair) for seed in seeds for pair in asked(seed, kind, dtype)]
    return [(seed, c, x) for seed, c, x in pairs if c.outputs and differs(c, x)]


CHUNK = 12
FIRST, *REST = [range(s, s + CHUNK) for s in range(0, CIRCUITS, CHUNK)]
every_chunk = pytest.mark.parametrize(
    "seeds", [FIRST, *(pytest.param(r, marks=pytest.mark.slow) for r in REST)], ids=str
)
both = pytest.mark.parametrize("dtype", ["float64", "float32"])


@every_chunk
@both
@pytest.mark.parametrize("kind", ["zeros", "ends"])
def test_executors_agree_about_signed_zeros_infinities_and_nan(kind, dtype, seeds):
    assert [seed for seed, _, _ in differing(kind, dtype, seeds)] == []


@every_chunk
@both
def test_executors_agree_near_overflow_unless_the_order_of_a_sum_decides(dtype, seeds):
    found = differing("overflow", dtype, seeds)
    assert [seed for seed, circuit, inputs in found if not order_decides(circuit, inputs)] == []


M = np.array([[-1.0], [-1.0]])
SIGNS = {  # what comes out, and whether it is -0
    "a sum of -0": (lambda x: G["sum"](x), [-0.0, -0.0], False),
    "a sum of one -0": (lambda x: G["sum"](x), [-0.0], False),
    "a sum along an axis of 1": (lambda x: G["sum"](x, axis=0), [[-0.0]], False),
    "a mean of -0": (lambda x: G["mean"](x), [-0.0, -0.0], False),
    "a dot of -1 and 0": (lambda x: G["dot"](x, np.array([-1.0])), [0.0], False),
    "a sum of products": (lambda x: G["sum"](x * -1.0), [0.0, 0.0], False),
    "a matrix product": (lambda x: x @ M, [[0.0, 0.0]], False),
    "what was repeated": (lambda x: G["sum_to"](x, shape=(1,)), [-0.0, -0.0], False),
    "what was not repeated": (lambda x: G["sum_to"](x, shape=(1,)), [[-0.0]], True),
    "the same shape": (lambda x: G["sum_to"](x, shape=(1,)), [-0.0], True),
    "a product of -0": (lambda x: G["prod"](x), [-0.0, 1.0], True),
    "-0 and -0": (lambda x: x[0] + x[1], [-0.0, -0.0], True),
    "-0 and +0": (lambda x: x[0] + x[1], [-0.0, 0.0], False),
    "a max of -0": (lambda x: G["max"](x), [-0.0, -0.0], False),
    "a min of +0": (lambda x: G["min"](x), [0.0, 0.0], True),
}


@both
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("function", "x", "negative"), [*SIGNS.values()], ids=[*SIGNS])
def test_the_sign_of_zero_is_the_documented_one(function, x, negative, executor, dtype):
    x = np.array(x, dtype)
    circuit = circuit_of(lambda x: function(x) * 1.0, x)
    (found,) = compile(circuit, executor=executor).run([x])
    assert np.all(found == 0.0)
    assert np.all(np.signbit(found) == negative)
    assert np.all(np.signbit(pb.circuit(function)(x)) == negative)


OVERFLOWS = {  # each product is rounded before it is added, so both halves are infinite
    "a sum of products": (lambda x: G["sum"](x * x), np.inf),
    "a dot": (lambda x: G["dot"](x, x), np.inf),
    "a difference of products": (lambda x: x[0] * x[0] - x[1] * x[1], np.nan),
    "a dot of both signs": (lambda x: G["dot"](x, G["concat"](x[:1], -x[1:])), np.nan),
}


@both
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("function", "wanted"), [*OVERFLOWS.values()], ids=[*OVERFLOWS])
def test_a_product_is_rounded_before_it_is_added(function, wanted, executor, dtype):
    x = np.array([LARGEST[dtype], LARGEST[dtype]], dtype)
    (found,) = compile(circuit_of(function, x), executor=executor).run([x])
    assert same_bits(found, np.asarray(wanted, dtype)[()])
