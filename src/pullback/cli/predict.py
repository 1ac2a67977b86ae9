"""`pullback predict latest rows.csv`: the prediction of a trained run for each row of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pullback.cli.printing import note, say, say_json
from pullback.data.table import shown
from pullback.models.predictions import Predictions, predict_table, write_predictions
from pullback.runs.folder import ROOT


def predict(  # noqa: PLR0913 - one argument a flag
    run: str,
    table: Path,
    /,
    *,
    proba: bool = False,
    decimal: Literal["auto", ".", ","] = "auto",
    out: Path | None = None,
    runs: Path = ROOT,
    json: bool = False,
) -> int:
    """Predict the class or number of each row.

    One line a row: the likeliest class and its probability; or the predicted number.

    run: a run's name, its folder, or latest
    table: a table with the feature columns of the run, in any order
    proba: the probability of every class, under a header, separated by tabs
    decimal: the decimal sign, where neither the table nor the run shows it
    out: write a CSV file instead: all columns of the table, and the predictions behind them
    runs: the folder of run folders
    json: print one JSON document

    $ pullback predict digits-1 digits.csv
    $ pullback predict digits-1 digits.csv --out predictions.csv
    """
    found = predict_table(run, table, root=runs, decimal=decimal)
    for remark in found.notes:
        note(remark)
    if found.ignored:
        more = f" and {len(found.ignored) - 12:,} more" if len(found.ignored) > 12 else ""
        note(f"ignored columns: {', '.join(map(shown, found.ignored[:12]))}{more}")
    if out is not None:
        write_predictions(found, out)
    if json:
        say_json(_document(found, proba) | {"out": out and str(out)})
    elif out is not None:
        say(f"Wrote {len(found.labels):,} rows to {out}.")
    else:
        say(*_lines(found, proba))
    return 0


def _document(found: Predictions, proba: bool) -> dict[str, object]:
    said: dict[str, object] = {"run": found.run}
    if found.proba is None:
        return {**said, "numbers": found.labels}
    said |= {"labels": found.labels, "probabilities": found.probabilities}
    return {**said, "classes": found.classes, "proba": found.proba} if proba else said


def _lines(found: Predictions, proba: bool) -> list[str]:
    labels = found.labels.tolist()
    if found.proba is None:
        return [f"{number:.6g}" for number in labels]
    if not proba:
        pairs = zip(map(_printable, labels), found.probabilities.tolist(), strict=True)
        return [f"{label}  {probability:.4f}" for label, probability in pairs]
    rows = zip(map(_printable, labels), found.proba.tolist(), strict=True)
    head = "\t".join(["label", *map(_printable, found.classes)])
    return [head, *("\t".join([label, *(f"{p:.4f}" for p in row)]) for label, row in rows)]


def _printable(label: object) -> str:
    # A label comes from a file: it must not steer the terminal.
    return "".join(c if c.isprintable() else "?" for c in str(label))
