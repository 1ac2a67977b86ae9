"""From records to a header and its columns: what stands around the rows is recognised, left out and said.

Titles above the names, comments, ruled lines, an index without a name, separators at the end of every
line, a repeated header, totals and remarks below. Whatever does not fit any of these is a `DataError`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from pullback.data.dates import form_of
from pullback.data.dialect import Header
from pullback.data.numerals import numeral_of
from pullback.data.records import Record
from pullback.data.text import Limits, shown
from pullback.errors import DataError

_RULE = re.compile(r"[-+=:| ]*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
_TOTAL = re.compile(
    r"(?:grand |sub-?)?totals?|sum|summe|gesamt(?:summe)?|insgesamt|total g[eé]n[eé]ral|somme|totale|"
    r"suma|totaal|yhteensä|итого|mean|average|mittelwert|moyenne|media",
    re.IGNORECASE,
)


@dataclass
class Layout:
    """A header, its columns of stripped cells, the line of each row, and remarks for a person."""

    header: tuple[str, ...]
    columns: list[list[str]]
    lines: list[int]
    notes: list[str] = field(default_factory=list)


def laid_out(records: list[Record], name: str, limits: Limits, header: Header = "auto") -> Layout:
    """Find the names and the rows. header: whether the first line holds names; auto finds out."""
    notes: list[str] = []
    records = _without_rules(records, notes)
    if not records:
        raise DataError(f"{name} is empty.")
    width = Counter(len(record.cells) for record in records).most_common(1)[0][0]
    records = _without_comments(records, width, notes)
    first, rows = _split_header(records, width, header, name, notes)
    rows = _without_footer(rows, len(first.cells), notes)
    rows = _of_one_width(rows, first, name, notes)
    rows = _without_repeated_header(rows, first, notes)
    if not rows:
        raise DataError(f"{name} has a header but no rows.")
    if len(first.cells) > limits.columns:
        raise DataError(
            f"{name}: {len(first.cells):,} columns; at most {limits.columns:,} are read."
        )
    columns = [
        list(map(str.strip, column)) for column in zip(*(r.cells for r in rows), strict=True)
    ]
    found = Layout(tuple(map(str.strip, first.cells)), columns, [r.line for r in rows], notes)
    if header == "no":
        found.header = tuple(f"x{i}" for i in range(1, len(columns) + 1))
    _drop_totals(found)
    _drop_unnamed(found, name)
    _check_names(found, name, first.line, checked=header == "auto")
    return found


def _is_blank(record: Record) -> bool:
    return not any(map(str.strip, record.cells))


def _is_rule(record: Record) -> bool:
    return any("--" in c or "==" in c for c in record.cells) and all(
        map(_RULE.fullmatch, record.cells)
    )


def _without_rules(records: list[Record], notes: list[str]) -> list[Record]:
    """Without lines of nothing but dashes and without lines of empty cells."""
    kept = [record for record in records if not _is_blank(record)]
    ruled = [r for r in kept if r.cells[0].lstrip()[:1] in "-+=|:" and _is_rule(r)]
    if ruled:
        gone = {record.line for record in ruled}
        kept = [record for record in kept if record.line not in gone]
        notes.append(f"{_lines(ruled)} left out: ruled")
    empty = len(records) - len(kept) - len(ruled)
    if empty and any(len(record.cells) > 1 for record in records if _is_blank(record)):
        notes.append(f"{empty:,} line{'s' * (empty > 1)} of empty cells left out")
    return kept


def _without_comments(records: list[Record], width: int, notes: list[str]) -> list[Record]:
    """Without lines that begin with #, above the rows or of another width than theirs.

    Of the last one above, only the # goes where it holds the names.
    """
    marked = [r for r in records if r.cells[0].lstrip().startswith("#") and not _is_id(r, width)]
    top = next((i for i, r in enumerate(records) if i >= len(marked) or r is not marked[i]), 0)
    comments = marked[:top] + [r for r in marked[top:] if len(r.cells) != width]
    if not comments:
        return records
    gone = {record.line for record in comments}
    kept = [record for record in records if record.line not in gone]
    last = next((c for c in reversed(comments) if kept and c.line < kept[0].line), None)
    named = last and len(last.cells) == width and _all_words(last) and not _all_words(kept[0])
    if last and named:
        comments.remove(last)
        kept.insert(0, Record(last.line, [last.cells[0].lstrip(" #"), *last.cells[1:]]))
    if comments:
        notes.append(f"{_lines(comments)} left out: comments")
    return kept


def _is_id(record: Record, width: int) -> bool:
    """A first column that is called # or holds #1, #2."""
    first = record.cells[0].strip()
    return len(record.cells) == width and (first == "#" or first[1:].isdigit())


