"""C99: scalars, <math.h>, no allocation. Compile with -ffp-contract=off to keep every bit.

float32 wires are `float`, everything else real is `double`; the pulls are written out as doubles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.core.dtypes import FLOAT32
from pullback.core.gate import Gate
from pullback.emit.language import SIGN, Closing, Language, Text, Variable

WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union unsigned
    void volatile while bool true false asm typeof linux unix main pulls NULL I
    _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local
    INFINITY NAN HUGE_VAL HUGE_VALF HUGE_VALL DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS signgam
    FP_NAN FP_INFINITE FP_ZERO FP_SUBNORMAL FP_NORMAL FP_ILOGB0 FP_ILOGBNAN FP_FAST_FMA
    math_errhandling MATH_ERRNO MATH_ERREXCEPT
    M_E M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2 M_SQRT1_2
    exp log pow tanh sqrt fabs log1p expm1 sin cos erf floor copysign fabsf
"""
RESERVED = frozenset(WORDS.split())
LIBRARY = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil cosh erfc exp2 fdim fma fmax fmin fmod frexp gamma
    hypot ilogb isfinite isinf isnan isnormal j0 j1 jn ldexp lgamma llrint llround log10 log2 logb
    lrint lround modf nan nearbyint nextafter nexttoward remainder remquo rint round scalbln scalbn
    signbit sinh tan tgamma trunc y0 y1 yn abs labs printf puts malloc free exit abort
"""
TYPES = {"float64": "double", "float32": "float", "int64": "long long", "bool": "int"}
SMALLEST = -(2**63)
# Gates that C computes in float when their inputs are float, and gates that hand on an input.
KEEPS_FLOAT = ("negative", "where", "add", "subtract", "multiply", "divide", "cast")


def number(value: Any) -> str:
    """A scalar constant as C spells it.

    >>> number(4.0), number(float("-inf")), number(True)
    ('4.0', '-INFINITY', '1')
    """
    single = getattr(value, "dtype", None) == FLOAT32
    shortest = str(value)
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        # C has no negative literals, so its smallest number cannot be written as one.
        return f"{value}LL" if value > SMALLEST else f"({value + 1}LL - 1)"
    if not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    return f"{shortest}f" if single else repr(value)


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The lines that begin a function. With forces it writes the inputs' pulls into `pulls`, in order."""
    said = [f"{typed(v)} {v.name}" for v in (*inputs, *forces)]
    real = [v.name for v in inputs if v.kind == "f"]
    pulls = [f"double pulls[{len(real)}]"] if forces and real else []
    more = [f"{typed(v)} *{v.name}" for v in outputs[1:]]
    lines = [f"/* pulls: {', '.join(real)} */"] if pulls else []
    return [*lines, f"{typed(outputs[0])} {name}({', '.join([*said, *pulls, *more]) or 'void'}) {{"]


def close_function(
    values: Sequence[str], pulls: Mapping[str, str] | None, outputs: Sequence[Variable]
) -> list[Closing]:
    """The lines that end a function: pulls, further outputs, the value."""
    texts = enumerate((pulls or {}).values())
    written = [Closing(f"  pulls[{i}] = {p};", len(values) + i) for i, p in texts]
    more = enumerate(zip(outputs[1:], values[1:], strict=True), start=1)
    written += [Closing(f"  *{out.name} = {value};", i) for i, (out, value) in more]
    return [*written, Closing(f"  return {values[0]};", 0), Closing("}")]


def typed(variable: Variable) -> str:
    """The C type of a variable."""
    return TYPES[variable.spec.dtype.name]


def rounded(gate: Gate, text: Text) -> Text:
    """A float32 expression with no more digits than float has: <math.h> computes in double."""
    return text if gate.name in KEEPS_FLOAT else Text(f"(float){text.inside(SIGN)}", SIGN)


C = Language(
    name="c",
    scalar=True,
    reserved=RESERVED,
    owned="_[A-Z_]",
    functions=frozenset(LIBRARY.split()),
    number=number,
    attribute=lambda value, how: number(value),
    open=open_function,
    assign=lambda variable, value: f"  const {typed(variable)} {variable.name} = {value};",
    comment=lambda text: f"  /* {text} */",
    close=close_function,
    header=lambda text: ["#include <math.h>"],
    casts={
        "float64": "((double){x})",
        "float32": "((float){x})",
        "int64": "((long long){x})",
        "bool": "({x} != 0)",
    },
    rounded=rounded,
)
