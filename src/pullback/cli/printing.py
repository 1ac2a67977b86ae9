"""What goes to stdout: rows of coloured text, tables, JSON. No colours where the output is not a terminal."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

Run = tuple[str, str]  # ink, text
# Blue and vermilion are told apart by everybody, and read on black and on white.
INKS = {
    "value": "#2f7fd6",
    "pull": "#d9480f",
    "name": "italic",
    "gate": "bold",
    "title": "bold",
    "idle": "dim",
    "note": "dim",
    "error": "bold red",
}


def say(*rows: str | Iterable[Run]) -> None:
    """Print each row, a text or its runs of ink, on stdout."""
    _print(rows, sys.stdout)


def note(text: str) -> None:
    """A remark beside the results, on stderr."""
    tell([("note", text)])


def tell(*rows: str | Iterable[Run]) -> None:
    """Print each row on stderr."""
    _print(rows, sys.stderr)


def _print(rows: Iterable[str | Iterable[Run]], file: TextIO | None) -> None:
    """In colours where a person sees them: rich obeys NO_COLOR, TERM and what the terminal can do."""
    inked = [[("", row)] if isinstance(row, str) else list(row) for row in rows]
    if file is None or not file.isatty():
        print("\n".join("".join(text for _, text in row).rstrip(" ") for row in inked), file=file)
        return
    from rich.console import Console
    from rich.text import Text

    lines = [Text.assemble(*((text, INKS.get(ink, "")) for ink, text in row)) for row in inked]
    Console(file=file, highlight=False).print(Text("\n").join(lines), soft_wrap=True)


def say_table(head: Sequence[str], rows: Sequence[Sequence[str]], inks: Sequence[str]) -> None:
    """A table: aligned for a person, separated by tabs for a program that reads our output.

    A column whose ink is value or pull holds numbers and is set to the right.
    """
    if not is_watched():
        say(*("\t".join(row) for row in [head, *rows]))
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    say(_row(head, widths, inks, ["title"] * len(head)))
    say(*(_row(row, widths, inks, inks) for row in rows))


def _row(
    cells: Sequence[str], widths: Sequence[int], columns: Sequence[str], inks: Sequence[str]
) -> list[Run]:
    runs: list[Run] = []
    for cell, width, column, ink in zip(cells, widths, columns, inks, strict=True):
        text = cell.rjust(width) if column in ("value", "pull") else cell.ljust(width)
        runs += [(ink, text), ("", "  ")]
    return runs


def say_json(document: Any) -> None:
    """One JSON document on one line. NaN and the infinities become strings: JSON has no such numbers."""
    print(json.dumps(_plain(document), allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def is_watched() -> bool:
    """Whether a person sees stdout directly."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int:
    """Columns of the terminal, or of a wide sheet where there is none."""
    return shutil.get_terminal_size(fallback=(200, 24)).columns


def draws_boxes() -> bool:
    """Whether stdout can spell the characters that pictures are made of."""
    try:
        "┌─●×╎".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
