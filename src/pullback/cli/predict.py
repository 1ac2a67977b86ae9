"""`pullback predict latest digits.csv`: ask a trained run about each row of a table."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from pullback.models.job import Answers, predict_table
from pullback.runs.folder import ROOT


def predict(run: str, table: Path, /, *, runs: Path = ROOT, json: bool = False) -> int:
    """Say which class each row of a table belongs to, one line a row: the label and its probability.

    run: a run's name, its folder, or latest
    table: a CSV file whose header names the columns the run learned from, in any order
    runs: the folder of run folders
    json: one line of JSON instead
    """
    answers = predict_table(run, table, root=runs)
    if answers.ignored:
        print(f"ignored columns: {', '.join(answers.ignored[:12])}", file=sys.stderr)
    show(answers, json)
    return 0


def show(answers: Answers, json: bool) -> None:
    """One line a row, or one line of JSON."""
    labels, probabilities = answers.labels.tolist(), answers.probabilities.tolist()
    if json:
        said = {"run": answers.run, "labels": labels, "probabilities": probabilities}
        print(msgspec.json.encode(said).decode())
        return
    for label, probability in zip(labels, probabilities, strict=True):
        print(f"{label}  {probability:.4f}")
