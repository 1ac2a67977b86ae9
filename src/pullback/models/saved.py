"""A trained model as a file and back: circuit, weights, classes and column names, checked on loading."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.core.file import Loaded, read_file, to_bytes
from pullback.core.shapes import Spec, spec_of
from pullback.data.encode import Encoder
from pullback.errors import DataError, FileError
from pullback.models.scorer import Scorer
from pullback.runs.atomic import write_atomic

MANY = 10_000  # columns; fewer always fit
Label = bool | int | float | str
Stopped = Literal["patience", "max_epochs", "interrupted"]


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the file says beside circuit and weights.

    encoder: how cells of a table become the features, and what these are called, so `features` is left
    empty in the file; None for a model of plain numbers.
    target: the column that was learned.
    """

    model: str
    options: dict[str, Any]
    classes: list[Label]
    features: list[str]
    epochs: int
    stopped: Stopped
    encoder: Encoder | None = None
    target: str = ""


@dataclass(frozen=True, eq=False)
class Saved:
    """A scorer and what it is about, as they were saved."""

    scorer: Scorer
    about: About


def save(path: Path, scorer: Scorer, about: About) -> None:
    """Write the file, whole or not at all."""
    if about.encoder:
        about = msgspec.structs.replace(about, features=[])
    write_atomic(path, to_bytes(scorer.circuit, scorer.weights, msgspec.to_builtins(about)))


def check_columns(encoder: Encoder) -> None:
    """DataError for more columns than a model's file can describe; asked before anything is trained."""
    if len(encoder.columns) < MANY:
        return
    builder = Builder()
    circuit = builder.finish([builder.input(Spec((1, 1), FLOAT64), name="x")])
    try:
        to_bytes(circuit, {}, {"encoder": msgspec.to_builtins(encoder)})
    except FileError:
        raise DataError(
            f"{len(encoder.columns):,} columns are more than a model's file can describe: about 60,000 with "
            "short names."
        ) from None


def load(path: Path, model: str) -> Saved:
    """Read the file; FileError when it is damaged, hostile, or of another kind than `model`."""
    loaded = read_file(path)
    try:
        about = msgspec.convert(loaded.about, About)
    except msgspec.ValidationError as error:
        raise FileError(f"'{path}' is not a model: {error}.") from None
    if about.model != model:
        raise FileError(f"'{path}' holds an {about.model}, not an {model}.")
    if about.encoder and not about.features:
        about = msgspec.structs.replace(about, features=about.encoder.features)
    circuit = _scores_of_a_row(path, loaded)
    rows = _outcome(path, circuit)
    features, classes = circuit.spec_of(circuit.inputs[0]).shape[1], rows.shape[1]
    if features != len(about.features):
        outcomes = len(about.classes) or 1
        raise FileError(
            f"'{path}' names {len(about.features)} columns and {outcomes} outcomes; "
            f"its circuit has {features} and {classes}."
        )
    if about.encoder and about.encoder.features != about.features:
        raise FileError(f"'{path}' names other features than its columns become.")
    return Saved(Scorer(circuit, loaded.arrays), about)


def _scores_of_a_row(path: Path, loaded: Loaded) -> Circuit:
    """The circuit, if it is (one row of float64, *the weights of the file) -> one output."""
    circuit, weights = loaded.circuit, loaded.arrays
    if circuit is None or not circuit.inputs or len(circuit.outputs) != 1:
        raise FileError(f"'{path}' is not a model: it has no circuit from rows to scores.")
    row = circuit.spec_of(circuit.inputs[0])
    if circuit.roles[0] != "data" or "data" in circuit.roles[1:] or row.dtype != FLOAT64:
        raise FileError(f"'{path}' is not a model: its circuit does not start at one row.")
    if row.shape[:1] != (1,) or len(row.shape) != 2:
        raise FileError(f"'{path}' is not a model: its circuit does not start at one row.")
    wanted = {
        n: circuit.spec_of(w) for n, w in zip(circuit.input_names, circuit.inputs, strict=True)
    }
    found = {name: spec_of(array) for name, array in weights.items()}
    if {**found, circuit.input_names[0]: row} != wanted:
        raise FileError(f"'{path}' has other weights than its circuit asks for.")
    return circuit


def _outcome(path: Path, circuit: Circuit) -> Spec:
    """What comes out for one row."""
    out = circuit.spec_of(circuit.outputs[0])
    if len(out.shape) != 2 or out.shape[0] != 1 or out.dtype.kind != "f":
        raise FileError(f"'{path}' is not a model: a row gives {out}, not a row of scores.")
    return out


def labels_of(classes: list[Any]) -> np.ndarray[Any, Any]:
    """The classes as an array; FileError unless they are sorted and all of one kind."""
    array = np.array(classes)
    kinds = {type(c) for c in classes}
    if len(kinds) != 1 or array.ndim != 1 or not np.array_equal(np.unique(array), array):
        raise FileError("the classes of the file are not sorted labels of one kind.")
    return array
