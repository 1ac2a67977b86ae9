"""NumPy: the same program for arrays of any shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Row
from pullback.core.dtypes import FLOAT32
from pullback.core.shapes import Spec
from pullback.emit.language import NAMES, Text, Variable
from pullback.emit.python import PYTHON
from pullback.emit.python import number as python_number
from pullback.errors import FaceError

LARGEST = 1000  # numbers of a constant that are still printed into source


def number(value: Any) -> str:
    """A constant as NumPy spells it.

    >>> number(np.array([1.0, 2.0])), number(np.ones((2, 3), np.float32)), number(np.float64(2.0))
    ('np.array([1.0, 2.0])', 'np.full((2, 3), 1.0, np.float32)', '2.0')
    """
    if np.ndim(value) == 0:
        return _single(value)
    array = np.asarray(value)
    first = array.reshape(-1)[:1]
    kind = ", np.float32" if array.dtype == FLOAT32 else ""
    if array.size == 0:
        return f"np.zeros({array.shape}, np.{array.dtype.name})"
    if array.size > 1 and array.tobytes() == first.tobytes() * array.size:
        return f"np.full({array.shape}, {_single(first[0])}{kind})"
    if array.size > LARGEST:
        raise FaceError(
            f"a constant of {array.size} numbers is too long for source.", fix="make it an input"
        )
    return f"np.array({_listed(array)}{kind})"


def _single(value: Any) -> str:
    # The shortest text that is this number: item() of a float32 would print digits it does not have.
    value = float(str(value)) if getattr(value, "dtype", None) == FLOAT32 else value
    return python_number(value).replace("math.", "np.")


def _listed(array: Any) -> str:
    if array.ndim == 0:
        return _single(array[()])
    return f"[{', '.join(_listed(part) for part in array)}]"


def attribute(value: Any, how: str | None) -> str:
    """An attribute as NumPy spells it; `{index!i}` asks for a subscript.

    >>> attribute(((1, None, None), 0, "new"), "i"), attribute((2, 3), None)
    ('1:, 0, None', '(2, 3)')
    """
    if how == "i":
        return ", ".join(_subscript(part) for part in value) or "()"
    if isinstance(value, tuple):
        inside = ", ".join(attribute(v, None) for v in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return str(value) if isinstance(value, str) else number(value)


def _subscript(part: Any) -> str:
    if not isinstance(part, tuple):
        return "None" if part == "new" else str(part)
    start, stop, step = ("" if p is None else str(p) for p in part)
    return f"{start}:{stop}" + (f":{step}" if step else "")


def open_function(
    name: str, inputs: Sequence[Variable], forces: Sequence[Variable], outputs: Sequence[Variable]
) -> list[str]:
    """The line that begins a function; forces have +1 as their default, on every element."""
    names = [*(v.name for v in inputs), *(f"{f.name}={_one(f)}" for f in forces)]
    return [f"def {name}({', '.join(names)}):"]


def _one(force: Variable) -> str:
    kind = ", np.float32" if force.spec.dtype == FLOAT32 else ""
    return f"np.ones({force.spec.shape}{kind})" if force.spec.shape else "1.0"


def zero(variable: Variable) -> str:
    """Zeros for an input that nothing pulls."""
    return f"np.zeros_like({variable.name})" if variable.spec.shape else "0.0"


def shorter(face: str, row: Row, spec: Spec, inputs: Sequence[Spec]) -> str:
    """Whole sums as np.sum; and on arrays no [()], which makes a number of an array without axes."""
    assert row.gate is not None
    shape, axes = inputs[0].shape, tuple(range(len(inputs[0].shape) - len(spec.shape)))
    if row.gate.name == "sum_to" and spec.shape == shape[len(axes) :]:
        axis = f", axis={axes[0] if len(axes) == 1 else axes}" if spec.shape else ""
        return f"np.sum({{x}}{axis})" if axes else "{x}"
    return face.removesuffix("[()]") if spec.shape else face


def strong(text: Text, dtype: np.dtype[Any]) -> Text:
    """A plain Python number as a NumPy number: with it, 1 / 0 is infinite and float32 stays float32."""
    return Text(f"np.{dtype.name}({text.text})")


NUMPY = dataclasses.replace(
    PYTHON,
    name="numpy",
    scalar=False,
    dtypes=NAMES,
    number=number,
    attribute=attribute,
    open=open_function,
    zero=zero,
    casts={name: f"np.{name}({{x}})" for name in NAMES},
    guarded={},
    shorter=shorter,
    strong=strong,
)
