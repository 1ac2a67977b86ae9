"""`pb.save` and `pb.load`: circuits, circuit functions and models under one pair of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pullback.core.circuit import Circuit
from pullback.core.file import read_file, to_bytes
from pullback.errors import FileError, OptionError, RunError
from pullback.lens.function import CircuitFunction, function_of_circuit
from pullback.models.estimator import Estimator
from pullback.models.registry import ESTIMATORS, kind_of
from pullback.runs.atomic import write_atomic
from pullback.runs.folder import Run


def save(path: Path | str, thing: Any) -> None:
    """Write a circuit, a circuit function or a trained model to one safetensors file, whole or not at all.

    A circuit function is saved as the circuit it was last run as (for single numbers if it never
    ran): a file holds one circuit for one set of shapes. No code is written.

    >>> import tempfile, pullback as pb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pb.save(folder + "/f.safetensors", pb.circuit("(x+y)*z"))
    ...     pb.load(folder + "/f.safetensors")(-2, 5, -4)
    -12.0
    """
    if isinstance(thing, CircuitFunction):
        thing = thing.latest().circuit
    if isinstance(thing, Circuit):
        write_atomic(path, to_bytes(thing))
    elif isinstance(thing, Estimator):
        thing.save(path)
    else:
        raise OptionError(
            f"cannot save {type(thing).__name__}; a circuit, a circuit function or a model can be."
        )


def load(path: Path | str) -> Any:
    """The model or circuit function in a file that `save` wrote; FileError for anything else.

    Everything in the file is checked and nothing is run; a gate of your own must be declared before.
    """
    loaded = read_file(path)
    kind = loaded.about.get("model")
    if isinstance(kind, str) and kind in ESTIMATORS:
        return kind_of(kind).load(path)
    if loaded.circuit is None or loaded.about:
        raise FileError(f"'{path}' holds neither a circuit nor a model of a known class.")
    if not loaded.circuit.outputs:
        raise FileError(f"'{path}' holds a circuit without outputs.")
    return function_of_circuit(loaded.circuit)


def model_of(run: Run) -> Estimator:
    """The trained model of a run; RunError where the training did not get that far."""
    if not run.model.exists():
        raise RunError(f"run {run.name!r} has no model: its training did not get that far.")
    model = load(run.model)
    if not isinstance(model, Estimator):
        raise FileError(f"'{run.model}' holds no model of a table.")
    return model
