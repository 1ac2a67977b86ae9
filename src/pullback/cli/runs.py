"""`pullback runs`: what was trained so far, newest first."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pullback.models.job import Summary, summaries
from pullback.runs.folder import ROOT


def runs(*, runs: Path = ROOT, json: bool = False) -> int:
    """List the trainings so far, newest first.

    runs: the folder of run folders
    json: one line of JSON instead
    """
    found = summaries(runs)
    if json:
        print(msgspec.json.encode({"runs": found}).decode())
    elif found:
        Console().print(table_of(found))
    else:
        print(f"no runs in '{runs}' yet")
    return 0


def table_of(found: tuple[Summary, ...]) -> Table:
    """One row a run."""
    table = Table("run", "state", "started (UTC)", box=None, pad_edge=False)
    for heading in ("test accuracy", "epochs", "seconds"):
        table.add_column(heading, justify="right")
    for run in found:
        numbers = (
            _said(run.test_accuracy, ".2%"),
            _said(run.epochs, ".0f"),
            _said(run.seconds, ".1f"),
        )
        texts = (run.name, run.state, run.started[:16].replace("T", " "), *numbers)
        table.add_row(*(Text(text) for text in texts))  # Text: no markup from a folder's name
    return table


def _said(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
