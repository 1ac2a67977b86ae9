"""Ambiguous cells are not guessed: a `DataError` names the cell and the option that decides."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from pullback.data.numerals import CURRENCIES, Numerals
from pullback.data.table import Table, shown
from pullback.errors import DataError

# A fill value: nines alone, the ends of a machine's whole numbers, or far beyond what is measured.
_FILL = re.compile(r"[+-]?(9{2,}([.,](0+|9+))?|2147483647|2147483648|32768)")
_FAR = 1e19
_SPOILT = re.compile(r"[-+(]?[0-9][0-9.' ]*,[0-9,.' ]*[)%]?")
_STARTS = re.compile(r"[<>~≈=±*]?\s*[-+]?[0-9]")


def flag(name: str, word: str) -> str:
    """An option as it is typed.

    >>> flag("missing", "n.d."), flag("missing", "--")
    ('--missing n.d.', '--missing=--')
    """
    quoted = shlex.quote(word if len(word) <= 40 else word[:39] + "…")
    return f"--{name}={quoted}" if word.startswith("-") else f"--{name} {quoted}"


def decimal_of(
    table: Table, name: str, numerals: Numerals, learned: tuple[str, str] = ("", "")
) -> str:
    """The decimal sign of a column: what its own cells prove; or else the file, or the run, or English.

    learned: the decimal sign and the separator that a run was trained with. DataError where a cell
    such as 9.750 may be two numbers and nothing decides.
    """
    dialect, signs = table.dialect, numerals.signs
    if dialect.given or not signs:
        _check_sign(table, name, numerals)
        return dialect.decimal
    if len(signs) == 1:
        return next(iter(signs))
    if numerals.same or dialect.decimal:
        return dialect.decimal or "."
    sign, separator = learned
    if sign and (separator == dialect.separator or (sign == "." and dialect.separator == ",")):
        return sign
    if sign != "," and not _may_be_grouped(table, numerals):
        return "."
    cell = next(c for c, point in numerals.values(".").items() if point != numerals.values(",")[c])
    point, comma = numerals.values(".")[cell], numerals.values(",")[cell]
    raise DataError(
        f"{table.place(name, cell)}: {shown(cell)} may be {point:.12g} or {comma:.12g}; no number in "
        "the file decides.",
        why=f"--decimal . reads {point:.12g}, --decimal , reads {comma:.12g}.",
    )


def _may_be_grouped(table: Table, numerals: Numerals) -> bool:
    """Whether 1,234 stands there, or 1.234 in a file that need not be English.

    A program that separates by commas or blanks and writes 1.234 means a decimal point.
    """
    english = table.dialect.separator[0] in ", " and not table.dialect.both
    return not english or any("," in cell for cell in numerals.values("."))


def _check_sign(table: Table, name: str, numerals: Numerals) -> None:
    """DataError where the cells are no numbers under the sign that was given, or under any one sign."""
    sign = table.dialect.decimal
    if table.dialect.given and sign in numerals.signs:
        return
    if table.dialect.given:
        cell = numerals.unlike(sign)
        raise DataError(
            f"{table.place(name, cell)}: {shown(cell)} is not a number with the decimal sign {sign!r}.",
            fix=f"--decimal {'.,'.replace(sign, '')}, or without --decimal",
        )
    one, other = numerals.unlike("."), numerals.unlike(",")
    raise DataError(
        f"{table.place(name, one)}: {shown(one)} has a decimal comma, {shown(other)} a decimal point; one "
        "column cannot have both.",
        why=f"{flag('leave-out', name)} leaves the column out.",
    )


def unit_of(table: Table, name: str, numerals: Numerals) -> str:
    """The unit that all cells of a column share; DataError where they have two, or some have none."""
    units = [unit for unit, _ in numerals.units.most_common()]
    if len(units) < 2 or (len(units) == 2 and "" in units and set(units) & CURRENCIES):
        return next((unit for unit in units if unit), "")
    usual, rare = units[0], units[-1]
    cell = numerals.with_unit(rare)
    alone = numerals.units[rare] == 1  # one odd cell may be a word for missing, such as -999
    reads = f"{flag('missing', cell)} reads it as missing, " if alone else ""
    said = f"is in {rare!r}" if rare else "has no unit"
    beside = f"others are in {usual!r}" if usual else "others have no unit"
    raise DataError(
        f"{table.place(name, cell)}: {shown(cell)} {said}; {beside}.",
        why=f"{reads}{flag('leave-out', name)} leaves the column out.",
    )


def refuse_strays(
    table: Table,
    name: str,
    here: Mapping[str, int],
    strays: Sequence[str],
    what: str,
    *,
    used: bool,
) -> None:
    """A few texts among numbers, or among dates, are no new kind of column: DataError names them.

    here: the cells that are not missing, with their counts. used: whether the column would be learned
    from as a category, so that nothing is lost.
    """
    if not used and strays and len(strays) == len(here) and all(map(_SPOILT.fullmatch, strays)):
        raise DataError(
            f"{table.place(name, strays[0])}: {shown(strays[0])} is not a {what}; its commas and points are "
            "in no known order.",
            why=f"{flag('leave-out', name)} leaves the column out.",
        )
    rows = sum(here.values())
    count = sum(here[cell] for cell in strays)
    numbers, different = rows - count, len(here) - len(strays)
    if not strays or numbers < 5:
        return
    few = count <= max(1, rows // 20)
    words = len(strays) <= 5 and (not used or (different > 10 and len(strays) <= 3))
    marked = not used and numbers * 5 >= rows and all(map(_STARTS.match, strays))
    if not (few or words or marked):
        return
    cell = min(strays, key=table.column(name).index)
    share = "nearly all others are" if few else f"{numbers:,} of {rows:,} are"
    several = [flag("missing", word) for word in strays[:5]] if len(strays) <= 5 else []
    them = "it" if len(several) == 1 else "them"
    reads = f"{' '.join(several)} reads {them} as missing, " if several else ""
    raise DataError(
        f"{table.place(name, cell)}: {shown(cell)} is not a {what}; {share}.",
        why=f"{reads}{flag('leave-out', name)} leaves the column out.",
    )


def refuse_sentinel(
    table: Table,
    name: str,
    here: Mapping[str, int],
    values: Mapping[str, float | None],
    kept: Sequence[str],
) -> None:
    """A number such as -999, far from all others, may stand for a missing one: DataError asks."""
    fills = [
        cell
        for cell, value in values.items()
        if value is not None
        and (_FILL.fullmatch(cell) or (abs(value) >= _FAR and here[cell] > 1))
        and cell.lower() not in kept
    ]
    if not fills or len(values) - len(fills) < 3:
        return
    others = [v for c, v in values.items() if v is not None and c not in fills]
    low, high = min(others), max(others)
    for cell in fills:
        value = values[cell]
        assert value is not None
        if max(low - value, value - high) > high - low:
            raise DataError(
                f"{table.place(name, cell)}: {shown(cell)} occurs in {here[cell]:,} of {len(table):,} rows, "
                f"and all others lie between {low:.6g} and {high:.6g}; does it mean missing?",
                why=f"{flag('missing', cell)} reads it as missing, {flag('not-missing', cell)} as a number.",
            )
