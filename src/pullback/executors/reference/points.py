"""The meaning of a map: a circuit of single numbers, run at many points at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.errors import CircuitError, ShapeError
from pullback.executors.reference.program import Program, one_an_input, typed


class Points:
    """Runs `circuit` for every point. mapped: positions of the inputs with a value a point; summed:
    positions of the outputs that are added up over the points. program: what runs it at one point,
    the reference executor's where none is given.

    Cost: that of the program, once a point.
    """

    again: Callable[[Circuit], Points] | None = None  # compiles another circuit as this one was

    def __init__(
        self,
        circuit: Circuit,
        *,
        mapped: Sequence[int],
        summed: Sequence[int] = (),
        program: Program | None = None,
    ) -> None:
        if any(circuit.spec_of(w).shape for w in (*circuit.inputs, *circuit.outputs)) or not mapped:
            raise CircuitError("only a circuit of single numbers is mapped over points.")
        self.circuit, self.mapped, self.summed = circuit, tuple(mapped), tuple(summed)
        if any(self.dtype(o).kind == "b" for o in self.summed):
            raise CircuitError("yes and no are not summed.", fix="cast(..., dtype='int64')")
        self._program = program or Program(circuit)

    def __reduce__(self) -> Any:
        """Pickled are the circuit and how it was compiled; machine code is made anew."""
        made = partial(Points, mapped=self.mapped, summed=self.summed)
        return self.again or made, (self.circuit,)

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """An array an output, or one number for a summed one; arrays at the mapped inputs."""
        columns = dict(zip(self.mapped, self.columns(inputs), strict=True))
        count = len(columns[self.mapped[0]])
        outputs = range(len(self.circuit.outputs))
        found = [np.empty(count, self.dtype(o)) for o in outputs]
        for point in range(count):
            row = [columns[i][point] if i in columns else x for i, x in enumerate(inputs)]
            for array, value in zip(found, self._program.run(row), strict=True):
                array[point] = value
        return [np.sum(f) if o in self.summed else f for o, f in zip(outputs, found, strict=True)]

    def dtype(self, output: int) -> np.dtype[Any]:
        """What an output carries."""
        return self.circuit.spec_of(self.circuit.outputs[output]).dtype

    def columns(self, inputs: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
        """The mapped inputs as flat arrays of one length, or a ShapeError that names one."""
        names, wires = self.circuit.input_names, self.circuit.inputs
        one_an_input(self.circuit, wires, inputs)
        dtypes = [self.circuit.spec_of(wires[i]).dtype for i in self.mapped]
        columns = [
            np.ascontiguousarray(typed(inputs[i], d, repr(names[i])))
            for i, d in zip(self.mapped, dtypes, strict=True)
        ]
        check_points([names[i] for i in self.mapped], columns)
        return columns


def check_points(names: Sequence[str], columns: Sequence[Any]) -> None:
    """ShapeError where columns are no flat arrays of one length; plain numbers are for all points."""
    lengths: dict[int, str] = {}
    for name, column in zip(names, columns, strict=True):
        shape = np.shape(column)
        if len(shape) > 1:
            said = f"{name!r} has shape {shape}; points are flat arrays, a number a point."
            raise ShapeError(said, fix=f"{name}.ravel()")
        if shape:
            lengths.setdefault(shape[0], name)
    if len(lengths) > 1:
        (some, first), (others, second) = list(lengths.items())[:2]
        raise ShapeError(f"{first!r} has {some} points, but {second!r} has {others}.")
