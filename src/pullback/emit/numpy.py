"""NumPy: the same program for arrays of any shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.emit.language import Variable
from pullback.emit.python import PYTHON
from pullback.emit.python import number as python_number
from pullback.errors import FaceError

LARGEST = 1000  # numbers of a constant that are still printed into source


def number(value: Any) -> str:
    """A constant as NumPy spells it.

    >>> number(np.array([1.0, 2.0]))
    "np.array([1.0, 2.0], dtype='float64')"
    """
    if np.ndim(value) == 0:
        return python_number(value).replace("math.", "np.")
    if np.size(value) > LARGEST:
        raise FaceError(
            f"a constant of {np.size(value)} numbers is too long for source.",
            fix="make it an input",
        )
    text = repr(np.asarray(value).tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
    return f"np.array({text}, dtype={np.asarray(value).dtype.name!r})"


def zero(name: str) -> str:
    """Zeros for an input that nothing pulls."""
    return f"np.zeros_like({name})"


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins a function; forces have +1 on every element as their default."""
    names = [*(v.name for v in inputs), *(f"{f.name}={_ones(f)}" for f in forces)]
    return [f"def {name}({', '.join(names)}):"]


def _ones(force: Variable) -> str:
    if not force.shape:
        return "1.0"
    dtype = "" if force.dtype == "float64" else f", dtype={force.dtype!r}"
    return f"np.ones({force.shape}{dtype})"


NUMPY = dataclasses.replace(
    PYTHON, name="numpy", scalar=False, preamble="import numpy as np", number=number, zero=zero,
    open=open_function,
)  # fmt: skip
