"""`pullback predict latest digits.csv`: ask a trained run about each row of a table."""

from __future__ import annotations

from pathlib import Path

from pullback.cli.printing import note, say, say_json
from pullback.data.table import shown
from pullback.models.job import predict_table
from pullback.runs.folder import ROOT


def predict(run: str, table: Path, /, *, runs: Path = ROOT, json: bool = False) -> int:
    """Say which class each row of a table belongs to.

    One line a row: the likeliest label and its probability.

    run: a run's name, its folder, or latest
    table: a CSV file whose header names the columns the run learned from, in any order
    runs: the folder of run folders
    json: print one JSON document

    $ pullback predict latest digits.csv
    """
    answers = predict_table(run, table, root=runs)
    labels, probabilities = answers.labels.tolist(), answers.probabilities.tolist()
    if answers.ignored:
        note(f"ignored columns: {', '.join(map(shown, answers.ignored[:12]))}")
    if json:
        say_json({"run": answers.run, "labels": labels, "probabilities": probabilities})
    else:
        pairs = zip(map(_printable, labels), probabilities, strict=True)
        say(*(f"{label}  {probability:.4f}" for label, probability in pairs))
    return 0


def _printable(label: object) -> str:
    # A label comes from a file: it must not steer the terminal.
    return "".join(c if c.isprintable() else "?" for c in str(label))
