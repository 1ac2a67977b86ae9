"""Python with the standard library alone: scalars, `math`."""

from __future__ import annotations

import builtins
import keyword
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pullback.emit.language import Language, Variable

RESERVED = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "math", "np"})


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


def close_function(values: Sequence[str], pulls: Mapping[str, str] | None) -> list[str]:
    """The lines that end a function: its value, and the pulls by input name."""
    value = values[0] if len(values) == 1 else f"({', '.join(values)})"
    if pulls is None:
        return [f"    return {value}"]
    return [f"    return {value}, {{{', '.join(f'{k!r}: {v}' for k, v in pulls.items())}}}"]


PYTHON = Language(
    name="python",
    scalar=True,
    preamble="import math",
    reserved=RESERVED,
    number=number,
    open=open_function,
    assign=lambda variable, value: f"    {variable.name} = {value}",
    comment=lambda text: f"    # {text}",
    close=close_function,
)
