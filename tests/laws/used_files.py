"""Whatever `pb.load` gives can be drawn, printed in every language and run, or is refused by type."""

import json
import warnings
from pathlib import Path

import numpy as np

import pullback as pb
from pullback.core.file import to_bytes
from pullback.errors import PullbackError
from pullback.lens.function import CircuitFunction

LANGUAGES = ("python", "numpy", "javascript", "c", "latex")
SMALL = 10_000  # numbers on all wires, up to which a loaded circuit is also run


def used(path: Path) -> list[str]:
    """What was done with the file, "refused: ..." for what was refused. Anything else escapes."""
    try:
        thing = pb.load(path)
    except PullbackError as error:
        return [f"refused: {type(error).__name__}"]
    if not isinstance(thing, CircuitFunction):
        return ["loaded a model", *asked_of_model(thing)]
    return ["loaded", *asked(thing)]


def asked(f: CircuitFunction) -> list[str]:
    """Draw, print and run a circuit function."""
    questions = {"draw": lambda: (f.draw().svg, f.draw(theme="dark", depth=1).svg, str(f.draw()))}
    circuit = f.latest().circuit
    specs = [circuit.spec_of(wire) for wire in range(len(circuit))]
    if sum(np.prod([float(s) for s in spec.shape]) for spec in specs) <= SMALL:
        values = [
            np.ones(circuit.spec_of(w).shape, circuit.spec_of(w).dtype)[()] for w in circuit.inputs
        ]
        questions |= {
            "run": lambda: f.run(*values), "call": lambda: f(*values), "grad": lambda: f.grad(*values),
            "explain": lambda: str(f.explain(f.parameters[0], *values)),
            "picture of a run": lambda: f.draw(*values).svg,
            "compile": lambda: pb.compile(f.circuit(*values), executor="reference").run(values),
            "save": lambda: to_bytes(f.circuit(*values)),
        }  # fmt: skip
        for lang in LANGUAGES:
            questions[f"forward {lang}"] = lambda lang=lang: str(
                f.forward_source(*values, lang=lang)
            )
            questions[f"backward {lang}"] = lambda lang=lang: str(
                f.backward_source(*values, lang=lang)
            )
    return [f"{name}: {outcome(ask)}" for name, ask in questions.items()]


def asked_of_model(model: object) -> list[str]:
    """Predict with a loaded model."""
    rows = np.zeros((2, min(model.n_features_in_, SMALL)))
    return [
        f"predict: {outcome(lambda: model.predict(rows))}",
        f"says: {outcome(lambda: json.dumps(repr(model)))}",
    ]


def outcome(ask: object) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            ask()
        except PullbackError as error:
            return f"refused: {type(error).__name__}"
    return "done"
