"""`pullback train digits`: from rows to a run folder with a model that predicts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from pullback.cli.app import STOPPED
from pullback.cli.printing import note, say, say_json
from pullback.data.digits import digits
from pullback.models.job import Outcome, train_classifier
from pullback.models.mlp import MLPClassifier
from pullback.runs.folder import ROOT
from pullback.train.progress import progress

DATA = {"digits": digits}


def train(  # noqa: PLR0913 - one argument a flag
    data: Literal["digits"],
    /,
    *,
    hidden: tuple[int, ...] = (64,),
    epochs: int = 100,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    weight_decay: float = 0.001,
    batch: int = 32,
    patience: int = 10,
    seed: int = 0,
    out: Path = ROOT,
    json: bool = False,
) -> int:
    """Train a net on a data set and keep it in a run folder.

    70 % of the rows are learned from, 15 % say when to stop, 15 % judge the result. Ctrl-C stops
    early, keeps what is learned so far, and gives the exit code 130.

    data: digits, 1,797 handwritten ones of 8 x 8 pixels
    hidden: units of a hidden layer; give it again for another layer
    epochs: passes over the training rows, at most
    learning_rate: how far a step goes
    momentum: how much of the last step goes on
    weight_decay: how hard weights are pulled towards 0
    batch: rows a step
    patience: stop after so many epochs without a better validation loss
    seed: of the split, the starting weights and the order of rows
    out: the folder of run folders
    json: print one JSON document

    $ pullback train digits --hidden 32 --epochs 5
    """
    model = MLPClassifier(
        hidden,
        learning_rate=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        batch_size=batch,
        max_epochs=epochs,
        patience=patience,
        random_state=seed,
    )
    with progress(epochs) as monitor:
        outcome = train_classifier(DATA[data](), model, root=out, monitor=monitor)
    interrupted = outcome.stopped == "interrupted"
    if interrupted:
        note("interrupted: the weights of the last full step are kept")
    if json:
        say_json(asdict(outcome))
    else:
        say(*rows_of(outcome))
    return STOPPED if interrupted else 0


def rows_of(outcome: Outcome) -> list[str]:
    """What a person wants to know about a training."""
    right = round(outcome.test_accuracy * outcome.test_rows)
    rows = [
        f"test accuracy  {outcome.test_accuracy:.2%}  ({right} of {outcome.test_rows} right)",
        f"test loss      {outcome.test_loss:.4f}",
        f"run            {outcome.run}  ({outcome.epochs} epochs, {outcome.seconds:.1f} s)",
    ]
    if outcome.confused:
        true, taken, count = outcome.confused
        wrong = outcome.test_rows - right
        rows.insert(2, f"most confused  {true} taken for {taken}  ({count} of {wrong} wrong)")
    return rows
