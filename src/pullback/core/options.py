"""The options of gates: what each kind takes, and the plain value that a circuit keeps of it.

A kind is a function (name, given) -> plain value: Python's own numbers, texts, None and tuples of them.
What does not fit is refused by name before anything runs, for numbers, Units and wires alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pullback.core.dtypes import DTYPES
from pullback.errors import OptionError, PullbackError, ShapeError

Kind = Callable[[str, Any], Any]
LARGEST = 2**63  # whole numbers beyond are no axis, size or index
NEW_AXIS = "new"


def plain(name: str, given: Any) -> Any:
    """Anything that can be kept and compared: what an option is that says nothing about itself."""
    value = _frozen(given)
    try:
        hash(value)
    except TypeError:
        raise OptionError(f"{name}={told(given)} is not a number, text or tuple of them.") from None
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(_frozen(v) for v in value)
    if isinstance(value, np.generic):
        return value.item()
    return value.name if isinstance(value, np.dtype) else value


def told(given: Any) -> str:
    """A value in an error: its repr, cut."""
    try:
        text = repr(given)
    except Exception:  # noqa: BLE001 - a number of too many digits, or somebody's own repr
        text = f"<{type(given).__name__}>"
    return text if len(text) <= 60 else f"{text[:57]}..."


def axis(name: str, given: Any) -> int:
    """One axis, counted from the front or, below 0, from the back."""
    return _whole(name, given, ShapeError)


def axes(name: str, given: Any) -> Any:
    """None, one axis or several."""
    if given is None or type(given) is int:
        return given if given is None else _whole(name, given, ShapeError)
    if isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim == 1):
        return tuple([_whole(name, one, ShapeError) for one in given])
    return _whole(name, given, ShapeError)


def flag(name: str, given: Any) -> bool:
    """Yes or no."""
    if isinstance(given, bool | np.bool_):
        return bool(given)
    raise OptionError(f"{name} must be True or False, got {told(given)}.")


def shape(name: str, given: Any) -> tuple[int, ...]:
    """Sizes; a single number is the size of the only axis."""
    several = isinstance(given, list | tuple) or (isinstance(given, np.ndarray) and given.ndim == 1)
    return tuple([_whole(name, one, ShapeError) for one in (given if several else (given,))])


def size(name: str, given: Any) -> int:
    """How many there are along an axis."""
    count = _whole(name, given, ShapeError)
    if count < 0:
        raise ShapeError(f"{name}={count} is below 0.")
    return count


def number(name: str, given: Any) -> Any:
    """One real number."""
    value = given[()] if isinstance(given, np.ndarray) and given.ndim == 0 else given
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**1023):
        return value
    raise OptionError(f"{name} must be one real number, got {told(given)}.")


def bound(unlimited: float) -> Kind:
    """One real number, or None for no bound on this side."""

    def kind(name: str, given: Any) -> Any:
        return unlimited if given is None else number(name, given)

    return kind


def one_of(*known: str) -> Kind:
    """One of these words."""
    listed = " or ".join([", ".join(map(repr, known[:-1])), repr(known[-1])])

    def kind(name: str, given: Any) -> str:
        if isinstance(given, str) and given in known:
            return str(given)
        raise OptionError(f"{name} must be {listed}, got {told(given)}.")

    return kind


def dtype(name: str, given: Any) -> str:
    """A kind of number that a wire carries, by name or as NumPy's or Python's type."""
    try:
        found = None if given is None else np.dtype(given)
    except (TypeError, ValueError):
        found = None
    if found is None or found not in DTYPES:
        listed = ", ".join(d.name for d in DTYPES)
        raise OptionError(f"{name} must be one of {listed}, got {told(given)}.")
    return str(found.name)


def index(name: str, given: Any) -> tuple[Any, ...]:
    """Integers, (start, stop, step) and "new" axes. A Python slice is a triple, None a new axis."""
    return tuple([_part(one) for one in (given if isinstance(given, list | tuple) else (given,))])


def _part(part: Any) -> Any:
    if part is None or (isinstance(part, str) and part == NEW_AXIS):
        return NEW_AXIS
    if isinstance(part, slice):
        part = (part.start, part.stop, part.step)
    try:
        if not isinstance(part, list | tuple):
            return _whole("index", part, ShapeError)
        triple = tuple([None if p is None else _whole("index", p, ShapeError) for p in part])
    except PullbackError:
        triple = ()
    if len(triple) != 3:
        raise ShapeError(
            f'index {told(part)} is not made of integers, (start, stop, step) and "new".'
        )
    if triple[2] == 0:
        raise ShapeError("index: the step must not be 0.")
    return triple


def pairs(name: str, given: Any) -> tuple[tuple[int, int], ...]:
    """A (before, after) pair of counts an axis."""
    value = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(value, list | tuple) and all(
        isinstance(p, list | tuple) and len(p) == 2 for p in value
    ):
        return tuple([(size(name, before), size(name, after)) for before, after in value])
    raise ShapeError(
        f"{name}={told(given)} does not give a (before, after) pair an axis.",
        fix=f"{name}=((1, 1),) for one axis, {name}=((1, 1), (2, 2)) for two",
    )


def _whole(name: str, given: Any, error: type[PullbackError]) -> int:
    # Not a bool: NumPy takes True for 1 in some places and refuses it in others.
    if type(given) is not int:
        value = given[()] if isinstance(given, np.ndarray) and given.ndim == 0 else given
        if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | np.integer):
            raise error(f"{name} {told(given)} is not a whole number.")
        given = int(value)
    if not -LARGEST <= given < LARGEST:
        raise error(f"{name}: a whole number of {given.bit_length()} bits is too large.")
    return int(given)
