"""Where a wire is put: memory of its own, or its place in the concat that alone reads it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from pullback.core.circuit import Circuit, Row
from pullback.passes.planning.groups import Kernels
from pullback.passes.planning.views import View, dense, product

LONG = 16  # numbers that lie together, from which on it does not matter that others lie between


class Pieces:
    """The homes of wires. users: who reads each wire; asked: wires that are put out."""

    def __init__(
        self,
        circuit: Circuit,
        kernels: Kernels,
        users: Mapping[int, Sequence[Row]],
        asked: Container[int],
    ) -> None:
        self.circuit, self.kernels, self.users, self.asked = circuit, kernels, users, asked
        self._some = "concat" in circuit.ops

    def home(self, row: Row) -> View:
        """Where the row's wire is written."""
        concat = self._only_reader(row) if self._some else None
        if concat is None:
            return dense(self.circuit, row.wire)
        whole, axis = self.home(concat), _axis(concat, self.circuit)
        before = concat.inputs[: concat.inputs.index(row.wire)]
        start = sum(self.circuit.spec_of(i).shape[axis] for i in before)
        shape = self.circuit.spec_of(row.wire).shape
        return whole._replace(offset=whole.offset + start * whole.strides[axis], shape=shape)

    def _only_reader(self, row: Row) -> Row | None:
        """The concat that alone reads a wire, if its rows can be written there as quickly."""
        users = self.users.get(row.wire, ())
        if row.gate is None or len(users) != 1 or row.wire in self.asked:
            return None
        (user,) = users
        if user.gate is None or user.gate.name != "concat" or user.inputs.count(row.wire) != 1:
            return None
        if self.circuit.spec_of(user.wire).dtype != self.circuit.spec_of(row.wire).dtype:
            return None
        kernel = self.kernels.find(row.gate.name)
        shape, axis = self.circuit.spec_of(row.wire).shape, _axis(user, self.circuit)
        together = product(shape[axis:]) >= LONG or product(shape[:axis]) == 1
        return user if kernel is not None and kernel.anywhere and together else None


def _axis(concat: Row, circuit: Circuit) -> int:
    axis: int = concat.attributes["axis"]
    return axis % len(circuit.spec_of(concat.wire).shape)
