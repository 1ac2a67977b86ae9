"""sin and cos for one number or many lanes alike, within 2 ulp, at any size of x.

Up to a million the angle is reduced with the bits of pi / 2 in four pieces; beyond that, where more
of them would be needed, the C library's own function answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from pullback.executors.native.llvm.code import Number, type_of
from pullback.executors.native.llvm.vector_math import polynomial

FAR = 2.0**20  # n = x / (pi / 2) then has 20 bits, and n times 33 bits is exact
WHOLE = 1.5 * 2.0**52  # added to a number, it leaves the nearest integer in the lowest bits
TWO_OVER_PI = 0.6366197723675814
HALF_PI = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32)
# Chebyshev fits in r^2 on |r| <= pi / 4, of (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4.
SIN = (
    -0.16666666666666666, 0.008333333333330936, -0.00019841269836740527, 2.7557316093196066e-06,
    -2.5051129895962807e-08, 1.5917988944318716e-10,
)  # fmt: skip
COS = (
    0.041666666666666664, -0.0013888888888887389, 2.48015872987544e-05, -2.7557317265876615e-07,
    2.087614504910828e-09, -1.1382544623404291e-11,
)  # fmt: skip


def sin(x: Number) -> Number:
    """sin(x)."""
    return _curve("sin", 0, x)


def cos(x: Number) -> Number:
    """cos(x) = sin(x + pi / 2)."""
    return _curve("cos", 1, x)


sin.branches = cos.branches = True  # type: ignore[attr-defined]


def _curve(name: str, quarter: int, x: Number) -> Number:
    if x.kind == "float":
        wide = x.code.convert("fpext", x, "double")
        return x.code.convert("fptrunc", _curve(name, quarter, wide), "float")
    code = x.code
    near = _near(x, quarter)
    far = code.compare("ogt", abs(x), FAR)
    code.line(f"br i1 {_any(far)}, label %far, label %end")
    code.block("far")
    library = code.select(far, code.each_lane(name, x), near)
    code.line("br label %end")
    code.block("end")
    return code.impure(
        f"phi {x.type} [{near.text}, %entry], [{library.text}, %far]", x.kind, x.lanes
    )


def _any(condition: Number) -> str:
    if condition.lanes == 1:
        return condition.text
    code, mask = condition.code, type_of("i1", condition.lanes)
    full = f"@llvm.vector.reduce.or.v{condition.lanes}i1"
    code.declare(full, f"declare i1 {full}({mask})")
    return code.emit(f"call i1 {full}({condition})", "i1").text


def _near(x: Number, quarter: int) -> Number:
    """sin(x + quarter pi / 2) by the angle's distance from the nearest multiple of pi / 2."""
    code = x.code
    turn = code.fma(x, TWO_OVER_PI, WHOLE)
    r, rest = _rest(x, turn - WHOLE)
    z = r * r
    sine = r + (rest + z * r * polynomial(z, SIN))
    half = 0.5 * z
    top = 1.0 - half
    cosine = top + (((1.0 - top) - half) + (z * z * polynomial(z, COS) - r * rest))
    sine = code.select(code.compare("oeq", x, 0.0), x, sine)  # -0 stays -0
    quarters = turn.bits() + quarter
    odd = code.compare("ne", quarters & 1, 0)
    y = code.select(odd, cosine, sine)
    # The second bit of the number of quarters is the sign.
    return (y.bits() ^ ((quarters & 2) << 62)).as_real()


def _rest(x: Number, n: Number) -> tuple[Number, Number]:
    """x - n pi / 2 as a number and what its rounding lost: x may be next to a multiple of pi / 2."""
    first, second, third, fourth = HALF_PI
    r = x - n * first
    r, low = _less(r, n * second)
    r, lower = _less(r, n * third)
    low = (low + lower) - n * fourth
    whole = r + low
    return whole, (r - whole) + low


def _less(a: Number, b: Number) -> tuple[Number, Number]:
    """a - b and its rounding error; |a| >= |b|, or the difference is exact anyway."""
    difference = a - b
    return difference, (a - difference) - b


__all__: Sequence[str] = ["cos", "sin"]
