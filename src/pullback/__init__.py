"""pullback: neural networks you can see through.

A network is a circuit of gates. Write it once, in plain Python, and ask it everything: its value, the
pull (gradient) on every wire, whether that is right, its backward pass as code.

>>> import pullback as pb
>>> @pb.circuit
... def f(x, y, z):
...     q = x + y
...     return q * z
>>> f(-2, 5, -4)
-12.0
>>> f.grad(-2, 5, -4)
{'x': -4.0, 'y': -4.0, 'z': 3.0}
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name lives. Nothing is imported before it is asked for, so `import pullback` is quick.
_HOMES = {
    "pullback.lens.function": ["CircuitFunction", "circuit"],
    "pullback.lens.compiled": ["compile"],
    "pullback.lens.transforms": [
        "grad", "hessian", "hvp", "jacobian", "jvp", "pullback", "value_and_grad", "vjp",
    ],
    "pullback.lens.gradcheck": ["gradcheck"],
    "pullback.lens.mark": ["mark"],
    "pullback.lens.tug_of_war": ["tug_of_war"],
    "pullback.lens.strategies": ["landscape", "microscope", "nudge"],
    "pullback.executors.unit": ["Unit"],
    "pullback.core.wire": ["Wire"],
    "pullback.core.gate": ["gate", "recipe"],
    "pullback.core.sites": ["scope"],
    "pullback.models.mlp": ["MLPClassifier", "MLPRegressor"],
    "pullback.models.files": ["load", "save"],
    "pullback.show.two_views": ["two_views"],
    "pullback.errors": ["PullbackError"],
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME_OF]


def __getattr__(name: str) -> Any:
    """A public name or a gate, imported on first use."""
    if name in _HOME_OF:
        importlib.import_module("pullback.gates")
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name.startswith("_"):
        raise AttributeError(name)
    else:
        value = _gate(name)
    globals()[name] = value
    return value


def _gate(name: str) -> Any:
    importlib.import_module("pullback.gates")
    from pullback.core.gate import GATES
    from pullback.core.numpy_functions import OTHER_NAMES
    from pullback.errors import UnknownAttribute, did_you_mean

    if name not in GATES:
        near = "" if name in OTHER_NAMES else did_you_mean(name, [*_HOME_OF, *GATES])
        raise UnknownAttribute(
            f"pullback has no {name!r}. {near}".rstrip(), fix=OTHER_NAMES.get(name, "")
        )
    return GATES[name]


def __dir__() -> list[str]:
    importlib.import_module("pullback.gates")
    from pullback.core.gate import GATES

    return sorted({*__all__, *GATES})
