"""A clean table, written in one export habit or another: what a reader has to get back is known.

`truth(random)` makes columns of decimal numbers, `Habit` is a way to write them, `written` gives the bytes.
`outcome` reads them back: right, right once the flags that the refusals name are typed, refused, or wrong.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

import numpy as np

from pullback.data.columns import recognise
from pullback.data.dialect import Hints
from pullback.data.encode import Cells, Written
from pullback.data.missing import Missing
from pullback.data.table import parse_any_table
from pullback.errors import DataError


@dataclass(frozen=True)
class Numbers:
    """A column of numbers as they are; None is missing. places: decimals."""

    name: str
    values: list[Decimal | None]
    places: int


@dataclass(frozen=True)
class Truth:
    """What the table says: number columns, a column of texts, and the class to predict."""

    numbers: list[Numbers]
    texts: list[str]
    classes: list[str]

    def __len__(self):
        return len(self.classes)


@dataclass(frozen=True)
class Habit:
    """One way to write a table. group: what stands between thousands; "indian" is 12,34,567."""

    separator: str = ","
    decimal: str = "."
    group: str = ""
    fixed: bool = True  # 1.50 and not 1.5
    bare: bool = False  # .5 and not 0.5
    minus: str = "-"  # or U+2212, "()" or "after"
    missing: str = ""
    formula: bool = False
    quote: str = "minimal"  # or "all", "texts"
    encoding: str = "utf-8"
    newline: str = "\n"
    index: str = ""  # "pandas", "R", "R short", "names"
    titles: tuple[str, ...] = ()
    padded: bool = False
    footer: tuple[str, ...] = ()
    totals: str = ""
    trailing: str = ""  # "all" or "rows"
    first: str = ""  # a line before everything, such as sep=;
    box: str = ""  # "psql", "mysql", "markdown", "sqlcmd"
    again: int = 0  # the header once more after so many rows
    wide: int = 0  # pad cells with blanks to so many characters
    money: tuple[str, str] = ("", "")  # before, after: of the first column
    percent: str = ""  # behind the second column
    unit: str = ""  # behind the third


WORDS = ("grün", "blå", "rosé", "plain")


# least, most, decimals
SIZES = [(1, 99, 0), (100, 99_999, 0), (1_000, 9_999, 0), (0, 10, 2), (0, 90, 3), (1, 900, 3),
         (-50, 50, 1), (100, 2_000_000, 2), (0, 1, 4), (-9_000, 9_000, 2)]  # fmt: skip


def truth(random: Random, *, gaps: bool = False) -> Truth:
    """20 to 60 rows; the first column decides the class."""
    n = random.randint(20, 60)
    columns = []
    for name, (low, high, places) in zip("abc", random.sample(SIZES, 3), strict=False):
        values = [
            Decimal(random.randint(low * 10**places, high * 10**places)).scaleb(-places)
            for _ in range(n)
        ]
        columns.append(Numbers(f"{name} value", values, places))
    middle = sorted(columns[0].values)[n // 2]
    classes = ["high" if value > middle else "low" for value in columns[0].values]
    if gaps:
        k = random.choice([0, 1, 2])
        for i in random.sample(range(n), random.randint(1, n // 3)):
            columns[k].values[i] = None
    return Truth(columns, [random.choice(WORDS) for _ in range(n)], classes)


def number(value: Decimal, places: int, habit: Habit) -> str:
    """The digits of a number and its minus, without a unit."""
    whole, _, part = f"{abs(value):.{places}f}".partition(".")
    if not habit.fixed:
        part = part.rstrip("0")
    if habit.group == "indian" and len(whole) > 3:
        head, tail = whole[:-3], whole[-3:]
        whole = ",".join([*_pieces(head, 2), tail])
    elif habit.group and habit.group != "indian":
        whole = habit.group.join(_pieces(whole, 3))
    if habit.bare and part and whole == "0":
        whole = ""
    digits = whole + (habit.decimal + part if part else "")
    if value >= 0:
        return digits
    return {"()": f"({digits})", "after": f"{digits}-"}.get(habit.minus, habit.minus + digits)


def _pieces(digits: str, size: int) -> list[str]:
    start = len(digits) % size
    return [digits[:start]] * bool(start) + [
        digits[i : i + size] for i in range(start, len(digits), size)
    ]


def _cells(truth: Truth, habit: Habit) -> list[list[str]]:
    marks = [habit.money, ("", habit.percent), ("", habit.unit)]
    columns = []
    for column, (before, after) in zip(truth.numbers, marks, strict=True):
        cells = []
        for value in column.values:
            text = (
                habit.missing
                if value is None
                else before + number(value, column.places, habit) + after
            )
            cells.append(f'="{text}"' if habit.formula and value is not None else text)
        columns.append(cells)
    return [list(row) for row in zip(*columns, truth.texts, truth.classes, strict=True)]


def written(truth: Truth, habit: Habit) -> bytes:
    """The table as a file."""
    header = [*(column.name for column in truth.numbers), "colour", "class"]
    rows = _cells(truth, habit)
    if habit.index:
        labels = [
            f"r{i * 7919 % 997}" if habit.index == "names" else str(i) for i in range(len(rows))
        ]
        rows = [[label, *row] for label, row in zip(labels, rows, strict=True)]
        header = header if habit.index == "R short" else ["", *header]
    if habit.totals:
        sums = [sum(v for v in c.values if v is not None) for c in truth.numbers]
        cells = [number(s, c.places, habit) for s, c in zip(sums, truth.numbers, strict=True)]
        rows.append([habit.totals, *cells, "", ""] if habit.index else [*cells, habit.totals, ""])
    if habit.again:
        rows.insert(habit.again, list(header))
    width = len(header)
    if habit.trailing:
        rows = [[*row, ""] for row in rows]
        header = [*header, ""] if habit.trailing == "all" else header
    lines = [habit.first] * bool(habit.first)
    lines += [title + habit.separator * (width - 1) * habit.padded for title in habit.titles]
    lines += _table(header, rows, habit)
    lines += [foot + habit.separator * (width - 1) * habit.padded for foot in habit.footer]
    text = habit.newline.join(lines) + habit.newline
    return text.encode(habit.encoding)


def _table(header: list[str], rows: list[list[str]], habit: Habit) -> list[str]:
    if not habit.box:
        return [_line(row, habit, i == 0) for i, row in enumerate([header, *rows])]
    widths = [max(map(len, column)) + 1 for column in zip(header, *rows, strict=True)]
    padded = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in [header, *rows]]
    rule = ["-" * (w + 1) for w in widths]
    if habit.box == "psql":
        return [
            " " + "| ".join(padded[0]),
            "+".join(rule),
            *(" " + "| ".join(row) for row in padded[1:]),
        ]
    if habit.box == "sqlcmd":
        return ["|".join(padded[0]), "|".join("-" * w for w in widths), *map("|".join, padded[1:])]
    edge = "|" if habit.box == "markdown" else "+"
    ruled = edge + edge.join(rule) + edge
    body = ["| " + "| ".join(row) + "|" for row in padded]
    if habit.box == "markdown":
        return [body[0], ruled, *body[1:]]
    return [ruled, body[0], ruled, *body[1:], ruled]


def _line(row: list[str], habit: Habit, header: bool) -> str:
    cells = []
    for i, cell in enumerate(row):
        text = i >= len(row) - 2 or header
        parts = habit.separator if habit.separator.strip() else " "
        inside = parts in cell or '"' in cell
        quoted = habit.quote == "all" or (habit.quote == "texts" and text) or inside
        if habit.separator.isspace() and habit.separator != "\t" and not cell:
            cell = "NA"
        cells.append('"' + cell.replace('"', '""') + '"' if quoted else cell.rjust(habit.wide))
    return habit.separator.join(cells)


FLAG = re.compile(r"--(missing|decimal)[ =]('(?:[^']|'\"'\"')*'|[^ ,]\S*|,)")


def read(data: bytes, truth: Truth, hints: Hints) -> str:
    """Empty where every number comes back as it is; else which column is wrong, and how."""
    table = parse_any_table(data, name="t.csv", hints=hints).table
    if len(table) != len(truth):
        return f"{len(table)} rows instead of {len(truth)}"
    if table.column("class") != truth.classes or table.column("colour") != truth.texts:
        return "texts"
    for column in truth.numbers:
        gone = Missing(hints.missing, hints.not_missing)
        found = recognise(table, column.name, gone)
        if found.kind != "number":
            return f"{column.name} is called {found.said}"
        numbers = Cells(table, column.name, gone).numbers(Written(found.decimal, found.unit))
        wanted = [np.nan if v is None else float(v) for v in column.values]
        if not np.array_equal(numbers, wanted, equal_nan=True):
            at = next(
                i
                for i, (a, b) in enumerate(zip(numbers, wanted, strict=True))
                if a != b and not (a != a and b != b)
            )
            cell = table.column(column.name)[at]
            return f"{column.name}: {cell!r} is read as {numbers[at]}, not {wanted[at]}"
    return ""


def outcome(data: bytes, truth: Truth, habit: Habit) -> tuple[str, str]:
    """right, flags, refused or wrong; and what was said. A refusal has to name file, place and way out."""
    hints, said = Hints(), ""
    for _ in range(8):
        try:
            wrong = read(data, truth, hints)
        except DataError as error:
            said = str(error)
            named = said.startswith("t.csv") and ("column" in said or "line" in said)
            if not named:
                return "wrong", f"refused without a place: {said}"
            more = _typed(said, hints, habit)
            if more == hints:
                return "refused", said
            hints = more
            continue
        if wrong:
            return "wrong", wrong
        return ("flags", said) if hints != Hints() else ("right", "")
    return "wrong", f"no end of refusals: {said}"


def _typed(said: str, hints: Hints, habit: Habit) -> Hints:
    """The flags that an error names, as the person who knows the table types them."""
    for name, word in FLAG.findall(said):
        (plain,) = shlex.split(word) or [""]
        if name == "decimal" and plain == habit.decimal:
            return replace(hints, decimal=habit.decimal)
        if name == "missing" and plain == habit.missing:
            hints = replace(hints, missing=(*hints.missing, plain))
    return hints


def random_habit(random: Random) -> Habit:
    """Habits mixed at random, in ways that a program could write."""
    decimal, group = random.choice(
        [(".", ""), (".", ","), (",", "."), (",", "\u00a0"), (",", "\u202f"), (".", "'"),
         (".", "’"), (",", ""),
         (".", "indian"), (",", " ")]
    )  # fmt: skip
    pick = random.choice
    often = lambda *options: pick([*options, *[options[0]] * 2 * len(options)])  # noqa: E731
    # 9.750 in a file of commas is taken for 9.75: the one convention, so nobody writes otherwise here.
    foreign = [";", ";", "\t", "|"] + [","] * (group != ".")
    separator = pick([",", ";", "\t", "|"] if decimal == "." else foreign)
    index = often("", "pandas", "names", "R short")
    minus = often("-", "\u2212", "()", "after", "\u2013")
    some = (
        Habit() if minus == "after" else None
    )  # 12,50- €: nobody writes a unit behind such a minus
    habit = Habit(
        separator=separator,
        decimal=decimal,
        group=group,
        fixed=pick([True, True, False]),
        bare=often(False, True),
        minus=minus,
        missing=pick(["", "NA", "n.d.", "--", "#DIV/0!", ".", "NULL", "-999",
                      "<0.5", "not measured", "-9999"]),
        formula=often(False, True),
        quote=often("minimal", "all", "texts"),
        encoding=often("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"),
        newline=often("\n", "\r\n", "\r"),
        index=index,
        titles=often((), ("Report of the year",), ("Export", "made on 3 March"), ("# made by a program",)),
        padded=pick([False, True]),
        footer=often((), ("Source: the office",), ("(as of today)",)),
        totals="" if index == "R short" else often("", "Total", "Summe", "TOTAL:"),
        trailing="" if index == "R short" else often("", "all", "rows"),
        first=often("", f"sep={separator}"),
        again=0 if index == "R short" else often(0, 10),
        wide=often(0, 12),
        money=often(("", ""), ("$", ""), ("€ ", ""), ("", " €"), ("", "\u00a0EUR"), ("CHF ", ""),
                    ("", " kr")),
        percent=often("", "%", " %", "\u202f%"),
        unit=often("", " kg", "cm", " µg/l", " °C"),
    )  # fmt: skip
    habit = replace(habit, money=some.money, percent="", unit="") if some else habit
    return pick([*[habit] * 8, _boxed(random, habit), _aligned(random, habit)])


def _boxed(random: Random, habit: Habit) -> Habit:
    """As a database prints to a terminal: bars and ruled lines."""
    box = random.choice(["psql", "mysql", "markdown", "sqlcmd"])
    return replace(habit, separator="|", box=box, quote="minimal", first="", wide=0, index="", trailing="",
                   formula=False, totals="", padded=False, titles=(),
                   footer=random.choice([(), ("(40 rows)",)]))  # fmt: skip


def _aligned(random: Random, habit: Habit) -> Habit:
    """In columns of blanks, as R and Fortran write: a missing cell has a word, and no cell a blank."""
    signs = habit.group + "".join(habit.money) + habit.percent + habit.unit
    blank = " " in signs or habit.group == "."  # 9.750 is taken for 9.75, as between commas
    words = habit.missing.replace(" ", "") or "NA"
    plain = replace(habit, group="", money=("", ""), percent="", unit="") if blank else habit
    return replace(plain, separator=" ", wide=0, first="", missing=words, trailing="", formula=False,
                   titles=(), footer=(), totals="", padded=False,
                   index=random.choice(["", "R short"]), again=0)  # fmt: skip


def fitting(truth: Truth, habit: Habit) -> Habit:
    """The habit without what no reader could know and no writer could spell.

    That is a sentinel among the numbers, and signs that are not in Windows-1252.
    """
    signs = "".join((habit.group, habit.minus, *habit.money, habit.percent, habit.unit))
    if habit.encoding == "cp1252" and set(signs) & set("\u202f\u2212"):
        habit = replace(habit, encoding="utf-8")
    if not re.fullmatch("-9+", habit.missing):
        return habit
    values = [[v for v in c.values if v is not None] for c in truth.numbers if None in c.values]
    far = all(min(v) - int(habit.missing) > max(v) - min(v) for v in values)
    return habit if far else replace(habit, missing="NA")
