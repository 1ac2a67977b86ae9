"""Laws of accuracy: the value and pull of each curve of one number against hundreds of digits."""

import zlib

import numpy as np
import pytest
from laws.asking import pulls
from laws.gate_cases import ALL_GATES, both_precisions, circuit_of

from pullback.core.gate import GATES

mpmath = pytest.importorskip("mpmath")
mp = mpmath.ctx_mp.MPContext()
mp.dps = (
    700  # a saturated curve differs from 1 in its 300th digit, and its slope is that difference
)

# A gate of one real number stands here with what it is meant to compute.
CURVES = {
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "sqrt": mp.sqrt,
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "relu": lambda x: max(x, mp.mpf(0)),
    "absolute": abs,
    "negative": lambda x: -x,
    "expm1": mp.expm1,
    "sin": mp.sin,
    "cos": mp.cos,
    "erf": mp.erf,
    "floor": mp.floor,
    "clamp": lambda x: x,
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
    assert worst_ulp(gate(x), [CURVES[gate.name](mp.mpf(float(p))) for p in x]) <= VALUE_ULP


@every_curve
@both_precisions
def test_a_pull_is_within_8_units_in_the_last_place_and_so_never_falsely_0(gate, dtype):
    x = points(gate, dtype)
    (pull,) = pulls(circuit_of(gate, x), [x], [np.ones_like(x)])
    pull = np.zeros_like(x) if pull is None else pull
    slopes = [mp.diff(CURVES[gate.name], mp.mpf(float(p)), relative=True) for p in x]
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


def points(gate, dtype, count=60):
    """Points of every size at which the gate is defined, both signs, tiny ones and saturated ones."""
    rng = np.random.default_rng(zlib.crc32(gate.name.encode()))
    largest = 700 if dtype == np.float64 else 85
    sizes = np.concatenate([10 ** rng.uniform(-8, 0, count), rng.uniform(0, largest, count)])
    x = (sizes * rng.choice([-1.0, 1.0], 2 * count)).astype(dtype)
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
