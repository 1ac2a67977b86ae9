"""Printed Python never stops at a division by zero: it gives what the circuit gives."""

import math

import numpy as np
import pytest

import pullback as pb
from pullback.emit.nonzero import least, never_zero

QUOTIENTS = [
    "x/0", "0/x", "1/x", "y/x", "x/(x - x)", "x/(x*y)", "1/(x*x)", "1/sqrt(x)", "sqrt(x)*y",
    "log(x)/x", "1/sin(x)", "x/abs(x)", "1/relu(x)", "exp(-1/(x*x))", "1/exp(x)", "x**(-1)",
    "1/(1/x)", "1/tanh(x) - 1/x", "where(x > 0, 1/x, y)", "log1p(x)/x", "norm(x)/x", "xlogy(x, y)/x",
]  # fmt: skip
POINTS = [(x, y) for x in (0.0, -0.0, 2.0, -1e-320, 800.0, -800.0) for y in (0.0, -3.0)]


@pytest.mark.parametrize("style", ["steps", "ninja"])
@pytest.mark.parametrize("text", QUOTIENTS)
def test_the_printed_program_gives_the_circuits_numbers_at_0(text, style):
    f = pb.circuit(text + " + 0*y" * ("y" not in text) + " + 0*x" * ("x" not in text))
    source = f.backward_source(style=style)
    space = {}
    exec(str(source), space)  # noqa: S102 - our own source
    assert source.verified
    for x, y in POINTS:
        run = f.run(x=x, y=y)
        value, pulls = space["f_backward"](x=x, y=y)
        found, wanted = [value, *pulls.values()], [run.value, *(run.grads[n] for n in pulls)]
        assert np.allclose(found, wanted, rtol=1e-14, atol=5e-324, equal_nan=True), (x, y)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("1 + exp(x)", True),
        ("exp(x)", False),  # exp(-800) is 0
        ("x*x + 1", True),
        ("x*x", False),
        ("x*y + 1", False),
        ("abs(x) + sigmoid(y) + 0.5", True),
        ("abs(x) - 0.5", False),
        ("maximum(x, 1)", True),
        ("maximum(x, 0)", False),
        ("x**2 + 1e-9", True),
        ("x**3 + 1", False),
        ("sqrt(x)*exp(y) + 2", True),
        ("softplus(x)*y + 2", False),
        ("2 + x", False),
    ],
)
def test_a_plain_quotient_is_printed_only_where_the_divisor_cannot_be_0(text, safe):
    printed = str(pb.circuit(f"q = {text}; 5/q").forward_source())
    assert ("f = 5.0 / q" in printed) == safe
    assert ("divide(5.0, q)" in printed) == (not safe)


@pytest.mark.parametrize("seed", range(60))
def test_no_value_is_below_the_bound_that_is_known(seed):
    rng = np.random.default_rng(seed)
    text = "x"
    for _ in range(rng.integers(2, 6)):
        forms = [
            "exp({})",
            "abs({}) + 0.5",
            "({})*({})",
            "maximum({}, 0.1)",
            "sigmoid({}) + x*x",
            "-({})",
            "({}) + 1",
        ]
        text = rng.choice(forms).replace("{}", text)
    f = pb.circuit("q = " + text + "; q + 0")
    circuit, bound = f.circuit(), least(f.circuit(), f.circuit().find("q"))
    values = [f.run(x=x)["q"].value for x in (-800.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 50.0)]
    assert all(math.isnan(v) or v >= bound for v in values)
    assert not (never_zero(circuit, circuit.find("q")) and 0.0 in values)
