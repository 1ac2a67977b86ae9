"""Every wire of a run, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pullback.cli.printing import say_table
from pullback.emit.numerals import number
from pullback.lens.wires import WireRow

DIGITS = 6


def say_wires(rows: Sequence[WireRow]) -> None:
    """One line a wire. Without values, only what it is made of."""
    if all(row.value is None for row in rows):
        say_table(("wire", "gate"), [(r.name, r.made) for r in rows], ("name", ""))
        return
    cells = [(r.name, r.made, shown(r.value), shown(r.pull)) for r in rows]
    say_table(("wire", "gate", "value", "grad"), cells, ("name", "", "value", "pull"))


def wires_as_json(rows: Sequence[WireRow]) -> list[dict[str, Any]]:
    """A null pull: nothing can pull there."""
    return [row._asdict() for row in rows]


def shown(value: Any) -> str:
    """A value in the cell of a table."""
    return "-" if value is None else number(value, DIGITS)
