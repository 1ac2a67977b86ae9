"""Dates: which way a column writes them, and each of them as a number of days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_EPOCH = date(1970, 1, 1).toordinal()
_TIME = r"(?:[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?Z?)?"
_LONG = r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
_SHORT = r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})"
# How a form is called -> its pattern, and which groups hold year, month and day.
FORMS = {
    "year-month-day": (re.compile(_LONG + _TIME), (1, 3, 4)),
    "yyyymmdd": (re.compile(r"(1[5-9]\d\d|2[01]\d\d)(\d\d)(\d\d)"), (1, 2, 3)),
    "day/month/year": (re.compile(_SHORT + _TIME), (4, 3, 1)),
    "month/day/year": (re.compile(_SHORT + _TIME), (4, 1, 3)),
    "day month year": (
        re.compile(r"(\d{1,2})[-/. ]?([A-Za-z]{3,9})[-/., ]{0,2}(\d{4})"),
        (3, 2, 1),
    ),
    "month day, year": (re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}), ?(\d{4})"), (3, 1, 2)),
    "year": (re.compile(r"(1[5-9]\d\d|2[01]\d\d)"), (1, 0, 0)),
}


def day_of(text: str, form: str) -> float | None:
    """Days since the first of January 1970, the hours as a fraction; None where it is no such date.

    >>> day_of("1970-01-02 12:00", "year-month-day"), day_of("30.2.2020", "day/month/year")
    (1.5, None)
    """
    pattern, places = FORMS[form]
    found = pattern.fullmatch(text.strip()) if text.isascii() else None
    if not found:
        return None
    year, month, day = (_number(found[place]) if place else 1 for place in places)
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    clock = found.groups()[4:] if pattern.groups == 7 else ()
    hours, minutes, seconds = (int(part or 0) for part in (*clock, 0, 0, 0)[:3])
    if hours > 24 or minutes > 59 or seconds > 60:
        return None
    return days + (hours * 3600 + minutes * 60 + seconds) / 86400


def _number(text: str) -> int:
    """A part of a date; the month by its English name, 0 where it is none."""
    if text.isdigit():
        return int(text)
    known = [i for i, name in enumerate(MONTHS, 1) if name.startswith(text.lower())]
    return known[0] if len(known) == 1 else 0


def form_of(cells: Sequence[str]) -> str:
    """The form that every cell is a date of, or "". Years alone count where each follows the last.

    3/4/2020 is taken for the third of April unless another cell says that months come first.

    >>> form_of(["3/4/2020", "3/14/2020"]), form_of(["1700", "1701", "1702"]), form_of(["1990", "7"])
    ('month/day/year', 'year', '')
    """
    for form in FORMS:
        if form == "year":
            continue
        if all(day_of(cell, form) is not None for cell in cells):
            return form
    years = all(day_of(cell, "year") is not None for cell in cells)
    numbers = [int(cell) for cell in cells] if years else []
    rising = all(b - a == 1 for a, b in pairwise(numbers))
    return "year" if len(numbers) > 2 and rising else ""
