"""Watching arrays: a second build that keeps what every gate put out, in one block a run.

Nothing is copied out, and no array is made until somebody looks at its wire: a run leaves a block of
memory, and `Watched` knows where in it each wire lies.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from pullback.core.circuit import Circuit
from pullback.executors.native.arrays.compiled import Compiled
from pullback.executors.reference.program import Program, fitted
from pullback.passes.planning.memory import first_whole
from pullback.passes.planning.plan import asking
from pullback.passes.planning.views import View
from pullback.passes.rewrite import live

Array = np.ndarray[Any, Any]


class Watched(Sequence[Any]):
    """The value of every wire of one run, looked at when asked; None where no output listens.

    Arrays are views into what the run left behind, and cannot be written to.
    """

    __slots__ = ("_block", "_given", "_homes")

    def __init__(self, homes: Homes, block: Array, given: tuple[Any, ...]) -> None:
        self._homes, self._block, self._given = homes, block, given

    def __len__(self) -> int:
        return len(self._homes.circuit)

    @overload
    def __getitem__(self, wire: int) -> Any: ...
    @overload
    def __getitem__(self, wire: slice) -> list[Any]: ...
    def __getitem__(self, wire: int | slice) -> Any:
        wires = range(len(self))[wire]
        if isinstance(wires, range):
            return [self._homes.find(w, self._block, self._given) for w in wires]
        return self._homes.find(wires, self._block, self._given)


class Homes:
    """Where each wire lies: in the block of a run, in one of its inputs, or in a constant."""

    def __init__(self, circuit: Circuit, made: Sequence[int], compiled: Compiled) -> None:
        inner, plan = compiled.circuit, compiled.plan
        self.circuit, self._inner = circuit, inner
        self._views = {w: plan.views[own] for w, own in zip(made, inner.outputs, strict=True)}
        self._places = {w: n for n, w in enumerate(circuit.inputs)}
        self._given = {w: n for n, w in enumerate(inner.inputs)}
        self._pieces = {w: piece.offset for w, piece in compiled.memory.pieces.items()}

    def find(self, wire: int, block: Array, given: Sequence[Any]) -> Any:
        """The value of a wire; None where no output listens."""
        if wire in self._places:
            return self._input(self._places[wire], given)
        if self.circuit.is_constant(wire):
            return self.circuit.constant_of(wire)
        view = self._views.get(wire)
        return None if view is None else self._seen(view, block, given)

    def _input(self, place: int, given: Sequence[Any]) -> Any:
        wire = self.circuit.inputs[place]
        return fitted(given[place], self.circuit.spec_of(wire), self.circuit.describe(wire))

    def _seen(self, view: View, block: Array, given: Sequence[Any]) -> Any:
        dtype, storage, start = view.dtype, view.storage, 0
        if storage in self._pieces:
            buffer, start = block, first_whole(block) + self._pieces[storage]
        elif storage in self._given:
            buffer = np.ascontiguousarray(self._input(self._given[storage], given))
        else:
            buffer = np.ascontiguousarray(self._inner.constant_of(storage))
        strides = [step * dtype.itemsize for step in view.strides]
        offset = start + view.offset * dtype.itemsize
        found: Array = np.ndarray(view.shape, dtype, buffer, offset, strides)
        found.flags.writeable = False
        return found[()]


class Watching:
    """Runs a circuit and keeps everything.

    loaded: fits a list of inputs to the circuit, or raises the reference's error. compiled: makes the
    code that keeps the outputs of a circuit.
    """

    def __init__(
        self,
        circuit: Circuit,
        loaded: Callable[[Sequence[Any]], list[Any]],
        compiled: Callable[[Circuit], Compiled],
    ) -> None:
        wanted = live(circuit)
        made = [w for w in range(len(circuit)) if wanted[w] and int(circuit.op[w]) > 1]
        self._compiled: Compiled = compiled(asking(circuit, made))
        self._homes = Homes(circuit, made, self._compiled)
        self._loaded = loaded
        slow = weakref.WeakMethod(self._slow)
        quick = self._compiled.array_call(lambda inputs: slow()(inputs))  # type: ignore[misc]
        self._ask: Callable[[Sequence[Any]], Any] = quick or self._slow

    def watch(self, inputs: Sequence[Any]) -> Watched:
        """Every wire's value in a run."""
        block, *given = self._ask(inputs)
        return Watched(self._homes, block, tuple(given or inputs))

    def _slow(self, inputs: Sequence[Any]) -> list[Any]:
        """The block, and the inputs as they were fitted."""
        given = self._loaded(inputs)
        block = self._compiled.keep([np.require(x, requirements=["C", "A"]) for x in given])
        if block is None:
            Program(self._homes.circuit).run(given)  # it says which index, and raises
        return [block, *given]
