"""Laws of accuracy: the value and pull of each curve of one number against 50 digits."""

import zlib

import numpy as np
import pytest
from laws.asking import pulls
from laws.gate_cases import ALL_GATES, both_precisions, circuit_of

from pullback.core.gate import GATES

mpmath = pytest.importorskip("mpmath")
mp = mpmath.ctx_mp.MPContext()
mp.dps = 50

# A gate of one real number stands here with what it is meant to compute, and that curve's slope in
# a form that keeps its digits where the curve is flat.
CURVES = {
    "exp": (mp.exp, mp.exp),
    "log": (mp.log, lambda x: 1 / x),
    "log1p": (mp.log1p, lambda x: 1 / (1 + x)),
    "sqrt": (mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x))),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), lambda x: 1 / (2 + mp.exp(x) + mp.exp(-x))),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), lambda x: 1 / (1 + mp.exp(-x))),
    "relu": (lambda x: max(x, mp.zero), lambda x: mp.mpf(x > 0)),
    "absolute": (abs, mp.sign),
    "negative": (lambda x: -x, lambda x: -mp.one),
    "expm1": (mp.expm1, mp.exp),
    "sin": (mp.sin, mp.cos),
    "cos": (mp.cos, lambda x: -mp.sin(x)),
    "erf": (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)),
    "floor": (mp.floor, lambda x: mp.zero),
    "clamp": (lambda x: x, lambda x: mp.one),  # without bounds
}

VALUE_ULP = 4  # units in the last place; a library's exp alone may be 2.4 off
PULL_ULP = 8

CURVED = [
    g for g in ALL_GATES if g.elementwise and len(g.inputs) == 1 and (g.takes != "any" or g.recipe)
]
every_curve = pytest.mark.parametrize("gate", CURVED, ids=lambda g: g.name)


@every_curve
@both_precisions
def test_a_value_is_within_4_units_in_the_last_place(gate, dtype):
    x = points(gate, dtype)
    assert worst_ulp(gate(x), [CURVES[gate.name][0](mp.mpf(float(p))) for p in x]) <= VALUE_ULP


@every_curve
@both_precisions
def test_a_pull_is_within_8_units_in_the_last_place_and_so_never_falsely_0(gate, dtype):
    x = points(gate, dtype)
    (pull,) = pulls(circuit_of(gate, x), [x], [np.ones_like(x)])
    pull = np.zeros_like(x) if pull is None else pull
    slopes = [CURVES[gate.name][1](mp.mpf(float(p))) for p in x]
    assert worst_ulp(pull, slopes) <= PULL_ULP


@pytest.mark.parametrize(
    ("name", "dtype", "reach"),
    [
        ("sigmoid", np.float32, 80),
        ("sigmoid", np.float64, 700),
        ("tanh", np.float32, 40),
        ("tanh", np.float64, 350),
    ],
)
def test_a_saturated_gate_is_still_pulled_a_little(name, dtype, reach):
    x = np.linspace(-reach, reach, 2001, dtype=dtype)
    (pull,) = pulls(circuit_of(GATES[name], x), [x], [np.ones_like(x)])
    assert (pull > 0).all()


def points(gate, dtype, count=100):
    """Points of every size at which the gate is defined, both signs, tiny ones and saturated ones."""
    rng = np.random.default_rng(zlib.crc32(gate.name.encode()))
    largest = 700 if dtype == np.float64 else 85
    reaches = [rng.uniform(0, reach, count) for reach in (30, largest)]
    sizes = np.concatenate([10 ** rng.uniform(-8, 0, count), *reaches])
    x = (sizes * rng.choice([-1.0, 1.0], sizes.size)).astype(dtype)
    low, high = gate.domain
    return x[(x > low) & (x < high)]


def worst_ulp(found, wanted):
    """The largest error in units in the last place, where the true number is a normal one."""
    found = np.asarray(found)
    tiny, largest = np.finfo(found.dtype).tiny, np.finfo(found.dtype).max
    worst = 0.0
    for f, w in zip(found, wanted, strict=True):
        if 4 * tiny < abs(w) < largest / 4:
            unit = float(np.spacing(found.dtype.type(float(abs(w)))))
            worst = max(worst, float(abs(mp.mpf(float(f)) - w) / unit))
    return worst
