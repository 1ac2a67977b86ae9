"""One wording for every option that lies outside its range."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

from pullback.errors import OptionError


def check_number(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Refuse what is no finite number with above < value, least <= value < below.

    >>> check_number("momentum", 1.5, least=0, below=1)
    Traceback (most recent call last):
    pullback.errors.OptionError: momentum must be a number from 0 to below 1, got 1.5.
    """
    real = isinstance(value, Real) and not isinstance(value, bool)
    if not (real and math.isfinite(value) and above < value and least <= value < below):
        raise _refused(name, value, "a number", above, least, below)


def check_count(name: str, value: Any, *, least: int, below: float = math.inf) -> None:
    """Refuse what is not a whole number with least <= value < below.

    >>> check_count("units", 0, least=1)
    Traceback (most recent call last):
    pullback.errors.OptionError: units must be a whole number from 1, got 0.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or not least <= int(value) < below
    ):
        raise _refused(name, value, "a whole number", -math.inf, least, below)


def _refused(
    name: str, value: Any, kind: str, above: float, least: float, below: float
) -> OptionError:
    wanted = [f"above {above:,.10g}"] * (above > -math.inf)
    wanted += [f"from {least:,.10g}"] * (least > -math.inf)
    wanted += [f"to below {below:,.10g}"] * (below < math.inf)
    return OptionError(f"{name} must be {' '.join([kind, *wanted])}, got {value!r:.60}.")
