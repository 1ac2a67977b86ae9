"""exp, log and similar curves without a branch, for one number or many lanes alike, within 4 ulp.

Each is written once for both precisions: the range is reduced to a small interval around 0, a
polynomial does the rest, and the exponent is put back by arithmetic on bits. Every special value
(subnormals, overflow, NaN, infinities, -0) comes out as IEEE 754 and the gate's own body have it.
Polynomials are Chebyshev fits made with 60 digits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pullback.executors.native.llvm.code import Number

LOG2_E = 1.4426950408889634
NAN, INF = math.nan, math.inf
LIFTED = 64  # e^x of x below 0 is computed so many powers of two higher: nothing is subnormal
LIFT = 2.0**LIFTED


@dataclass(frozen=True)
class Precision:
    """What differs between float64 and float32.

    digits: stored bits of the fraction. bias: of the exponent. ln2_high has trailing zeros, so that
    its product with an exponent is exact. top, bottom: beyond them exp is infinite or 0. EXP: of
    (e^r - 1 - r) / r^2. LOG: of (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2. ERF: of erf(x) / x - 1
    in x^2 up to 1. ERFC: of erfc(x) e^(x^2) in (x - 2) / (x + 2) from there on.
    """

    digits: int
    bias: int
    ln2_high: float
    ln2_low: float
    top: float
    bottom: float
    flat: float  # below it, log1p(x) is x
    EXP: tuple[float, ...]
    EVEN: tuple[float, ...]
    ODD: tuple[float, ...]
    LOG: tuple[float, ...]
    ERF: tuple[float, ...]
    ERFC: tuple[float, ...]


PRECISIONS = {
    "double": Precision(
        52, 1023, 0.6931471803691238, 1.9082149292705877e-10, 710.0, -746.0, 2.0**-54,
        EXP=(
            0.5, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062,
            0.0013888888917213717, 0.00019841269863053618, 2.4801521295954376e-05,
            2.7557268459997064e-06, 2.7620088445409746e-07, 2.510038549551032e-08,
        ),
        EVEN=(0.22221740609686838, 0.001983645414711476),
        ODD=(0.02777536971510102, 6.609745327648697e-05),
        LOG=(
            0.666666666666667, 0.3999999999989889, 0.28571428626253836, 0.22222211089379496,
            0.1818289243253687, 0.15331611722055008, 0.14617807153417325,
        ),
        ERF=(
            0.12837916709551258, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792,
            0.0052239776248180145, -0.000854832698083379, 0.0001205533111164271,
            -1.4925595266831182e-05, 1.6461000484121368e-06, -1.6350312701054695e-07,
            1.4659775274047436e-08, -1.1372848856791674e-09, 5.957176147748911e-11,
        ),
        ERFC=(
            0.2553956763105057, -0.4271858474139585, 0.24165819424248763, -0.07897858101571269,
            0.0037328924016564484, 0.006997461739200575, -0.0008471431229415333,
            -0.0009819771114740715, 4.355265359817883e-05, 0.00017436477257256738,
            2.7560352756678313e-05, -2.7640727821912852e-05, -1.4166339069117108e-05,
            1.859427387429402e-06, 4.146302183268488e-06, -2.22812957637235e-07,
        ),
    ),
    "float": Precision(
        23, 127, 0.693359375, -0.00021219444170128554, 89.0, -104.0, 2.0**-25,
        EXP=(
            0.5, 0.1666666716337204, 0.04166646674275398, 0.00833331048488617,
            0.0013933649752289057, 0.00019890991097781807,
        ),
        EVEN=(0.1999713863628649,),
        ODD=(0.01665237772225666,),
        LOG=(0.6666666865348816, 0.4000012278556824, 0.28550779819488525, 0.23331613838672638),
        ERF=(
            0.12837910652160645, -0.3761262595653534, 0.11283594369888306, -0.02685421146452427,
            0.005189087241888046, -0.000801686430349946, 7.875874871388078e-05,
        ),
        ERFC=(
            0.25539568066596985, -0.4271858334541321, 0.24165821075439453, -0.0789785236120224,
            0.003732141340151429, 0.006994855590164661, -0.0008365899557247758,
            -0.0009441596339456737,
        ),
    ),
}  # fmt: skip


def exp(x: Number) -> Number:
    """e^x: 2^k e^r, with 2^k in two factors so that subnormal results are rounded once."""
    series, half, rest = _in_two(x)
    return _grown(series, _power(half, x.kind)) * _power(rest, x.kind)


def expm1(x: Number) -> Number:
    """e^x - 1, exact near 0: a (b p + (b - 1 / a)) with a b = 2^k; shares its work with exp(x)."""
    code, precise = x.code, PRECISIONS[x.kind]
    series, half, rest = _in_two(x)
    scale = _power(half, x.kind)
    one = _power(2 * precise.bias - rest, x.kind)
    y = code.fma(scale, _rise(series), scale - one) * _power(rest, x.kind)
    return code.intrinsic("copysign", y, x)


def _in_two(x: Number) -> tuple[_Series, Number, Number]:
    """The series of e^r, and the bits of the two halves of k."""
    precise = PRECISIONS[x.kind]
    top = x.code.select(x.code.compare("ogt", x, precise.top), precise.top, x)
    r, biased = _reduced(top, 2 * precise.bias)
    half = biased >> 1
    return _series(r), half, biased - half


def log(x: Number) -> Number:
    """log(x) = k log(2) + log(m), with m between sqrt(1/2) and sqrt(2)."""
    code, precise = x.code, PRECISIONS[x.kind]
    small = code.compare("olt", x, 2.0 ** (1 - precise.bias))
    lifted = 2.0 ** (precise.digits + 2)
    m, k = _split(code.select(small, x * lifted, x))
    k = code.select(small, k - float(precise.digits + 2), k)
    return _log_ends(x, 0.0, _log_of(m - 1.0, k, x.like(0.0)))


def log1p(x: Number) -> Number:
    """log(1 + x), exact near 0: what 1 + x rounds away is put back by its slope."""
    code, precise = x.code, PRECISIONS[x.kind]
    u = 1.0 + x
    m, k = _split(u)
    near = code.compare("oeq", k, 0.0)
    lost = code.select(code.compare("oge", k, 1.0), 1.0 - (u - x), x - (u - 1.0)) / u
    y = _log_of(code.select(near, x, m - 1.0), k, code.select(near, 0.0, lost))
    y = code.select(code.compare("olt", abs(x), precise.flat), x, y)
    return _log_ends(x, -1.0, y)


def sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x) without overflow; sigmoid(-x) shares all but a multiplication."""
    code = x.code
    even, odd, scale, whole = _falling(-abs(x))
    right = code.unmirrored(x)  # -x asks which side x is on
    small, large = (even + odd) * scale, (even - odd) * LIFT
    if right is not x:
        small, large = large, small
    return code.select(_is_negative(right), small, large) * (1.0 / whole)


def tanh(x: Number) -> Number:
    """(1 - e^-2|x|) / (1 + e^-2|x|) with x's sign; shares its work with sigmoid(2x), sigmoid(-2x)."""
    code = x.code
    even, odd, scale, whole = _falling(-abs(x * 2.0))
    rise = code.fma(even, LIFT - scale, -(odd * (LIFT + scale)))
    return code.intrinsic("copysign", rise / whole, x)


class _Falling(NamedTuple):
    """e^x = scale (even + odd) / (LIFT (even - odd)) for x up to 0; nothing is subnormal.

    scale is LIFT 2^k, and odd / even = tanh(r / 2), for x = k log(2) + r. whole is the sum of what
    stands above and below.
    """

    even: Number
    odd: Number
    scale: Number
    whole: Number


def _falling(x: Number) -> _Falling:
    code, precise = x.code, PRECISIONS[x.kind]
    r, biased = _reduced(x, precise.bias + LIFTED)
    scale, square = _power(biased, x.kind), r * r
    even = code.fma(square, polynomial(square, precise.EVEN), 2.0)
    series = polynomial(square, precise.ODD)
    odd = code.fma(square * r, series, r)
    first = r * (LIFT - scale)  # not odd times that: `whole` is what everybody waits for
    part = code.fma(square * first, series, first)
    return _Falling(even, odd, scale, code.fma(even, LIFT + scale, -part))


def erf(x: Number) -> Number:
    """erf(x): x + x p(x^2) up to 1, from there on 1 - e^(-x^2) q(x)."""
    code, precise = x.code, PRECISIONS[x.kind]
    size = abs(x)
    held = code.select(code.compare("ogt", size, 6.0), 6.0, size)  # erf is 1 there
    square = held * held
    inner = code.fma(held, polynomial(square, precise.ERF), held)
    outer = 1.0 - exp(-square) * polynomial((held - 2.0) / (held + 2.0), precise.ERFC)
    y = code.select(code.compare("ult", size, 1.0), inner, outer)
    return code.intrinsic("copysign", y, x)


def _is_negative(x: Number) -> Number:
    """Which lanes are below 0; -0 may count as either."""
    # The sign alone steers a choice between lanes; between two numbers it would become a jump.
    return x.code.compare("slt", x.bits(), 0) if x.lanes > 1 else x.code.compare("olt", x, 0.0)


def _reduced(x: Number, bias: int) -> tuple[Number, Number]:
    """r, and bits that end with k + bias: x = k log(2) + r, |r| <= log(2) / 2; x is cut where e^x is 0."""
    code, precise = x.code, PRECISIONS[x.kind]
    x = code.select(code.compare("olt", x, precise.bottom), precise.bottom, x)
    whole = 1.5 * 2.0**precise.digits + bias  # leaves the nearest integer in the lowest bits
    shifted = code.fma(x, LOG2_E, whole)
    k = shifted - whole
    r = code.fma(k, -precise.ln2_high, x)
    return code.fma(k, -precise.ln2_low, r), shifted.bits()


class _Series(NamedTuple):
    """e^r - 1 = low + fourth high, in an order in which little has to wait for anything."""

    low: Number
    fourth: Number
    high: Number


def _series(r: Number) -> _Series:
    c = PRECISIONS[r.kind].EXP
    square = r * r
    low = r.code.fma(square, polynomial(r, c[:2]), r)
    return _Series(low, square * square, polynomial(r, c[2:]))


def _rise(series: _Series) -> Number:
    """e^r - 1."""
    return series.low.code.fma(series.fourth, series.high, series.low)


def _grown(series: _Series, scale: Number) -> Number:
    """scale e^r."""
    fma = series.low.code.fma
    return fma(series.fourth * scale, series.high, fma(series.low, scale, scale))


def _power(biased: Number, kind: str) -> Number:
    """2^k from bits that end with k + bias, with k from -bias (which gives 0) to bias + 1 (infinity)."""
    return (biased << PRECISIONS[kind].digits).as_real()


def _split(x: Number) -> tuple[Number, Number]:
    """m between sqrt(1/2) and sqrt(2), and a whole k, with x = 2^k m; x is positive and normal."""
    precise = PRECISIONS[x.kind]
    one, middle = _bits_of(1.0, x.kind), _bits_of(math.sqrt(0.5), x.kind)
    shifted = x.bits() + (one - middle)
    m = ((shifted & (2**precise.digits - 1)) + middle).as_real()
    anchor = 2.0**precise.digits
    k = ((shifted >> precise.digits) | _bits_of(anchor, x.kind)).as_real()
    return m, k - (anchor + precise.bias)


def _log_of(f: Number, k: Number, lost: Number) -> Number:
    """log(1 + f) + k log(2) + lost, the small parts first."""
    code, precise = f.code, PRECISIONS[f.kind]
    s = f / (2.0 + f)
    z = s * s
    half = f * (f * 0.5)
    tail = s * code.fma(z, polynomial(z, precise.LOG), half) + code.fma(k, precise.ln2_low, lost)
    return code.fma(k, precise.ln2_high, f - (half - tail))


def _log_ends(x: Number, zero: float, y: Number) -> Number:
    """y, but -inf at `zero`, NaN below it, and infinity and NaN as they come."""
    code = x.code
    below = code.select(code.compare("olt", x, zero), NAN, x)
    ends = code.select(code.compare("oeq", x, zero), -INF, below)
    inside = code.compare("ogt", x, zero) & code.compare("olt", x, INF)
    return code.select(inside, y, ends)


def polynomial(x: Number, coefficients: Sequence[float]) -> Number:
    """c0 + c1 x + c2 x^2 + ..., in pairs of pairs: few steps have to wait for one another (Estrin 1960)."""
    code = x.code
    terms = [x.like(c) for c in coefficients]
    while len(terms) > 1:
        pairs = [code.fma(x, high, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[2 * len(pairs) :]
        x = x * x
    return terms[0]


def _bits_of(value: float, kind: str) -> int:
    if kind == "double":
        return int(np.float64(value).view(np.int64))
    return int(np.float32(value).view(np.int32))
