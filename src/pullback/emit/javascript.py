"""JavaScript: scalars, `Math`, no dependency; runs in any browser or Node.

Its numbers are float64, so whole numbers are exact to 2^53; float32 wires are rounded by Math.fround.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.core.circuit import Row
from pullback.core.dtypes import FLOAT32, INT64
from pullback.core.gate import Gate
from pullback.core.shapes import Spec
from pullback.emit.language import Closing, Language, Text, Variable
from pullback.errors import FaceError

WORDS = """
    abstract arguments await boolean break byte case catch char class const continue debugger default
    delete do double else enum eval export extends false final finally float for function goto if
    implements import in instanceof int interface let long native new null package private protected
    public return short static super switch synchronized this throw throws transient true try typeof
    undefined var void volatile while with yield Math NaN Infinity isNaN Number module exports
"""
RESERVED = frozenset(WORDS.split())
EXACT = 2**53  # beyond, float64 no longer holds every whole number
# Gates that hand on one of the numbers they are given: nothing to round.
HANDS_ON = ("negative", "where", "maximum", "minimum", "relu", "absolute", "cast")


def number(value: Any) -> str:
    """A scalar constant as JavaScript spells it.

    >>> number(4.0), number(float("-inf")), number(True)
    ('4', '-Infinity', 'true')
    """
    single = getattr(value, "dtype", None) == FLOAT32
    shortest = str(value)
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(value).lower()
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > EXACT:
        raise FaceError(f"{value} is not a number of JavaScript: whole numbers go to 2^53 there.")
    if single and float(shortest) != value:
        return f"Math.fround({shortest})"
    return repr(value).removesuffix(".0")


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins a function; forces have +1 as their default."""
    names = [*(v.name for v in inputs), *(f"{f.name} = 1" for f in forces)]
    return [f"function {name}({', '.join(names)}) {{"]


def close_function(
    values: Sequence[str], pulls: Mapping[str, str] | None, outputs: Sequence[Variable]
) -> list[Closing]:
    """The lines that end a function: its value, or [value, pulls by input name]."""
    value = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    if pulls is not None:
        value = f"[{value}, {{{', '.join(f'{json.dumps(k)}: {v}' for k, v in pulls.items())}}}]"
    return [Closing(f"  return {value};", 0), Closing("}")]


def shorter(face: str, row: Row, spec: Spec, inputs: Sequence[Spec]) -> str:
    """Whole numbers have one zero: -0, which 0 * -3 or -(0) would be here, becomes +0."""
    assert row.gate is not None
    signed = spec.dtype == INT64 and row.gate.name in ("negative", "multiply", "cast")
    return f"({face} + 0)" if signed else face


def rounded(gate: Gate, text: Text) -> Text:
    """A float32 expression with no more digits than float32 has."""
    return text if gate.name in HANDS_ON else Text(f"Math.fround({text.text})")


JAVASCRIPT = Language(
    name="javascript",
    scalar=True,
    reserved=RESERVED,
    number=number,
    attribute=lambda value, how: number(value),
    open=open_function,
    assign=lambda variable, value: f"  const {variable.name} = {value};",
    comment=lambda text: f"  // {text}",
    close=close_function,
    header=lambda text: ['"use strict";'],
    zero=lambda variable: "0",
    infix={"==": "===", "!=": "!=="},
    casts={
        "float64": "Number({x})",
        "float32": "Math.fround({x})",
        "int64": "Math.trunc({x})",
        "bool": "({x} != 0)",
    },
    shorter=shorter,
    rounded=rounded,
)
