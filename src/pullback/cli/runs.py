"""`pullback runs`: what was trained so far, newest first."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pullback.cli.printing import note, say_json, say_table
from pullback.models.summaries import Summary, summaries
from pullback.runs.folder import ROOT

HEAD = ("run", "target", "test score", "epochs", "seconds", "started (UTC)", "state")
INKS = ("name", "name", "value", "value", "value", "note", "note")


def runs(*, runs: Path = ROOT, json: bool = False) -> int:
    """List the trainings so far, newest first.

    runs: the folder of run folders
    json: print one JSON document

    $ pullback runs
    """
    found = summaries(runs)
    if json:
        say_json({"runs": [asdict(run) for run in found]})
    elif found:
        say_table(HEAD, [row_of(run) for run in found], INKS)
    else:
        note(f"there are no runs in '{runs}' yet")
    return 0


def row_of(run: Summary) -> tuple[str, ...]:
    """A run as cells of a table; what is not known is empty."""
    return (
        run.name,
        run.target,
        _score(run),
        _said(run.epochs, ".0f"),
        _said(run.seconds, ".1f"),
        run.started[:16].replace("T", " "),
        run.state,
    )


def _score(run: Summary) -> str:
    if run.test_r2 is not None:
        return f"R² {run.test_r2:.3f}"
    return "" if run.test_accuracy is None else f"accuracy {run.test_accuracy:.2%}"


def _said(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
