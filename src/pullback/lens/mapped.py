"""`f.map(x=..., y=..., a=1.0)`: a circuit of single numbers at many points at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pullback.core.structure import put_together, take_apart
from pullback.errors import CircuitError
from pullback.executors import compile_map
from pullback.executors.reference.points import Points, check_points
from pullback.lens.snapshot import nested_pulls
from pullback.lens.specialize import Specialization

if TYPE_CHECKING:
    from pullback.lens.function import CircuitFunction


class Mapped:
    """A circuit at many points: what it puts out at each, and the pulls on its inputs.

    value: an array with a number a point, nested as the function returns it. grads: by input name;
    for what differs from point to point the pull at each point, for what all points share the sum
    over the points. Both are computed when they are first asked for, of the inputs as they were given.
    """

    def __init__(
        self, view: Specialization, leaves: Sequence[Any], fast: bool, threads: int
    ) -> None:
        self.view, self.leaves = view, list(leaves)
        self.mapped = tuple(i for i, leaf in enumerate(leaves) if np.ndim(leaf))
        self._fast, self._threads = fast, threads

    @property
    def points(self) -> int:
        """How many there are."""
        return len(self.leaves[self.mapped[0]])

    @cached_property
    def value(self) -> Any:
        outputs = range(len(self.view.circuit.outputs))
        program = self._program("value", outputs, ())
        return put_together(program.run(self.leaves), self.view.trace.result)

    @cached_property
    def grads(self) -> dict[str, Any]:
        asked = [i for i, p in enumerate(self.view.back.input_pulls) if p >= 0]
        summed = [n for n, i in enumerate(asked) if i not in self.mapped]
        force = np.ones((), self.view.circuit.spec_of(self.view.circuit.outputs[0]).dtype)
        found = self._program("grads", asked, summed).run([*self.leaves, force])
        pulls = dict(zip(asked, found, strict=True))
        # Nothing pulls: 0 at every point.
        still = {i: np.zeros(self.points) for i in self.mapped}
        everywhere = [pulls.get(i, still.get(i)) for i in range(len(self.leaves))]
        return nested_pulls(self.view, everywhere, self.leaves)

    def _program(self, kind: str, asked: Sequence[int], summed: Sequence[int]) -> Points:
        """The map of the outputs, or of the pulls on the inputs `asked`; made once for the view."""
        key = (kind, self.mapped, self._fast, self._threads)
        if key not in self.view.maps:
            circuit = self.view.circuit
            if kind == "grads":
                back = self.view.back
                circuit = back.asking([back.input_pulls[i] for i in asked])
            self.view.maps[key] = compile_map(
                circuit,
                mapped=self.mapped,
                summed=summed,
                fast=self._fast,
                threads=self._threads,
            )
        return self.view.maps[key]

    def __repr__(self) -> str:
        return f"<Mapped over {self.points} points>"


def mapped(made: CircuitFunction, bound: list[Any], fast: bool, threads: int) -> Mapped:
    """`made` at the points that the arrays among `bound` say.

    CircuitError where there are none, ShapeError where they are no flat arrays of one length.
    """
    nests = [take_apart(np.zeros(0) if isinstance(v, list) and not v else v) for v in bound]
    leaves = [leaf for found, _ in nests for leaf in found]
    if not any(np.ndim(leaf) for leaf in leaves):
        fix = f"{made.name}.map({made.parameters[0]}=[1.0, 2.0, ...])" if made.parameters else ""
        raise CircuitError(
            f"{made.name} is mapped over points, but every input is a single number.", fix=fix
        )
    # Copies: what the caller's arrays hold later is none of this map's.
    columns = [np.array(leaf) if np.ndim(leaf) else leaf for leaf in leaves]
    # Traced for one point of each column.
    one = iter([np.zeros((), x.dtype)[()] if np.ndim(x) else x for x in columns])
    single = [put_together([next(one) for _ in found], shape) for found, shape in nests]
    view, _ = made.specialize(single)
    check_points(view.circuit.input_names, columns)
    return Mapped(view, columns, fast, threads)