def _all_words(record: Record) -> bool:
    return not any(_NUMBER.fullmatch(cell.strip()) for cell in record.cells)


def _may_be_names(record: Record) -> bool:
    """No number, or numbers that count up, such as years."""
    numbers = [cell.strip() for cell in record.cells if _NUMBER.fullmatch(cell.strip())]
    return not numbers or (len(numbers) < len(record.cells) and _count_up(numbers))


def _filled(record: Record) -> int:
    return sum(1 for cell in record.cells if cell.strip())


def _split_header(
    records: list[Record], width: int, header: Header, name: str, notes: list[str]
) -> tuple[Record, list[Record]]:
    """The record with the names, and those below it. Titles above have at most half of the cells."""
    at = 0
    while (
        at < len(records) - 1 and width > 1 and _filled(records[at]) <= max(1, min(2, width // 2))
    ):
        if _filled(records[at]) == width or len(records[at].cells) > width:
            break
        at += 1
    if at and not (_may_be_names(records[at]) or header == "no"):
        at = 0  # what follows is no header, so what stands above is no title
    if at:
        notes.append(
            f"{_lines(records[:at])} left out: above the names, {shown(records[0].cells[0])}"
        )
    if header == "no":
        return records[at], records[at:]
    first, rows = records[at], records[at + 1 :]
    if rows and width == len(first.cells) + 1 and _has_row_names(first, rows, width):
        notes.append("the first column has no name: row names, as R writes them")
        return Record(first.line, ["", *first.cells]), rows
    return first, rows


def _has_row_names(first: Record, rows: list[Record], width: int) -> bool:
    """R writes a header that is one name short: the first cell of a row is its name."""
    full = [row for row in rows if len(row.cells) == width]
    labels = [row.cells[0].strip() for row in full]
    ends = any(row.cells[-1].strip() for row in full)
    whole = all(label.isdigit() and label.isascii() for label in labels)
    rising = whole and all(int(a) < int(b) for a, b in pairwise(labels))
    named = rising or not (whole or any(map(numeral_of, labels)))
    unique = len(set(labels)) == len(full) > 0.9 * len(rows) - 3
    return ends and named and unique and _all_words(first)


def _without_footer(rows: list[Record], width: int, notes: list[str]) -> list[Record]:
    """Without remarks below the rows: one cell, and a word in it."""
    end = len(rows)
    while end > 1 and width > 1 and end > len(rows) - 10 and _is_remark(rows[end - 1], width):
        end -= 1
    if end < len(rows):
        notes.append(f"{_lines(rows[end:])} left out: below the rows, {shown(rows[end].cells[0])}")
    return rows[:end]


def _is_remark(record: Record, width: int) -> bool:
    filled = [cell.strip() for cell in record.cells if cell.strip()]
    label = record.cells[0].strip()
    few = len(filled) < width and (len(filled) < 2 or (len(filled) == 2 and label.endswith(":")))
    words = any(re.search(r"[^\W\d_]{2}", cell) for cell in filled)
    return few and words and not _NUMBER.fullmatch(label)


def _of_one_width(rows: list[Record], first: Record, name: str, notes: list[str]) -> list[Record]:
    """Rows as wide as the header. Only empty cells at the end may be too many."""
    width = len(first.cells)
    if all(len(row.cells) == width for row in rows):
        return rows
    longer = [row for row in rows if len(row.cells) > width]
    for row in rows:
        if len(row.cells) < width or any(map(str.strip, row.cells[width:])):
            if not any(map(str.strip, first.cells[len(row.cells) :])) and len(row.cells) < width:
                continue
            raise DataError(
                f"{name}, line {row.line}: {len(row.cells)} cells under a header of {width} columns."
            )
    if longer:
        notes.append(f"empty cells at the end of {_lines(longer)} left out")
    return [Record(r.line, (r.cells + [""] * (width - len(r.cells)))[:width]) for r in rows]


def _without_repeated_header(rows: list[Record], first: Record, notes: list[str]) -> list[Record]:
    again = [row for row in rows if row.cells == first.cells and _all_words(row)]
    if again and len(first.cells) > 1:
        notes.append(f"{_lines(again)} left out: the names again")
        return [row for row in rows if row.cells != first.cells]
    return rows


def _drop_unnamed(found: Layout, name: str) -> None:
    """Columns without a name: nothing in them, or an index. Anything else is refused."""
    kept, empty = [], []
    for i, (column, cells) in enumerate(zip(found.header, found.columns, strict=True)):
        if column:
            kept.append(i)
        elif not any(cells):
            empty.append(i + 1)
        elif i == 0 and _is_index(cells):
            found.notes.append("column 1 has no name and numbers or names the rows: left out")
        else:
            raise DataError(
                f"{name}: column {i + 1} has no name in the header.",
                where=[f"its first cell  {shown(next(filter(None, cells)))}"],
                fix=f"give it a name, or read the file without names: {NO_HEADER}",
            )
    if empty:
        what = ", ".join(map(str, empty[:5])) + (", ..." if len(empty) > 5 else "")
        found.notes.append(f"column {what}: no name and no cell filled, left out")
    if len(kept) < len(found.header):
        found.header = tuple(found.header[i] for i in kept)
        found.columns = [found.columns[i] for i in kept]


def _is_index(cells: list[str]) -> bool:
    """Whole numbers or names, all different. Dates and measures are more than an index."""
    if len(set(cells)) < len(cells) or form_of(cells):
        return False
    return all(cell.isdigit() for cell in cells) or not any(map(numeral_of, cells))


NO_HEADER = "--header no calls the columns x1, x2 and so on"


def _check_names(found: Layout, name: str, line: int, *, checked: bool) -> None:
    """DataError for two columns of one name, and for names that are a row."""
    seen: set[str] = set()
    repeated = next((c for c in found.header if c in seen or seen.add(c)), None)  # type: ignore[func-returns-value]
    if checked:
        _check_header(found, name, line)
    if repeated is not None:
        raise DataError(
            f"{name}: two columns are called {shown(repeated)}.",
            why=f"Where line {line} holds no names: {NO_HEADER}.",
        )


def _check_header(found: Layout, name: str, line: int) -> None:
    numbers = [column for column in found.header if _NUMBER.fullmatch(column)]
    if numbers and len(numbers) == len(found.header) and not _count_up(numbers):
        raise DataError(
            f"{name}: the first line holds numbers only, so the columns have no names.",
            fix=f"put a line with the column names on top; {NO_HEADER}",
        )
    if numbers and not _count_up(numbers):
        some = " and ".join(map(shown, numbers[:2]))
        raise DataError(
            f"{name}, line {line}: {some} look like numbers, not column names; is there no header?",
            why=f"{NO_HEADER}; --header yes takes line {line} as the names.",
        )
    pairs = zip(found.header, found.columns, strict=True)
    values = sum(column in cells for column, cells in pairs)
    if not numbers and values > len(found.header) / 2 and len(found.lines) > 2:
        raise DataError(
            f"{name}, line {line}: {shown(found.header[0])} and others also occur as cells below; is there "
            "no header?",
            why=f"{NO_HEADER}; --header yes takes line {line} as the names.",
        )


def _count_up(names: Sequence[str]) -> bool:
    """Numbers that name columns: 0, 1, 2 as pandas has it, years, wavelengths. They rise by equal steps."""
    values = [float(name.replace(",", ".")) for name in names]
    steps = {round(b - a, 9) for a, b in pairwise(values)}
    if len(values) < 3:
        years = all(re.fullmatch(r"(1[5-9]|20|21)\d\d", name) for name in names)
        return years or (values in ([0, 1], [1, 2]))
    rising = all(step > 0 for step in steps)
    return rising and (len(steps) == 1 or len(values) >= 8)


def _drop_totals(found: Layout) -> None:
    """Rows that sum others up, known by a word at the end of the table: left out and said."""
    n = len(found.lines)
    totals, words = [], []
    for i in range(n - 1, max(n - 4, 0), -1):
        word = next((c[i] for c in found.columns if _TOTAL.fullmatch(c[i].rstrip(" :"))), "")
        if not word or any(column.count(word) > 1 for column in found.columns):
            break
        totals.append(i)
        words.append(word)
    if not totals:
        _say_subtotals(found)
        return
    lines = [Record(found.lines[i], []) for i in reversed(totals)]
    found.notes.append(f"{_lines(lines)} left out: {shown(words[-1])} sums the others up")
    keep = n - len(totals)
    found.columns = [column[:keep] for column in found.columns]
    found.lines = found.lines[:keep]


def _say_subtotals(found: Layout) -> None:
    for column, cells in zip(found.header[:3], found.columns[:3], strict=False):
        for word in set(filter(_TOTAL.fullmatch, set(cells))):
            count = cells.count(word)
            rows = f"{count:,} row{'s' * (count > 1)}"
            found.notes.append(
                f"{rows} say {shown(word)} in column {shown(column)}: delete those that sum others up"
            )


def _lines(records: Sequence[Record]) -> str:
    if len(records) == 1:
        return f"line {records[0].line}"
    return f"{len(records):,} lines (the first is line {records[0].line})"
