"""The one reader of numbers: the value of a cell under either decimal sign, and the sign of a column.

Nothing is guessed: `1,234` is 1234 where the decimal sign is a point and 1.234 where it is a comma, and
a cell knows both. What else a person writes around the digits (currency, percent, a unit, brackets for
a minus) is taken off, and what was taken off is kept, so that it can be said and compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

SIGNS = (".", ",")
CURRENCIES = frozenset(
    "$ € £ ¥ ₹ ₩ ₽ ₺ ₪ ฿ ₫ ₴ ₦ US$ CA$ AU$ A$ C$ R$ HK$ NZ$ S$ Rs Rs. Fr. kr kr. zł Kč Ft lei "  # noqa: SIM905
    "AED AUD BRL CAD CHF CLP CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PLN RON "
    "RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR".split()
)
# Characters that look like others: kinds of minus, of blank, of apostrophe.
_MINUS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"), "-")
_BLANK = dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f"), " ")
_OTHER = {ord("\u2019"): "'", ord("\u00b4"): "'", ord("\ufeff"): None, ord("\u200b"): None}
LOOKALIKES = _MINUS | _BLANK | _OTHER
_EXPONENT = r"(?:[eEdD][+-]?[0-9]{1,4})?"
_POINT = re.compile(
    r"(?=.?[0-9])(?:[0-9]+|[1-9][0-9]{0,2}(?:([,' ])[0-9]{3})(?:\1[0-9]{3})*"
    r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3})?(?:\.[0-9]*)?" + _EXPONENT  # Indian: 12,34,567
)
_COMMA = re.compile(
    r"(?=.?[0-9])(?:[0-9]+|[1-9][0-9]{0,2}(?:([.' ])[0-9]{3})(?:\1[0-9]{3})*)?"
    r"(?:,[0-9]+)?" + _EXPONENT
)
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# The same line by line: no two ways to match, so no backtracking.
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})(?:\n[+-]?(?:0|[1-9][0-9]{0,17}))*")
_LINE = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DECIMAL = re.compile(rf"{_LINE}(?:\n{_LINE})*")
_SURE = re.compile(  # a point that groups no thousands
    r"^[+-]?(?:0|[0-9]{4,})?\.|\.[0-9]{0,2}(?![0-9])|\.[0-9]{4}", re.MULTILINE
)
_CODE = re.compile(r"0[0-9]+")
_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_MONEY = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
_BEFORE = re.compile(rf"({_MONEY}) ?(?=[-+(.,]{{0,2}}[0-9])")
_NOT_IN_UNITS = r"\s\d,'+\-()=<>~*\"#?!:;|_\[\]{}"
_AFTER = re.compile(rf" ?([^.{_NOT_IN_UNITS}][^{_NOT_IN_UNITS}]{{0,11}}[23]?)")
_BRACKETED = re.compile(rf"\(([^()]*)\)( ?[^.{_NOT_IN_UNITS}][^{_NOT_IN_UNITS}]{{0,11}}[23]?)")
_BODY = re.compile(r"[0-9., ']*[0-9.,](?:[eEdD][+-]?[0-9]{1,4})?(?![0-9])")


class Numeral(NamedTuple):
    """A cell as a number: its value where the decimal sign is a point, and where it is a comma.

    None: it is not a number under that sign. unit: what stands beside the digits. habits: what else was
    taken off, in words.
    """

    point: float | None
    comma: float | None
    unit: str = ""
    habits: tuple[str, ...] = ()


def numeral_of(cell: str) -> Numeral | None:
    """Read one cell; None where it is no finite number under either sign.

    >>> numeral_of("1,234"), numeral_of("n.d.")
    (Numeral(point=1234.0, comma=1.234, unit='', habits=('thousands commas', 'decimal commas')), None)
    >>> numeral_of("(1.250,00 €)")
    Numeral(point=None, comma=-1250.0, unit='€', habits=('brackets are a minus', 'decimal commas'))
    """
    if _PLAIN.fullmatch(cell) and cell.isascii():
        value = _finite(cell)
        grouped = _GROUP.fullmatch(cell) is not None
        whole = "." not in cell
        other = value if whole else float(cell.replace(".", "")) if grouped else None
        return None if value is None else Numeral(value, other)
    text = cell.translate(LOOKALIKES).strip()
    habits: list[str] = []
    body, unit, negative = _trimmed(text, habits)
    if negative and "-" in text and "-" not in cell:
        habits.append("typographic minus")
    point = _value(body, _POINT, ",") if _POINT.fullmatch(body) else None
    comma = _value(body, _COMMA, ".") if _COMMA.fullmatch(body) else None
    if point is None and comma is None:
        return None
    said = (*habits, *_spelling(body, point, comma))
    return Numeral(_signed(point, negative), _signed(comma, negative), unit, said)


def _signed(value: float | None, negative: bool) -> float | None:
    return -value if negative and value is not None else value


def _trimmed(text: str, habits: list[str]) -> tuple[str, str, bool]:
    """The bare digits with their separators, the unit, and whether they are negative."""
    front, text, minus = _front(text, habits)
    body = _BODY.match(text)
    if minus is None or not body:
        return "", "", False
    digits, rest = body[0].rstrip(" "), text[body.end() :]
    if rest.strip() in ("-", "--") and digits.endswith((".", ",")):
        return digits[:-1], front, minus  # 5.- is five francs
    if rest.strip() == "-" and not minus:
        habits.append("minus behind the digits")
        return digits, front, True
    behind = _AFTER.fullmatch(rest)
    if rest and not behind:
        return "", "", False
    return digits, front + behind[1] if behind and rest else front, minus  # $5K is in $K


def _front(text: str, habits: list[str]) -> tuple[str, str, bool | None]:
    """Sign, currency and brackets, in any order. None for a sign that stands there twice."""
    unit, signs = "", 0
    minus = False
    if found := _BRACKETED.fullmatch(text):  # (5) kg
        text = f"({found[1]}{found[2]})"
    for _ in range(3):
        if found := _BEFORE.match(text):
            if unit:
                return "", "", None
            unit, text = found[1], text[found.end() :]
        if len(text) > 2 and text[0] == "(" and text[-1] == ")":
            text, signs, minus = text[1:-1].strip(), signs + 1, True
            habits.append("brackets are a minus")
        if text[:1] in ("-", "+"):
            signs, minus, text = signs + 1, minus or text[0] == "-", text[1:].lstrip()
    return unit, text, minus if signs < 2 else None


def _value(body: str, pattern: re.Pattern[str], group: str) -> float | None:
    plain = body.translate({ord(group): None, ord("'"): None, ord(" "): None})
    return _finite(plain.replace(",", ".").replace("d", "e").replace("D", "e"))


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _spelling(body: str, point: float | None, comma: float | None) -> list[str]:
    """Which marks stand between the digits. Both readings of `1,234` are named; the choice comes later."""
    said = []
    if " " in body:
        said.append("thousands blanks")
    if "'" in body:
        said.append("thousands apostrophes")
    if "," in body:
        said += ["thousands commas"] * (point is not None) + ["decimal commas"] * (
            comma is not None
        )
    elif "." in body and comma is not None:
        said.append("thousands points")
    return said


class Numerals:
    """The different cells of a column, read as numbers. strays: those that are none.

    signs: the decimal signs under which every number is one; both where nothing decides. same: whether
    it makes no difference. codes: whether they are digits with zeros in front. units: what stands beside
    the digits, and in how many different cells.
    """

    def __init__(self, cells: Collection[str]) -> None:
        self._cells = cells
        self.strays: list[str] = []
        self.units: Counter[str] = Counter()
        self.codes = False
        lines = "\n".join(cells)
        self.same = _WHOLE.fullmatch(lines) is not None
        # Most columns are plain, and there the lines are read as one text: twenty times as fast.
        self._plain = self.same or (
            _DECIMAL.fullmatch(lines) is not None
            and _SURE.search(lines) is not None
            and all(map(math.isfinite, map(float, cells)))
        )
        if self._plain:
            self.signs = frozenset(SIGNS) if self.same else frozenset(".")
            return
        read = {cell: numeral_of(cell) for cell in cells}
        self.strays = [cell for cell, found in read.items() if found is None]
        self._found = {cell: found for cell, found in read.items() if found is not None}
        numbers = self._found.values()
        self.units = Counter(n.unit for n in numbers if n.unit or n.point or n.comma)
        self.codes = bool(self._found) and not self.strays and _are_codes(self._found)
        self.same = all(n.point == n.comma for n in numbers)
        fits = {
            ".": all(n.point is not None for n in numbers),
            ",": all(n.comma is not None for n in numbers),
        }
        self.signs = frozenset(sign for sign in SIGNS if fits[sign])
        if len(self.signs) == 2 and not self.same and _has_groups(self._found):
            self.signs = frozenset({"," if any("." in cell for cell in self._found) else "."})

    def __len__(self) -> int:
        """How many different numbers there are."""
        return len(self._cells) if self._plain else len(self._found)

    @property
    def grouped(self) -> bool:
        """Whether blanks or apostrophes stand between thousands, so that no comma and no point does."""
        marks = ("thousands blanks", "thousands apostrophes")
        return not self._plain and any(m in n.habits for n in self._found.values() for m in marks)

    @property
    def decides(self) -> str:
        """The decimal sign that this column alone proves, or an empty string."""
        return next(iter(self.signs)) if len(self.signs) == 1 and len(self) else ""

    def values(self, sign: str) -> dict[str, float | None]:
        """Each different cell's number under a decimal sign; None where it is none."""
        if self._plain and (self.same or sign == "."):
            return {cell: float(cell) for cell in self._cells}
        return {cell: n.comma if sign == "," else n.point for cell, n in self._numbers().items()}

    def _numbers(self) -> dict[str, Numeral]:
        if not self._plain:
            return self._found
        return {cell: found for cell in self._cells if (found := numeral_of(cell))}

    def habits(self, sign: str) -> list[str]:
        """What was taken off the cells, each habit once, as it is under the chosen sign."""
        if self._plain:
            return []
        other = {",": ("thousands commas",), ".": ("decimal commas", "thousands points")}[sign]
        said = dict.fromkeys(h for n in self._found.values() for h in n.habits)
        if sign == "," and any("." in cell for cell in self._found):
            said["thousands points"] = None
        return [habit for habit in said if habit not in other]

    def with_unit(self, unit: str) -> str:
        """The first cell with this unit, or with none."""
        numbers = self._numbers().items()
        return next(cell for cell, n in numbers if n.unit == unit and (unit or n.point or n.comma))

    def unlike(self, sign: str) -> str:
        """A cell that is not a number under this decimal sign."""
        return next(cell for cell, value in self.values(sign).items() if value is None)


def _are_codes(cells: Collection[str]) -> bool:
    """Digits alone, and some begin with a 0 that no number has: 01067, 007."""
    return any(map(_CODE.fullmatch, cells)) and all(
        cell.isascii() and cell.isdigit() for cell in cells
    )


def _has_groups(cells: Collection[str]) -> bool:
    """Whether 1,234 stands beside 17 and 250 and never beside 2500: then the mark groups thousands.

    Were it the decimal sign, cells of one and of two decimals would stand there too.
    """
    whole = [cell.lstrip("+-") for cell in cells if cell.lstrip("+-").isdigit() and cell.isascii()]
    short = sum(len(cell) <= 3 and cell.strip("0") != "" for cell in whole)
    return short >= 3 and all(len(cell) <= 3 for cell in whole)
