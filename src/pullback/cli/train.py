"""`pullback train FILE --target NAME`: from rows to a run folder with a model that predicts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pullback.cli.app import STOPPED
from pullback.cli.printing import note, say, say_json
from pullback.data.digits import digits
from pullback.data.shipped import SHIPPED
from pullback.data.table import shown
from pullback.models.again import columns_of, train_file
from pullback.models.job import Outcome, train_classifier
from pullback.models.mlp import MLPClassifier
from pullback.models.problem import Problem, Question
from pullback.runs.folder import ROOT
from pullback.train.progress import progress


def train(  # noqa: PLR0913 - one argument a flag
    data: str,
    /,
    *,
    target: str = "",
    task: Literal["auto", "classification", "regression"] = "auto",
    order: Literal["auto", "random", "time"] = "auto",
    missing: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    hidden: tuple[int, ...] = (64,),
    epochs: int = 100,
    learning_rate: float | None = None,
    momentum: float = 0.9,
    weight_decay: float = 0.001,
    batch: int = 32,
    patience: int = 10,
    seed: int = 0,
    out: Path = ROOT,
    json: bool = False,
) -> int:
    """Train a net on a data set or a table, and keep it in a run folder.

    A table is a CSV or TSV file with a header. What each column is (number, category, date) is
    found out and said; `target` is the column to learn. 70 % of the rows are learned from, 15 % say
    when to stop, 15 % judge the result. Ctrl-C stops early, keeps what is learned so far, and gives
    the exit code 130.

    data: a file; or digits (1,797 handwritten ones) or penguins (344 of three species)
    target: the column to be learned
    task: classes or numbers; auto looks at the target
    order: how rows are dealt out; auto is by time where a column of dates rises from row to row
    missing: one more way to write a missing cell, beside NA, ?, null and the like
    leave_out: a column that must not be learned from; again for another
    hidden: units of a hidden layer; give it again for another layer
    epochs: passes over the training rows, at most
    learning_rate: how far a step goes; 0.05 for classes, 0.01 for numbers
    momentum: how much of the last step goes on
    weight_decay: how hard weights are pulled towards 0
    batch: rows a step
    patience: stop after so many epochs without a better validation loss
    seed: of the split, the starting weights and the order of rows
    out: the folder of run folders
    json: print one JSON document

    $ pullback train digits --hidden 32 --epochs 5

    $ pullback train penguins --target species
    """
    options: dict[str, Any] = {
        "hidden": hidden,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "batch_size": batch,
        "max_epochs": epochs,
        "patience": patience,
        "random_state": seed,
    }
    if learning_rate is not None:
        options["learning_rate"] = learning_rate
    if data in SHIPPED:
        target = target or ("" if data == "digits" else SHIPPED[data].target)
    elif not target:
        raise columns_of(data)
    question = Question(target, task, order, missing, leave_out)
    with progress(epochs) as monitor:
        if target:
            outcome = train_file(
                data, question, options, root=out, monitor=monitor, told=None if json else tell
            )
        else:
            model = MLPClassifier(**options)
            outcome = train_classifier(digits(), model, root=out, monitor=monitor)
    interrupted = outcome.stopped == "interrupted"
    if interrupted:
        note("interrupted: the weights of the last full step are kept")
    if json:
        say_json({name: value for name, value in asdict(outcome).items() if value is not None})
    else:
        say(*rows_of(outcome))
    return STOPPED if interrupted else 0


def tell(problem: Problem) -> None:
    """What was understood of a table, before anything is learned from it."""
    for column in problem.columns:
        note(f"column {column.said}")
    parts = ", ".join(f"{len(rows):,}" for rows in problem.parts)
    how = f"in the order of {shown(problem.series)}" if problem.series else "at random"
    note(f"target {shown(problem.target)}: {problem.task}, as {problem.why}; --task overrides")
    note(f"rows dealt out {how}: {parts} to learn from, to stop by, to judge by")
    for remark in problem.notes:
        note(remark)


def rows_of(outcome: Outcome) -> list[str]:
    """What a person wants to know about a training."""
    run = f"run            {outcome.run}  ({outcome.epochs} epochs, {outcome.seconds:.1f} s)"
    told = [f"guessing       {outcome.baseline['verdict']}", f"report         {outcome.report}"]
    known = outcome.notes[-1:] if outcome.notes and "also stand" in outcome.notes[-1] else ()
    extra = [*told, *(f"note           {text}" for text in known)] if outcome.target else []
    if outcome.test_accuracy is None:
        return [
            f"test R²        {outcome.test_r2:.4f}  ({outcome.test_rows} rows)",
            f"typical error  {outcome.test_error:.5g}",
            run,
            *extra,
        ]
    right = round(outcome.test_accuracy * outcome.test_rows)
    rows = [
        f"test accuracy  {outcome.test_accuracy:.2%}  ({right} of {outcome.test_rows} right)",
        f"test loss      {outcome.test_loss:.4f}",
        run,
    ]
    if outcome.confused:
        true, taken, count = outcome.confused
        wrong = outcome.test_rows - right
        said = f"{plain(true)} taken for {plain(taken)}"
        rows.insert(2, f"most confused  {said}  ({count} of {wrong} wrong)")
    return rows + extra


def plain(text: object) -> str:
    """A label comes from a file: it must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:80])
