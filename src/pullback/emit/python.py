"""Python with the standard library alone: scalars, `math`.

A division by zero is Python's ZeroDivisionError, where the circuit goes on with an infinity or a
NaN. So `divide` stands where the divisor can be 0, and gives what the circuit gives.
"""

from __future__ import annotations

import builtins
import keyword
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.emit.language import Closing, Language, Variable

RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "math", "np"})

DIVIDE = """def divide(a, b):
    if b != 0.0:
        return a / b
    return a * math.copysign(math.inf, b) if a != 0.0 else math.nan"""


def number(value: Any) -> str:
    """A scalar constant as Python spells it.

    >>> number(4.0), number(float("-inf"))
    ('4.0', '-math.inf')
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return "math.nan" if math.isnan(value) else "math.inf" if value > 0 else "-math.inf"
    return repr(value)


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins a function; forces have +1 as their default."""
    names = [*(v.name for v in inputs), *(f"{f.name}=1.0" for f in forces)]
    return [f"def {name}({', '.join(names)}):"]


def close_function(
    values: Sequence[str], pulls: Mapping[str, str] | None, outputs: Sequence[Variable]
) -> list[Closing]:
    """The line that ends a function: its value, and the pulls by input name."""
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    if pulls is not None:
        value += f", {{{', '.join(f'{k!r}: {v}' for k, v in pulls.items())}}}"
    return [Closing(f"    return {value}", 0)]


def header(text: str) -> list[str]:
    """The imports that `text` needs.

    >>> header("np.exp(x)")
    ['import numpy as np']
    """
    lines = {"math.": "import math", "np.": "import numpy as np"}
    needed = [line for sign, line in lines.items() if sign in text]
    # The standard library goes first, then a blank line, as everywhere.
    return [*needed[:1], *(["", needed[1]] if len(needed) > 1 else [])]


PYTHON = Language(
    name="python",
    scalar=True,
    dtypes=("float64", "int64", "bool"),
    reserved=RESERVED,
    number=number,
    attribute=lambda value, how: number(value),
    open=open_function,
    assign=lambda variable, value: f"    {variable.name} = {value}",
    comment=lambda text: f"    # {text}",
    close=close_function,
    header=header,
    casts={"float64": "float({x})", "int64": "int({x})", "bool": "bool({x})"},
    guarded={"divide": ("divide({a}, {b})", DIVIDE)},
)
