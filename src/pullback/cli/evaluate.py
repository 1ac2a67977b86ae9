"""`pullback evaluate latest labelled.csv`: how good is a run on labelled rows?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pullback.cli.printing import note, say, say_json
from pullback.models.evaluate import Evaluation, evaluate_table
from pullback.models.metrics import ClassMetrics, Metrics
from pullback.runs.folder import ROOT


def evaluate(
    run: str,
    table: Path,
    /,
    *,
    decimal: Literal["auto", ".", ","] = "auto",
    runs: Path = ROOT,
    json: bool = False,
) -> int:
    """Evaluate a run on labelled rows.

    Scores on rows that the run was trained on are too good. Such rows are recognised, and the other
    rows are scored separately.

    run: a run's name, its folder, or latest
    table: a table with the columns of the run and its target; or the name of a shipped data set
    decimal: the decimal sign, where neither the table nor the run shows it
    runs: the folder of run folders
    json: print one JSON document

    $ pullback evaluate digits-1 digits
    """
    found = evaluate_table(run, table, root=runs, decimal=decimal)
    for remark in found.notes:
        note(remark)
    if json:
        document = {"run": found.run, "task": found.metrics.task, **_document(found.metrics)}
        apart = {"unseen": _document(found.apart)} if found.apart else {}
        say_json({**document, "parts": found.parts, **apart})
    else:
        say(*_rows(found))
    return 0


def _document(metrics: Metrics) -> dict[str, Any]:
    scores = {name.removeprefix("test_"): value for name, value in metrics.scores().items()}
    return {**scores, "baseline": asdict(metrics.baseline)}


def _rows(found: Evaluation) -> list[str]:
    if found.apart is None:
        learned = sum(n for part, n in found.parts.items() if part in ("train", "validation"))
        said = f"all {learned:,} rows are training or validation rows of this run: no test of it"
        return _scores(found.metrics) + [f"note           {said}"] * bool(learned)
    met = ", ".join(
        f"{count:,} {'never seen' if part == 'new' else part}"
        for part, count in found.parts.items()
        if count
    )
    return [
        f"rows           {met}",
        "test and unseen rows, which had no part in the training:",
        *_scores(found.apart),
        "all rows, with those it was trained on:",
        *_scores(found.metrics),
    ]


def _scores(metrics: Metrics) -> list[str]:
    baseline = f"baseline       {metrics.baseline.verdict}"
    if not isinstance(metrics, ClassMetrics):
        return [
            f"R²             {metrics.score:.4f}  ({metrics.rows} rows)",
            f"RMSE           {metrics.loss**0.5:.5g}",
            baseline,
        ]
    right = round(metrics.score * metrics.rows)
    return [
        f"accuracy       {metrics.score:.2%}  ({right} of {metrics.rows} right)",
        f"mean recall    {metrics.balanced:.2%}  (over the classes)",
        f"loss           {metrics.loss:.4f}",
        baseline,
    ]
