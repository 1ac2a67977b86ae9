"""The plan of a circuit: which rows run together in one loop, in which order, and who reads what.

Rows that only look at numbers become views. Elementwise rows join the group that makes what they listen
to, or the fold that reads them. Folds of the same numbers share a pass. Every other row is a group of its
own, and what only a concat reads is written where the concat would put it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from weakref import WeakKeyDictionary

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.passes.expand import expand
from pullback.passes.planning.groups import Group, Kernel, Kernels, Plan
from pullback.passes.planning.nested import nested_sums
from pullback.passes.planning.pieces import Pieces
from pullback.passes.planning.views import LOOKING, SAME, dense, is_same, looked_at
from pullback.passes.rewrite import live
from pullback.passes.tidy import tidy

LARGEST_GROUP = 32  # rows in one loop; more do not fit the registers
WIDE = 64  # elements of the last axis from which on a loop of two axes is as quick as one of one

_prepared: WeakKeyDictionary[Circuit, Circuit] = WeakKeyDictionary()


def can_plan(circuit: Circuit, kernels: Kernels) -> bool:
    """Whether there is a kernel for every gate; a recipe is opened to see."""
    gates = [gate for gate in circuit.gates if gate is not None]
    if any(gate.recipe and not kernels.find(gate.name) for gate in gates):
        circuit = prepared(circuit)
    return all(kernels.find(op) or op in LOOKING or op in SAME for op in circuit.ops[2:])


def prepared(circuit: Circuit) -> Circuit:
    """The circuit that is planned: recipes opened, constants folded, same outputs."""
    found = _prepared.get(circuit)
    if found is None:
        found = _prepared[circuit] = nested_sums(tidy(expand(circuit)))
    return found


def asking(circuit: Circuit, outputs: Sequence[int]) -> Circuit:
    """The same circuit with other outputs."""
    return dataclasses.replace(circuit, outputs=tuple(outputs))


def plan(circuit: Circuit, kernels: Kernels, carried: Sequence[tuple[int, int]] = ()) -> Plan:
    """Views, and groups in running order; `circuit` comes from `prepared`.

    carried: (input wire, output wire) pairs; an output is written over its input where nobody has
    to read that afterwards.
    """
    planner = _Planner(circuit, kernels)
    planner.run()
    made = planner.plan
    made.groups = planner.groups
    _uses(made)
    for taken, given in carried:
        planner.write_over(taken, given)
    made.groups = _ordered(planner.groups)
    return made


class _Planner:
    def __init__(self, circuit: Circuit, kernels: Kernels) -> None:
        self.circuit, self.kernels = circuit, kernels
        self.kinds = {name: kernels.find(name) for name in circuit.ops[2:]}  # by gate
        self.plan = Plan(circuit)
        self.same: dict[int, int] = {}  # a wire that is another one, unchanged
        self.rectified: dict[int, int] = {}  # the relu of a wire
        self.maker: dict[int, Group] = {}  # of each wire that a group computes
        self.folded: set[int] = set()  # wires that are whole only when all turns are done
        self.groups: list[Group] = []
        self.opened = 0
        self.checks: dict[tuple[int, int], Group] = {}
        self.waiting: dict[int, list[Row]] = {}  # rows that run where their only listener does
        wanted = live(circuit)
        self.rows = [self._renamed(r) for r in circuit.rows() if wanted[r.wire]]
        self.users: dict[int, list[Row]] = {}
        for row in self.rows:
            for i in row.inputs if len(row.inputs) == 1 else {*row.inputs}:
                self.users.setdefault(i, []).append(row)
        self.asked = {self.same.get(o, o) for o in circuit.outputs}
        self.pieces = Pieces(circuit, kernels, self.users, self.asked)

    def _renamed(self, row: Row) -> Row:
        """The row with inputs that are other wires, unchanged, replaced by those."""
        row = row._replace(inputs=tuple(self.same.get(i, i) for i in row.inputs))
        if row.gate is not None and row.gate.name == "relu":
            self.rectified[row.inputs[0]] = row.wire
        if row.gate is not None and row.gate.name == "greater":
            row = self._after_relu(row)
        if row.gate is not None and is_same(self.circuit, row):
            self.same[row.wire] = row.inputs[0]
        return row

    def _after_relu(self, row: Row) -> Row:
        """x > 0 is relu(x) > 0, NaN and all; so x itself need not be kept for the pull."""
        x, limit = row.inputs
        is_zero = self.circuit.is_constant(limit) and not np.any(self.circuit.constant_of(limit))
        return row._replace(inputs=(self.rectified.get(x, x), limit)) if is_zero else row

    def run(self) -> None:
        views = self.plan.views
        for row in self.rows:
            if row.wire in self.same:
                views[row.wire] = views[self.same[row.wire]]
                continue
            view = None
            if row.gate and row.inputs:
                view = looked_at(row, views[row.inputs[0]], self._shape(row.wire))
            views[row.wire] = view or self.pieces.home(row)
            if row.gate is None or view is not None:
                continue
            kernel = self.kinds[row.gate.name]
            assert kernel is not None
            if kernel is self.kernels.loop:
                self._elementwise(row)
            else:
                self._own(row, kernel)

    def write_over(self, taken: int, given: int) -> None:
        """Let output `given` lie where input `taken` does, if all other readers can come before."""
        made, group = self.plan, self.maker.get(given)
        whole = dense(self.circuit, given)
        if group is None or made.views[given] != whole or given in made.over:
            return
        if not group.kernel.over(made, group, given, taken):
            return
        first = [
            g for g in self.groups if g is not group and (taken in g.reads or g.kernel is self.kernels.check)
        ]  # fmt: skip
        if not any(g.before >> group.number & 1 for g in first):
            self._wait(group, first)
            made.over[given] = taken

    def _shape(self, wire: int) -> tuple[int, ...]:
        return self.circuit.spec_of(wire).shape

    # Rows to groups

    def _elementwise(self, row: Row) -> None:
        """A row waits for its only listener, if that can run it too; else it finds a group."""
        cluster = self._with_waiting(row)
        users = self.users.get(row.wire, [])
        if len(users) == 1 and row.wire not in self.asked and self._flows(cluster, users[0]):
            self.waiting[row.wire] = cluster
            return
        shape = self._shape(row.wire)
        fitting = [g for g in self._makers(cluster) if self._absorbed(cluster, g, shape)]
        if not fitting:
            self._open(self.kernels.loop, cluster, shape)
            return
        self._add(cluster, fitting[0])
        for other in fitting[1:]:
            self._merge(other, fitting[0])

    def _own(self, row: Row, kernel: Kernel) -> None:
        rows = self._with_waiting(row)
        shape = self._shape(row.inputs[0] if kernel.folds else row.wire)
        if kernel.folds:
            self.folded.add(row.wire)
            for group in dict.fromkeys([*self._makers(rows), *self._readers(rows, kernel, shape)]):
                if self._fits(rows, group, shape) and kernel.joins(self.plan, group, rows):
                    group.kernel = kernel
                    self._add(rows, group)
                    return
        self._open(kernel, rows, shape)

    def _with_waiting(self, row: Row) -> list[Row]:
        """A row behind those that wait for it."""
        if not self.waiting:
            return [row]
        before = [r for i in row.inputs for r in self.waiting.pop(i, [])]
        return [*sorted(before), row]

    def _flows(self, rows: Sequence[Row], user: Row) -> bool:
        """Whether the one listener of the last of these rows can run in the same turn of the loop."""
        if user.gate is None or user.wire in self.same:
            return False
        kernel, wire = self.kinds[user.gate.name], rows[-1].wire
        if kernel is self.kernels.loop:
            return self._shape(user.wire) == self._shape(wire)
        if looked_at(user, self.plan.views[wire], self._shape(user.wire)) is not None:
            return False  # nothing runs there: it is what these rows leave in memory
        is_read = user.inputs[:1] == (wire,) and wire not in user.inputs[1:]
        return kernel is not None and is_read and kernel.takes(self.plan, rows, user)

    def _makers(self, rows: Sequence[Row]) -> Iterator[Group]:
        """Groups that make what these rows listen to, the latest first."""
        inside = {row.wire for row in rows}
        made = {i for row in rows for i in row.inputs if i in self.maker and i not in inside}
        return iter(dict.fromkeys(self.maker[i] for i in sorted(made, reverse=True)))

    def _readers(
        self, rows: Sequence[Row], kernel: Kernel, shape: tuple[int, ...]
    ) -> Iterator[Group]:
        """Groups of a kind that go through the same numbers as these rows."""
        for i in dict.fromkeys(i for row in rows for i in row.inputs):
            if self._shape(i) == shape and not self.circuit.is_constant(i):
                for user in self.users[i]:
                    group = self.maker.get(user.wire)
                    if group and group.kernel is kernel:
                        yield group

    def _absorbed(self, cluster: list[Row], group: Group, shape: tuple[int, ...]) -> bool:
        return self._fits(cluster, group, shape) and group.kernel.absorbs(group, cluster)

    def _fits(self, rows: list[Row], group: Group, shape: tuple[int, ...]) -> bool:
        """Whether rows can run in the turns of a group: all that they need is there by then."""
        if group.shape != shape or len(group.rows) + len(rows) > LARGEST_GROUP:
            return False
        inside = {row.wire for row in rows}
        return all(self._in_turn(i, group) for row in rows for i in row.inputs if i not in inside)

    def _in_turn(self, wire: int, group: Group) -> bool:
        """Whether a wire is there in each turn of a group: made in the same turn, or before."""
        source = self._source(wire)
        if source is None:
            return True
        if source is group:  # the very element just made, and not what folds all of them
            return self.maker.get(wire) is group and wire not in self.folded
        return not source.before >> group.number & 1

    def _source(self, wire: int) -> Group | None:
        """The group that fills what a wire looks at."""
        return self.maker.get(wire) or self.maker.get(self.plan.views[wire].storage)

    # Groups

    def _open(self, kernel: Kernel, rows: list[Row], shape: tuple[int, ...]) -> None:
        group = Group(kernel, [], shape, self._number())
        self.groups.append(group)
        self._add(rows, group)

    def _number(self) -> int:
        self.opened += 1
        return self.opened - 1

    def _add(self, rows: Sequence[Row], group: Group) -> None:
        self._give(group, rows)
        for row in rows:
            self.maker[row.wire] = group
        needed = [s for row in rows for i in row.inputs if (s := self._source(i)) is not None]
        needed += [check for row in rows for check in self._checks(row)]
        self._wait(group, [other for other in needed if other is not group])

    def _give(self, group: Group, rows: Sequence[Row]) -> None:
        """More rows for a group, in running order; the first one of a product is the product."""
        group.rows = sorted([*group.rows, *rows])
        if len(group.rows) > 1 and group.kernel is not self.kernels.loop and not group.kernel.folds:
            group.rows = [*group.own, *group.others]

    def _wait(self, group: Group, needed: Iterable[Group]) -> None:
        """Let `group`, and whoever waits for it, wait for others too."""
        more = 0
        for other in needed:
            more |= other.before | 1 << other.number
        if more & ~group.before:
            for later in self.groups:
                if later is group or later.before >> group.number & 1:
                    later.before |= more

    def _merge(self, other: Group, group: Group) -> None:
        """Run the rows of another loop in this one."""
        if not self._may_merge(other, group):
            return
        self._give(group, other.rows)
        self.maker |= {row.wire: group for row in other.rows}
        self.groups.remove(other)
        gone, here = 1 << other.number, 1 << group.number
        group.before = (group.before | other.before) & ~gone
        for later in self.groups:
            if later.before & (gone | here):
                later.before = (later.before & ~gone) | here | group.before

    def _may_merge(self, other: Group, group: Group) -> bool:
        """Both suit one reader, so neither waits for the other; its rows have to suit these turns."""
        sizes = [size for size in group.shape if size != 1]
        return (
            other.kernel is self.kernels.loop
            and (len(sizes) <= 1 or sizes[-1] >= WIDE)
            and len(other.rows) + len(group.rows) <= LARGEST_GROUP
            and group.kernel.absorbs(group, other.rows)
        )

    def _checks(self, row: Row) -> Iterator[Group]:
        """The groups that look whether the row's indices are in range."""
        assert row.gate is not None
        kernel = self.kinds[row.gate.name]
        assert kernel is not None
        for index, size in kernel.checks(self.circuit, row):
            if (index, size) not in self.checks:
                check = Group(
                    self.kernels.check, [], (), self._number(), index=index, size=size
                )  # fmt: skip
                self.checks[index, size] = check
                self.groups.append(check)
                source = self._source(index)
                if source is not None:
                    check.before = source.before | 1 << source.number
            yield self.checks[index, size]


