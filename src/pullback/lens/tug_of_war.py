"""Tug-of-war: the net pull on each parameter, split by example and by spring.

At rest the pulls on every parameter cancel. That is why a model may stop while it is still wrong on
some examples: the others, and the springs, hold it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pullback.errors import CircuitError
from pullback.executors import compile
from pullback.lens.function import CircuitFunction, as_circuit_function
from pullback.lens.specialize import Specialization
from pullback.passes.batch import batch


@dataclass(frozen=True)
class TugOfWar:
    """All pulls on all parameters: by_example (n, parameters), by_spring (parameters,).

    The springs pull once an example, as the guide's do, so `springs` are already times n.
    """

    parameters: tuple[str, ...]
    values: tuple[float, ...]
    scores: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    forces: np.ndarray[Any, Any]
    by_example: np.ndarray[Any, Any]
    by_spring: np.ndarray[Any, Any]

    @property
    def net(self) -> np.ndarray[Any, Any]:
        """The sum of all pulls on each parameter; zero at rest."""
        return np.asarray(self.by_example.sum(axis=0) + self.by_spring)

    @property
    def right(self) -> int:
        """How many scores have their label's sign, as the guide counts: a score above 0 says +1."""
        return int((np.where(self.scores > 0, 1, -1) == self.labels).sum())

    def __repr__(self) -> str:
        head = ("example", "label", "score", "force", *(f"on {p}" for p in self.parameters))
        columns = zip(self.labels, self.scores, self.forces, self.by_example, strict=True)
        rows = [
            (str(i), f"{label:+.0f}", f"{score:.4g}", f"{force:+.4g}", *_signed(pulls))
            for i, (label, score, force, pulls) in enumerate(columns)
        ]
        rows.append(("springs", "", "", "", *_signed(self.by_spring)))
        rows.append(("net", "", "", "", *_signed(self.net)))
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        return "\n".join(
            "  ".join(c.rjust(w) for c, w in zip(r, widths, strict=True)) for r in (head, *rows)
        )


def _signed(pulls: np.ndarray[Any, Any]) -> tuple[str, ...]:
    return tuple(f"{pull + 0.0:+.4g}" for pull in pulls)  # + 0.0: no -0


def tug_of_war(
    score: Any,
    force: Callable[[Any, Any], Any],
    data: Mapping[str, Any],
    labels: Any,
    springs: Mapping[str, float] | None = None,
    **parameters: float,
) -> TugOfWar:
    """Every example's pull on every parameter of a scoring circuit.

    score: a circuit of parameters and data that gives one number; data: a column (n,) for each data
    input; force: the rule from score and label to a pull; springs: strength by parameter, felt with
    every example; parameters: where the parameters stand. Raises CircuitError for a column that does
    not fit the labels and a spring on something that is no parameter.

    >>> war = tug_of_war("a*x + c", lambda s, y: y * (y * s < 1), {"x": [2.0, -1.0]}, [1, -1], a=0.5, c=0.0)
    >>> war.by_example.tolist()
    [[0.0, 0.0], [1.0, -1.0]]
    """
    made: CircuitFunction = as_circuit_function(score)
    columns = {name: np.asarray(column, float) for name, column in data.items()}
    n = len(np.asarray(labels))
    for name, column in columns.items():
        if column.shape != (n,):
            raise CircuitError(f"column {name!r} has shape {column.shape}; there are {n} labels.")
    for name in springs or {}:
        if name not in parameters:
            raise CircuitError(
                f"the spring on {name!r} holds no parameter.",
                why=f"The parameters are {', '.join(parameters)}.",
            )
    labels = np.asarray(labels)
    given: dict[str, Any] = {**columns, **{name: float(v) for name, v in parameters.items()}}
    scores = _scores(made, columns, given, n)
    forces = np.asarray(force(scores, labels.astype(float)), float)
    pulls = _pulls(made, columns, given, forces, list(parameters))
    held = np.array([-n * (springs or {}).get(name, 0.0) * v for name, v in parameters.items()])
    values = tuple(float(v) for v in parameters.values())
    return TugOfWar(tuple(parameters), values, scores, labels, forces, pulls, held)


def _of_one(
    made: CircuitFunction, columns: Mapping[str, Any], given: Mapping[str, Any]
) -> Specialization:
    """What the function is for one example."""
    one = {name: 0.0 if name in columns else value for name, value in given.items()}
    return made.specialization(one)


def _scores(
    made: CircuitFunction, columns: Mapping[str, Any], given: Mapping[str, Any], n: int
) -> np.ndarray[Any, Any]:
    """The score of every example."""
    many = batch(_of_one(made, columns, given).circuit, list(columns), n)
    return np.asarray(compile(many).run([given[name] for name in many.input_names])[0])


def _pulls(
    made: CircuitFunction,
    columns: Mapping[str, Any],
    given: Mapping[str, Any],
    forces: np.ndarray[Any, Any],
    parameters: Sequence[str],
) -> np.ndarray[Any, Any]:
    """The pull of every example on every parameter (n, parameters), each with a force of its own."""
    back = _of_one(made, columns, given).back
    force = back.circuit.names[back.forces[0]]
    names, found = back.forward.input_names, np.zeros((len(forces), len(parameters)))
    pulls = {name: back.input_pulls[names.index(name)] for name in parameters}
    asked = back.asking([pull for pull in pulls.values() if pull >= 0])
    many = batch(asked, [*columns, force], len(forces))
    known = {**given, force: forces}
    answers = iter(compile(many).run([known[name] for name in many.input_names]))
    for i, pull in enumerate(pulls.values()):
        if pull >= 0:
            found[:, i] = next(answers)
    return found
