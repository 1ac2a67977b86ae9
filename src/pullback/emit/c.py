"""C99: scalars in double, <math.h>, no allocation. Compile with -ffp-contract=off to keep every bit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.emit.language import Language, Variable

WORDS = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union unsigned
    void volatile while _Bool _Complex _Imaginary bool true false main pulls
    exp log pow tanh sqrt fabs log1p expm1 sin cos erf floor ceil fmax fmin INFINITY NAN
"""
RESERVED = frozenset(WORDS.split())
TYPES = {"f": "double", "i": "long long", "b": "int"}


def number(value: Any) -> str:
    """A scalar constant as C spells it.

    >>> number(4.0), number(float("-inf")), number(True)
    ('4.0', '-INFINITY', '1')
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    return repr(value) if isinstance(value, float) else f"{value}LL"


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The lines that begin a function. With forces it writes the inputs' pulls into `pulls`, in order."""
    said = [f"{TYPES[v.kind]} {v.name}" for v in inputs] + [f"double {f.name}" for f in forces]
    real = [v.name for v in inputs if v.kind == "f"]
    pulls = [f"double pulls[{len(real)}]"] if forces else []
    more = [f"{TYPES[v.kind]} *{v.name}_out" for v in outputs[1:]]
    lines = [f"/* pulls: {', '.join(real)} */"] if forces else []
    return [*lines, f"{TYPES[outputs[0].kind]} {name}({', '.join([*said, *pulls, *more])}) {{"]


def close_function(values: Sequence[str], pulls: Mapping[str, str] | None) -> list[str]:
    """The lines that end a function: pulls, further outputs, the value."""
    written = [f"  pulls[{i}] = {p};" for i, p in enumerate((pulls or {}).values())]
    more = [f"  *{v}_out = {v};" for v in values[1:]]
    return [*written, *more, f"  return {values[0]};", "}"]


C = Language(
    name="c",
    scalar=True,
    preamble="#include <math.h>",
    reserved=RESERVED,
    number=number,
    open=open_function,
    assign=lambda variable, value: f"  const {TYPES[variable.kind]} {variable.name} = {value};",
    comment=lambda text: f"  /* {text} */",
    close=close_function,
)