def _ordered(groups: list[Group]) -> list[Group]:
    """Groups after all that they wait for; otherwise as the circuit has them."""
    waiting = {g.number: bin(g.before).count("1") for g in groups}
    after: dict[int, list[int]] = {}
    for g in groups:
        for other in _bits(g.before):
            after.setdefault(other, []).append(g.number)
    by_number = {g.number: g for g in groups}
    ready = [(g.first, g.number) for g in groups if not waiting[g.number]]
    heapify(ready)
    order: list[Group] = []
    while ready:
        _, number = heappop(ready)
        order.append(by_number[number])
        for later in after.get(number, []):
            waiting[later] -= 1
            if not waiting[later]:
                heappush(ready, (by_number[later].first, later))
    assert len(order) == len(groups), "groups wait for one another in a circle"
    return order


def _bits(mask: int) -> Iterable[int]:
    number = 0
    while mask:
        if mask & 1:
            yield number
        mask >>= 1
        number += 1


def _uses(made: Plan) -> None:
    """Fill in what each group reads and writes: only what somebody outside needs is written."""
    views = made.views
    for group in made.groups:
        group.reads = tuple(dict.fromkeys(views[w].storage for w in made.reads_of(group)))
    needed = {s for g in made.groups for s in g.reads} | {
        views[o].storage for o in made.circuit.outputs
    }
    for group in made.groups:
        group.writes = tuple(row.wire for row in group.rows if views[row.wire].storage in needed)
