"""What a plan is made of: `Group`, rows that run together, and `Kernel`, one kind of group.

A kind of group is one `Kernel`, made and registered in one place. Whoever plans, lays out memory, divides
work or writes code asks it and knows no kind by name.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullback.core.circuit import Circuit, Row
from pullback.errors import GateError
from pullback.passes.planning.views import View


def _never(*_: Any) -> bool:
    return False


def _nothing(*_: Any) -> int:
    return 0


def _alone(*_: Any) -> int:
    return 1


def _no_checks(*_: Any) -> tuple[tuple[int, int], ...]:
    return ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernel:
    """One kind of group. Only `name`, `gates` and `cost` have to be given.

    gates: the gates that it runs. cost(plan, group): about how many nanoseconds one core takes.
    checks(circuit, row): (wire of indices, how many there are to choose from) for each of a row's inputs
    that must be looked at before anything is written.
    absorbs(group, rows): whether these elementwise rows may run on what the group just made.
    takes(plan, rows, row): whether `row` may compute these elementwise rows itself, as it reads what
    they make; such a kernel goes through its first input (`folds`), the others through their output.
    joins(plan, group, rows): whether these rows, the last of which is of this kind, may run in the same
    pass as a group that reads the same, of this kind or of elementwise rows.
    over(plan, group, wire, storage): whether the group may write `wire` over a storage it reads.
    anywhere: its output may lie in a part of another array. scratch(plan, group): bytes that each part
    needs while it runs. parts(plan, group, threads): into how many parts threads divide it.
    """

    name: str
    gates: Container[str]
    cost: Callable[[Plan, Group], float]
    folds: bool = False
    anywhere: bool = False
    checks: Callable[[Circuit, Row], Iterable[tuple[int, int]]] = _no_checks
    absorbs: Callable[[Group, Sequence[Row]], bool] = _never
    takes: Callable[[Plan, Sequence[Row], Row], bool] = _never
    joins: Callable[[Plan, Group, Sequence[Row]], bool] = _never
    over: Callable[[Plan, Group, int, int], bool] = _never
    scratch: Callable[[Plan, Group], int] = _nothing
    parts: Callable[[Plan, Group, int], int] = _alone


@dataclass(eq=False)
class Group:
    """Rows that run in one function: those of its kernel's own, and elementwise ones before or behind.

    shape: of what its loops go through. reads: storages it takes; writes: wires that somebody else needs.
    parts: into how many threads divide it, each of which needs `scratch` bytes while it runs.
    """

    kernel: Kernel
    rows: list[Row]
    shape: tuple[int, ...]
    number: int
    before: int = 0  # a bit for each group that must have run, directly or not
    reads: tuple[int, ...] = ()
    writes: tuple[int, ...] = ()
    parts: int = 1
    scratch: int = 0
    index: int = -1  # of a check: the wire it looks at, and how many there are to choose from
    size: int = 0

    @property
    def kind(self) -> str:
        """The name of its kernel."""
        return self.kernel.name

    @property
    def first(self) -> int:
        return self.rows[0].wire if self.rows else -1

    @property
    def own(self) -> list[Row]:
        """The rows of its kernel's own."""
        return [row for row in self.rows if row.gate and row.gate.name in self.kernel.gates]

    @property
    def others(self) -> list[Row]:
        """The elementwise rows beside them."""
        return [row for row in self.rows if row.gate and row.gate.name not in self.kernel.gates]


@dataclass(eq=False)
class Plan:
    """What runs. views: where each wire lies, by storage; groups: in running order."""

    circuit: Circuit
    views: dict[int, View] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    over: dict[int, int] = field(default_factory=dict)  # carried output -> the input it replaces

    def reads_of(self, group: Group) -> Iterator[int]:
        """The wires a group takes from memory, in order, each once."""
        if group.index >= 0:
            return iter([group.index])
        inside = {row.wire for row in group.rows}
        seen = dict.fromkeys(i for row in group.rows for i in row.inputs if i not in inside)
        return iter(seen)

    @property
    def work(self) -> float:
        """About how many nanoseconds one core takes for all of it."""
        return sum(group.kernel.cost(self, group) for group in self.groups)


class Kernels:
    """The kinds of groups of one executor, by the gates they run.

    loop: elementwise rows, in one loop. check: looks at indices. others: one a kind, more by `register`.
    """

    def __init__(self, loop: Kernel, check: Kernel, others: Iterable[Kernel]) -> None:
        self.loop, self.check = loop, check
        self._by_gate: dict[str, Kernel] = {}
        for kernel in others:
            self.register(kernel)

    def register(self, kernel: Kernel) -> None:
        """Let `kernel` run its gates from now on."""
        gates = kernel.gates
        assert isinstance(gates, frozenset)
        taken = sorted(g for g in gates if self.find(g))
        if taken:
            raise GateError(f"there is a kernel for {taken[0]!r} already.", fix="another gate")
        self._by_gate |= dict.fromkeys(gates, kernel)

    def remove(self, kernel: Kernel) -> None:
        """Forget a kernel, such as one of a test."""
        self._by_gate = {g: k for g, k in self._by_gate.items() if k is not kernel}

    def find(self, gate: str) -> Kernel | None:
        """The kernel that runs a gate, or None."""
        found = self._by_gate.get(gate)
        return self.loop if found is None and gate in self.loop.gates else found


def in_step(plan: Plan, group: Group, rows: Sequence[Row], wire: int, storage: int) -> bool:
    """Whether `rows` read `storage` exactly where they would write `wire`, and the other rows of the
    group do not read it at all."""
    inside = {row.wire for row in group.rows}
    here = {row.wire for row in rows}
    wanted = plan.views[wire]._replace(storage=storage)
    for row in group.rows:
        read = [plan.views[i] for i in row.inputs if i not in inside]
        for view in read:
            if view.storage == storage and (row.wire not in here or view != wanted):
                return False
    return True
