"""`pullback train FILE --target NAME`: from rows to a run folder with a model that predicts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pullback.cli.app import STOPPED
from pullback.cli.printing import note, say, say_json
from pullback.data.columns import columns_said
from pullback.data.digits import digits
from pullback.data.shipped import SHIPPED
from pullback.data.table import shown
from pullback.models.job import Outcome, train_classifier, train_file
from pullback.models.mlp import MLPClassifier
from pullback.models.problem import Problem, Question
from pullback.models.tables import columns_of
from pullback.runs.endings import Ending, endings
from pullback.runs.folder import ROOT
from pullback.train.monitor import Monitors
from pullback.train.progress import progress


def train(  # noqa: PLR0913 - one argument a flag
    data: str,
    /,
    *,
    target: str = "",
    task: Literal["auto", "classification", "regression"] = "auto",
    order: Literal["auto", "random", "time"] = "auto",
    missing: tuple[str, ...] = (),
    not_missing: tuple[str, ...] = (),
    leave_out: tuple[str, ...] = (),
    number: tuple[str, ...] = (),
    category: tuple[str, ...] = (),
    decimal: Literal["auto", ".", ","] = "auto",
    header: Literal["auto", "yes", "no"] = "auto",
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

    A table is a text file of rows: commas, semicolons, tabs, bars or blanks between the cells. What
    each column is (number, category, date) is detected and printed; `target` is the column to learn.
    70 % of the rows are for training, 15 % for validation, 15 % for the test. Ctrl-C and SIGTERM stop
    early, keep the weights so far, and give the exit codes 130 and 143.

    data: a file; or digits (1,797 handwritten ones) or penguins (344 of three species)
    target: the column to predict
    task: classes or numbers; auto looks at the target
    order: how rows are split; auto is by time where a column of dates rises from row to row
    missing: one more way to write a missing cell, beside NA, ?, null and the like
    not_missing: a word that is a value and not a missing cell, such as NA for Namibia
    leave_out: a column not to use; repeat the option for more columns
    number: a column to be read as numbers, such as codes with zeros in front
    category: a column to be read as a category, such as whole numbers that are names
    decimal: the decimal sign, where the file does not show it
    header: whether the first line holds the column names; where not, they are x1, x2, ...
    hidden: units of a hidden layer; repeat the option for more layers
    epochs: passes over the training rows, at most
    learning_rate: step size; 0.05 for classes, 0.01 for numbers
    momentum: share of the last step that is added to the next
    weight_decay: L2 penalty on the weights
    batch: rows a step
    patience: stop after so many epochs without a better validation loss
    seed: random seed of the split, the starting weights and the order of rows
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
    question = Question(
        target=target,
        task=task,
        order=order,
        missing=missing,
        not_missing=not_missing,
        leave_out=leave_out,
        number=number,
        category=category,
        decimal=decimal,
        header=header,
    )
    if not target and data not in SHIPPED:
        raise columns_of(data, question)
    with endings() as ending, progress(epochs) as bar:
        monitor = Monitors((bar, ending))
        try:
            if target:
                outcome = train_file(
                    data, question, options, root=out, monitor=monitor, told=None if json else tell
                )
            else:
                model = MLPClassifier(**options)
                outcome = train_classifier(digits(), model, root=out, monitor=monitor)
        except KeyboardInterrupt:
            return ending.code or STOPPED
    return ending_said(outcome, ending, json)


def ending_said(outcome: Outcome, ending: Ending, json: bool) -> int:
    """Say what came of a training; the exit code."""
    if outcome.stopped == "interrupted":
        note("interrupted: the weights of the last full step are kept")
    elif ending.signal:
        note("interrupted after the last epoch: the results are complete")
    for remark in outcome.lost:
        note(remark)
    if json:
        say_json({name: value for name, value in asdict(outcome).items() if value is not None})
    else:
        say(*rows_of(outcome))
    return ending.code or (STOPPED if outcome.stopped == "interrupted" else int(bool(outcome.lost)))


# Notes that belong beside the result, because they may overturn it.
WEIGHTY = ("duplicate training rows", "left out although its cells begin")

# Why a training ended; {} is the number of its epochs.
ENDED = {
    "patience": "after {} epochs: the validation loss no longer falls; the best weights are kept",
    "max_epochs": "after {} epochs, the most that --epochs allows; the best weights are kept",
    "interrupted": "in epoch {}: interrupted",
}


def tell(problem: Problem) -> None:
    """What was understood of a table, before anything is learned from it."""
    for said in columns_said(problem.columns):
        note(said if said.startswith("and ") else f"column {said}")
    parts = ", ".join(f"{len(rows):,} {name}" for name, rows in problem.parts._asdict().items())
    how = f"in the order of {shown(problem.series)}" if problem.series else "at random"
    note(f"target {shown(problem.target)}: {problem.task}, as {problem.why}; --task overrides")
    note(f"rows split {how}: {parts}")
    for remark in problem.notes:
        note(remark)


def rows_of(outcome: Outcome) -> list[str]:
    """What a person wants to know about a training."""
    run = f"run            {outcome.run}  ({outcome.seconds:.1f} s)"
    told = [
        f"stopped        {ENDED[outcome.stopped].format(outcome.epochs)}",
        f"baseline       {outcome.baseline['verdict']}",
        *_linear(outcome),
        f"report         {outcome.report}",
    ]
    weighty = [text for text in outcome.notes if any(said in text for said in WEIGHTY)]
    extra = [*told, *(f"note           {text}" for text in weighty)]
    if outcome.test_accuracy is None:
        return [
            f"test R²        {outcome.test_r2:.4f}  ({outcome.test_rows} rows)",
            f"test RMSE      {outcome.test_error:.5g}",
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
        said = f"true {plain(true)}, predicted {plain(taken)}"
        rows.insert(2, f"common error   {said}  ({count} of {wrong} wrong)")
    return rows + extra


def _linear(outcome: Outcome) -> list[str]:
    """How a linear model does on the same test rows."""
    score = outcome.baseline["linear"]
    if score is None:
        return []
    shown_ = f"{score:.2%}" if outcome.test_accuracy is not None else f"test RMSE {score:.5g}"
    return [f"linear model   {shown_}"]


def plain(text: object) -> str:
    """A label comes from a file: it must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:80])
