"""`pullback train digits`: from rows to a run folder with a model that predicts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import msgspec

from pullback.data.digits import digits
from pullback.models.job import Outcome, train_classifier
from pullback.models.mlp import MLPClassifier
from pullback.runs.folder import ROOT
from pullback.train.progress import progress

DATA = {"digits": digits}
INTERRUPTED = 130  # what shells expect of a command that Ctrl-C ended


def train(  # noqa: PLR0913  one argument a flag
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
    """Train a net on a data set and keep it in a run folder. Ctrl-C stops early and keeps what is learned.

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
    json: end with one line of JSON on stdout
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
    show(outcome, json)
    return INTERRUPTED if outcome.stopped == "interrupted" else 0


def show(outcome: Outcome, json: bool) -> None:
    """What a person wants to know about a training, or one line of JSON."""
    if outcome.stopped == "interrupted":
        print("interrupted: the weights of the last full step are kept", file=sys.stderr)
    if json:
        print(msgspec.json.encode(outcome).decode())
        return
    right = round(outcome.test_accuracy * outcome.test_rows)
    print(f"test accuracy  {outcome.test_accuracy:.2%}  ({right} of {outcome.test_rows} right)")
    print(f"test loss      {outcome.test_loss:.4f}")
    if outcome.confused:
        true, taken, count = outcome.confused
        print(
            f"most confused  {true} taken for {taken}, {count} of {outcome.test_rows - right} mistakes"
        )
    print(f"run            {outcome.run}  ({outcome.epochs} epochs, {outcome.seconds:.1f} s)")
