"""`pullback evaluate latest labelled.csv`: how good is a run on rows whose answer is known?"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pullback.cli.printing import note, say, say_json
from pullback.models.again import Evaluation, evaluate_table
from pullback.runs.folder import ROOT


def evaluate(run: str, table: Path, /, *, runs: Path = ROOT, json: bool = False) -> int:
    """Judge a run by rows whose answer is known.

    Rows that the run has learned from make it look better than it is.

    run: a run's name, its folder, or latest
    table: a table with the columns the run learned from and the one it learned; or a shipped name
    runs: the folder of run folders
    json: print one JSON document

    $ pullback evaluate digits-1 digits
    """
    found = evaluate_table(run, table, root=runs)
    for remark in found.notes:
        note(remark)
    judged = found.judged
    if json:
        scores = {name.removeprefix("test_"): value for name, value in judged.scores().items()}
        baseline = asdict(judged.baseline)
        say_json({"run": found.run, "task": judged.task, **scores, "baseline": baseline})
    else:
        say(*_rows(found))
    return 0


def _rows(found: Evaluation) -> list[str]:
    judged = found.judged
    guessing = f"guessing       {judged.baseline.verdict}"
    if judged.task == "regression":
        error = judged.loss**0.5
        return [
            f"R²             {judged.score:.4f}  ({judged.rows} rows)",
            f"typical error  {error:.5g}",
            guessing,
        ]
    right = round(judged.score * judged.rows)
    return [
        f"accuracy       {judged.score:.2%}  ({right} of {judged.rows} right)",
        f"over classes   {judged.balanced:.2%}  (their mean)",
        f"loss           {judged.loss:.4f}",
        guessing,
    ]
