"""JavaScript: scalars, `Math`, no dependency; runs in any browser or Node."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.emit.language import Language, Variable

WORDS = """
    abstract arguments await boolean break byte case catch char class const continue debugger default
    delete do double else enum eval export extends false final finally float for function goto if
    implements import in instanceof int interface let long native new null package private protected
    public return short static super switch synchronized this throw throws transient true try typeof
    undefined var void volatile while with yield Math NaN Infinity isNaN module exports
"""
RESERVED = frozenset(WORDS.split())


def number(value: Any) -> str:
    """A scalar constant as JavaScript spells it.

    >>> number(4.0), number(float("-inf")), number(True)
    ('4', '-Infinity', 'true')
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return repr(value).removesuffix(".0")


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins a function; forces have +1 as their default."""
    names = [*(v.name for v in inputs), *(f"{f.name} = 1" for f in forces)]
    return [f"function {name}({', '.join(names)}) {{"]


def close_function(values: Sequence[str], pulls: Mapping[str, str] | None) -> list[str]:
    """The lines that end a function: its value, or [value, pulls by input name]."""
    value = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    if pulls is not None:
        value = f"[{value}, {{{', '.join(f'{json.dumps(k)}: {v}' for k, v in pulls.items())}}}]"
    return [f"  return {value};", "}"]


JAVASCRIPT = Language(
    name="javascript",
    scalar=True,
    preamble='"use strict";',
    reserved=RESERVED,
    number=number,
    open=open_function,
    assign=lambda variable, value: f"  const {variable.name} = {value};",
    comment=lambda text: f"  // {text}",
    close=close_function,
    zero=lambda name: "0",
    infix={"==": "===", "!=": "!=="},
)
