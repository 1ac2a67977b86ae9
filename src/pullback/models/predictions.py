"""Predictions as a table: the rows as they were read, and what a run says of each."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pullback.models.job import Answers
from pullback.runs.atomic import write_atomic


def write_predictions(answers: Answers, path: Path) -> Path:
    """Write a CSV file, whole or not at all: every column of the table, then the predictions.

    Classes: `predicted_TARGET` and the probability of each class; numbers: `predicted_TARGET` alone.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    name = "_".join(filter(None, ["predicted", answers.target]))
    writer.writerow([*answers.table.header, name, *(f"probability_{c}" for c in answers.classes)])
    shares = [[f"{p:.6g}" for p in row] for row in _shares(answers)]
    for row, label, more in zip(answers.table.rows, answers.labels.tolist(), shares, strict=True):
        writer.writerow([*row, f"{label:.10g}" if isinstance(label, float) else label, *more])
    write_atomic(path, text.getvalue().encode())
    return path


def _shares(answers: Answers) -> list[list[float]]:
    if answers.proba is None:
        return [[] for _ in answers.labels]
    found: list[list[float]] = answers.proba.tolist()
    return found
