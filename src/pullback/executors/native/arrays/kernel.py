"""`NativeKernel`: a kind of group with the function that writes it; `Writing`: one group being written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pullback.core.circuit import Row
from pullback.executors.native.arrays.elementwise import Constant, Operand, spread
from pullback.executors.native.arrays.nest import Body, Placed
from pullback.executors.native.llvm.code import KINDS, Number
from pullback.executors.native.llvm.lower import CURVES
from pullback.passes.planning.groups import Group, Kernel, Plan
from pullback.passes.planning.views import View


@dataclass(frozen=True, kw_only=True, eq=False)
class NativeKernel(Kernel):
    """A `Kernel` in machine code. write: puts the lines of a group into its body; the number it gives, a
    yes or no, says whether something is wrong and nothing may run after it.
    """

    write: Callable[[Writing], Number | None]


@dataclass
class Writing:
    """One group being written. Storages become parameters in the order in which they are met.

    constants: storages that hold one number everywhere. bytes_of: how much lies behind a storage;
    address_of: where that is.
    """

    body: Body
    plan: Plan
    group: Group
    constants: Mapping[int, Any]
    bytes_of: Callable[[int], int]
    address_of: Callable[[int], str]
    parameters: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scratch = self.parameter(-1) if self.group.scratch else ""
        self.writes = {wire: self.placed(self.plan.views[wire]) for wire in self.group.writes}

    def parameter(self, storage: int) -> str:
        """The register that points to a storage."""
        name = self.parameters.setdefault(storage, f"%p{len(self.parameters)}")
        if self.body.bounds:
            self.body.bounds.known(name, self.bytes_of(storage))
        return name

    def placed(self, view: View) -> Placed:
        """A view, and the register that points to it."""
        return Placed(view, self.parameter(view.storage))

    def is_over(self, wire: int, storage: int) -> bool:
        """Whether a wire is written over a storage that its group reads."""
        return self.address_of(self.plan.views[wire].storage) == self.address_of(storage)

    def wire(self, wire: int) -> Placed:
        """Where a wire lies."""
        return self.placed(self.plan.views[wire])

    def operand(self, wire: int, shape: tuple[int, ...]) -> Operand:
        """A wire spread out to `shape`, or the one number that it is everywhere."""
        view = self.plan.views[wire]
        if view.storage in self.constants:
            return Constant(self.constants[view.storage], KINDS[view.dtype])
        return spread(self.placed(view), shape)

    def reads(self, rows: Iterable[Row], shape: tuple[int, ...]) -> dict[int, Operand]:
        """What these rows take from outside of the group."""
        inside = {row.wire for row in self.group.rows}
        wanted = dict.fromkeys(i for row in rows for i in row.inputs if i not in inside)
        return {i: self.operand(i, shape) for i in wanted}

    def kind(self, wire: int) -> str:
        """The kind of a wire's numbers."""
        return KINDS[self.plan.circuit.spec_of(wire).dtype]


def curves_in(group: Group) -> int:
    """How many rows of a group are exp and its kin."""
    return sum(row.gate is not None and row.gate.name in CURVES for row in group.rows)


def every_thread(plan: Plan, group: Group, threads: int) -> int:
    """As many parts as there are threads: the loops themselves tell how many they can use."""
    return threads
