"""Numbers as people read them, all in one place: in pictures, in a terminal's pictures, in sentences.

Never -0. A picture has three digits and a real minus sign; a terminal's picture the same digits with
the minus sign of the keyboard, because what stands there is typed again; a title has all digits.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from pullback.core.speech import SHORT
from pullback.core.speech import number as number  # the form of sentences, told from down there

MINUS = "−"
# What a few roundings may add up to: eight units in the last place.
NOISE = 8 * float(np.finfo(np.float64).eps)
FLOAT32_NOISE = 8 * float(np.finfo(np.float32).eps)


class Shown(NamedTuple):
    """A number or array in a few characters. odd: it holds a NaN or an infinity."""

    text: str
    odd: bool = False


def shown(value: Any, digits: int = 3) -> Shown:
    """A value for a label: a number, a short vector, or an array by its shape and range.

    >>> shown(-0.0).text, shown(-12.0).text, shown(0.5).text, shown(0.2099).text, shown(1.5e-7).text
    ('0', '−12', '0.5', '0.210', '1.5e−7')
    >>> shown(np.array([-1.0, 2.5])).text, shown(np.arange(8.0)).text
    ('[−1 2.5]', '(8) 0…7')
    """
    array = np.asarray(value)
    if array.ndim == 0:
        return Shown(_number(array[()], digits), _odd(array))
    if array.ndim == 1 and 0 < array.size <= SHORT:
        return Shown(f"[{' '.join(_number(v, digits) for v in array)}]", _odd(array))
    if array.size == 0:
        return Shown(f"{shape_text(array.shape)} empty")
    if array.dtype.kind == "b":
        return Shown(f"{shape_text(array.shape)} {int(array.sum())} true")
    if array.dtype.kind == "f" and np.isnan(array).any():
        return Shown(f"{shape_text(array.shape)} {int(np.isnan(array).sum())} NaN", True)
    low, high = array.min(), array.max()
    text = f"{_number(low, digits)}…{_number(high, digits)}"
    odd = array.dtype.kind == "f" and not (np.isfinite(low) and np.isfinite(high))
    return Shown(f"{shape_text(array.shape)} {text if low != high else _number(low, digits)}", odd)


def typed(value: Any, digits: int = 3) -> str:
    """The same with characters that every keyboard has.

    >>> typed(-12.0), typed(0.2099), typed(-np.inf), typed(np.arange(-4.0, 4.0))
    ('-12', '0.210', '-Inf', '(8) -4..3')
    """
    return shown(value, digits).text.replace(MINUS, "-").replace("…", "..")


def _odd(array: Any) -> bool:
    return array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape in brackets, without Python's lone comma.

    >>> shape_text((32, 784)), shape_text((3,))
    ('(32, 784)', '(3)')
    """
    return f"({', '.join(map(str, shape))})"


def exact(value: Any) -> str:
    """A number with all its digits (as many as tell it from its neighbours), an array by shape and range.

    >>> exact(0.8807970779778823), exact(-12.0)
    ('0.8807970779778823', '−12')
    """
    array = np.asarray(value)
    if array.ndim:
        return shown(array, 6).text
    if array.dtype.kind != "f":
        return _number(array[()], 17)
    number = array[()]
    if not np.isfinite(number) or (number == int(number) and abs(number) < 1e16):
        return _number(number, 17)
    # item() of a float32 would print digits that it does not have.
    return (str(number) if array.dtype == np.float32 else repr(number.item())).replace("-", MINUS)


def _number(value: Any, digits: int) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value)).replace("-", MINUS)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Inf" if value > 0 else f"{MINUS}Inf"
    return _finite(value, digits).replace("-", MINUS)


def _finite(number: Any, digits: int) -> str:
    """Zeros at the end stay where they say "rounded": 0.5 is a half, 0.500 is only nearly one.

    A last bit or two of rounding noise does not count: 0.1 + 0.2 is shown as 0.3.
    """
    if number == 0.0:
        return "0"
    mantissa, power = f"{number:.{digits - 1}e}".split("e")
    exponent = int(power)
    plain = -4 < exponent < digits + 2
    text = f"{number:.{max(digits - 1 - exponent, 0)}f}" if plain else mantissa
    short = text.rstrip("0").rstrip(".") if "." in text else text
    tail = "" if plain else f"e{exponent}"
    noise = FLOAT32_NOISE if isinstance(number, np.float32) else NOISE
    exact = math.isclose(float(short + tail), float(number), rel_tol=noise)
    return (short if exact else text) + tail
