"""`Objective`: a loss whose circuit says by name what learns, what comes in rows, and what is carried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pullback.core.circuit import Circuit
from pullback.core.names import unique


@dataclass(frozen=True, eq=False)
class Objective:
    """A circuit whose first output is a loss, and what its inputs and outputs are for.

    learned: inputs that are weights. columns: inputs that each step brings, a row an example.
    carried: {input: output}, what a step hands to the next one beside weights, such as a running
    mean. outputs: their names in order, read from the circuit when left out. Inputs that are
    neither of these stay fixed; outputs that are not carried are shown.

    >>> from pullback import circuit
    >>> made = circuit("loss = (w*x - y) ** 2").circuit()
    >>> objective = Objective(made, learned=("w",), columns=("x", "y"))
    >>> objective.shown, objective.fixed
    (('loss',), ())
    """

    circuit: Circuit
    learned: tuple[str, ...]
    columns: tuple[str, ...]
    carried: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.outputs:
            names: list[str] = []
            for wire in self.circuit.outputs:
                names.append(unique(self.circuit.names[wire] or "loss", names))
            object.__setattr__(self, "outputs", tuple(names))

    @property
    def shown(self) -> tuple[str, ...]:
        """The outputs that are not carried, the loss first."""
        return tuple(name for name in self.outputs if name not in self.carried.values())

    @property
    def fixed(self) -> tuple[str, ...]:
        """The inputs that are the same in every step."""
        known = {*self.learned, *self.columns, *self.carried}
        return tuple(name for name in self.circuit.input_names if name not in known)
