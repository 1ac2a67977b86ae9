"""The plan of a circuit: which rows run together in one loop, in which order, and who reads what.

Rows that only look at numbers become views. Elementwise rows join the matrix product or the loop
that makes what they listen to. Every other row is a group of its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from weakref import WeakKeyDictionary

import numpy as np

from pullback.core.circuit import Circuit, Row
from pullback.executors.native.arrays.nest import View, product
from pullback.executors.native.arrays.views import LOOKING, SAME, dense, is_same, looked_at
from pullback.executors.native.lower import CURVES, RULES
from pullback.passes.expand import expand
from pullback.passes.rewrite import live
from pullback.passes.tidy import tidy

LARGEST_GROUP = 32  # rows in one loop; more do not fit the registers
LARGEST_PLAN = 10_000  # elementwise rows; compiling takes 0.3 ms each, others seven times that

ELEMENTWISE = {*RULES, "unpick"}
CHECKED = {"gather": 0, "pick": -1, "scatter_add": None, "unpick": None}
KERNELS = {
    "matmul", "gather", "scatter_add", "pick", "concat", "pad", "unslice", "reshape", "sum", "sum_to",
    "max", "argmax", "logsumexp", "softmax", "prod", "norm",
}  # fmt: skip


_prepared: WeakKeyDictionary[Circuit, Circuit] = WeakKeyDictionary()


@dataclass(eq=False)
class Group:
    """Rows that run in one function. The first says which kernel it is; the rest are elementwise.

    reads: storages it takes, writes: those it fills. parts: into how many threads divide it, each of
    which needs `scratch` bytes while it runs.
    """

    kind: str
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
    def first(self) -> int:
        return self.rows[0].wire if self.rows else -1


@dataclass(eq=False)
class Plan:
    """What runs. views: where each wire lies, by storage; groups: in running order."""

    circuit: Circuit
    views: dict[int, View] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    over: dict[int, int] = field(default_factory=dict)  # carried output -> the input it replaces

    def reads_of(self, group: Group) -> Iterator[int]:
        """The wires a group takes from memory, in order, each once."""
        inside = {row.wire for row in group.rows}
        seen = dict.fromkeys(i for row in group.rows for i in row.inputs if i not in inside)
        return iter(seen)


def can_plan(circuit: Circuit) -> bool:
    """Whether every gate has machine code here; a recipe is opened to see."""
    gates = [gate for gate in circuit.gates if gate is not None]
    share = [1 if gate and gate.name in ELEMENTWISE else 7 for gate in circuit.gates]
    if np.array(share)[circuit.op].sum() > LARGEST_PLAN:
        return False
    if any(gate.recipe and gate.name not in ELEMENTWISE for gate in gates):
        circuit = prepared(circuit)
    return {*circuit.ops[2:]} <= {*ELEMENTWISE, *KERNELS, *LOOKING, *SAME}


def prepared(circuit: Circuit) -> Circuit:
    """The circuit that is planned: recipes opened, constants folded, same outputs."""
    found = _prepared.get(circuit)
    if found is None:
        found = _prepared[circuit] = tidy(expand(circuit))
    return found


def plan(circuit: Circuit, carried: Sequence[tuple[int, int]] = ()) -> Plan:
    """Views, and groups in running order; `circuit` comes from `prepared`.

    carried: (input wire, output wire) pairs; an output is written over its input where nobody has
    to read that afterwards.
    """
    planner = _Planner(circuit)
    planner.run()
    made = planner.plan
    made.groups = planner.groups
    _uses(made)
    for taken, given in carried:
        planner.write_over(taken, given)
    made.groups = _ordered(planner.groups)
    return made


class _Planner:
    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.plan = Plan(circuit)
        self.same: dict[int, int] = {}  # a wire that is another one, unchanged
        self.rectified: dict[int, int] = {}  # the relu of a wire
        self.maker: dict[int, Group] = {}  # of each wire that a group computes
        self.groups: list[Group] = []
        self.checks: dict[tuple[int, int], Group] = {}
        wanted = live(circuit)
        self.rows = [self._renamed(r) for r in circuit.rows() if wanted[r.wire]]
        self.users: dict[int, list[Row]] = {}
        for row in self.rows:
            for i in row.inputs:
                self.users.setdefault(i, []).append(row)

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
        views, asked = self.plan.views, {self.same.get(o, o) for o in self.circuit.outputs}
        waiting: dict[int, list[Row]] = {}  # rows that run where their only listener does
        for row in self.rows:
            if row.wire in self.same:
                views[row.wire] = views[self.same[row.wire]]
                continue
            shape = self.circuit.spec_of(row.wire).shape
            view = looked_at(row, views[row.inputs[0]], shape) if row.gate and row.inputs else None
            views[row.wire] = view or dense(self.circuit, row.wire)
            if row.gate is None or view is not None:
                continue
            if row.gate.name not in ELEMENTWISE:
                self._alone(row)
                continue
            cluster = [r for i in dict.fromkeys(row.inputs) for r in waiting.pop(i, [])] + [row]
            users = self.users.get(row.wire, [])
            if (
                len({u.wire for u in users}) == 1
                and row.wire not in asked
                and self._flows(row, users[0])
            ):
                waiting[row.wire] = cluster
            else:
                self._placed(sorted(cluster), shape)

    def write_over(self, taken: int, given: int) -> None:
        """Let output `given` lie where input `taken` does, if all other readers can come before."""
        made, group = self.plan, self.maker.get(given)
        whole = dense(self.circuit, given)
        if group is None or made.views[given] != whole or given in made.over:
            return
        if group.kind not in ("loop", "matmul") or not in_step(made, group, taken, whole):
            return
        first = [
            g for g in self.groups if g is not group and (taken in g.reads or g.kind == "check")
        ]
        if not any(g.before >> group.number & 1 for g in first):
            self._wait(group, first)
            made.over[given] = taken

    def _flows(self, row: Row, user: Row) -> bool:
        """Whether the one listener can run in the same turn of the loop."""
        return (
            user.gate is not None
            and user.gate.name in ELEMENTWISE
            and user.wire not in self.same
            and self.circuit.spec_of(user.wire).shape == self.circuit.spec_of(row.wire).shape
        )

    def _alone(self, row: Row) -> None:
        assert row.gate is not None
        name, shape = row.gate.name, self.circuit.spec_of(row.wire).shape
        twin = self._twin(row)
        if twin is not None:
            twin.rows.append(row)
            self.maker[row.wire] = twin
            return
        self._open(Group(name, [row], shape, len(self.groups)))

    def _twin(self, row: Row) -> Group | None:
        """The group that folds the same rows by the same exponentials."""
        assert row.gate is not None
        if row.gate.name not in ("logsumexp", "softmax"):
            return None
        for user in self.users[row.inputs[0]]:
            group = self.maker.get(user.wire)
            if group and user.wire != row.wire and group.kind in ("logsumexp", "softmax"):
                known = group.rows[0]
                same_rows = known.inputs == row.inputs
                same_axis = known.attributes["axis"] == row.attributes["axis"]
                if same_rows and same_axis and all(r.gate is not row.gate for r in group.rows):
                    return group
        return None

    def _placed(self, cluster: list[Row], shape: tuple[int, ...]) -> None:
        for group in self._candidates(cluster):
            if self._fits(cluster, group, shape):
                group.rows = (
                    sorted([*group.rows, *cluster])
                    if group.kind == "loop"
                    else [group.rows[0], *sorted([*group.rows[1:], *cluster])]
                )
                self._entered(cluster, group)
                return
        self._open(Group("loop", cluster, shape, len(self.groups)))

    def _candidates(self, cluster: list[Row]) -> Iterator[Group]:
        """Groups that make what the cluster listens to, the latest first."""
        inside = {row.wire for row in cluster}
        made = {i for row in cluster for i in row.inputs if i in self.maker and i not in inside}
        seen = dict.fromkeys(self.maker[i] for i in sorted(made, reverse=True))
        return (g for g in seen if g.kind in ("loop", "matmul"))

    def _fits(self, cluster: list[Row], group: Group, shape: tuple[int, ...]) -> bool:
        if group.shape != shape or len(group.rows) + len(cluster) > LARGEST_GROUP:
            return False
        names = {row.gate.name for row in cluster if row.gate}
        if group.kind == "matmul" and names & {*CURVES, "power", "unpick"}:
            return False
        inside = {row.wire for row in cluster}
        for row in cluster:
            for i in row.inputs:
                if i in inside:
                    continue
                source = self._source(i)
                if source is group and self.maker.get(i) is not group:
                    return False  # it reads another element than the one just made
                if source is not None and source is not group and source.before >> group.number & 1:
                    return False  # it waits for something that waits for the group
        return True

    def _source(self, wire: int) -> Group | None:
        """The group that fills the storage a wire lies in."""
        return self.maker.get(self.plan.views[wire].storage)

    def _open(self, group: Group) -> None:
        self.groups.append(group)
        self._entered(group.rows, group)

    def _entered(self, rows: Sequence[Row], group: Group) -> None:
        for row in rows:
            self.maker[row.wire] = group
        needed = [s for row in rows for i in row.inputs if (s := self._source(i)) is not None]
        needed += [check for row in rows if (check := self._check(row)) is not None]
        self._wait(group, [other for other in needed if other is not group])

    def _wait(self, group: Group, needed: Iterable[Group]) -> None:
        """Let `group`, and whoever waits for it, wait for others too."""
        more = 0
        for other in needed:
            more |= other.before | 1 << other.number
        if more & ~group.before:
            for later in self.groups:
                if later is group or later.before >> group.number & 1:
                    later.before |= more

    def _check(self, row: Row) -> Group | None:
        """The group that looks whether the row's indices are in range."""
        assert row.gate is not None
        name = row.gate.name
        if name not in CHECKED:
            return None
        index = row.inputs[1]
        size = row.attributes.get("size")
        if size is None:
            x = self.circuit.spec_of(row.inputs[0]).shape
            size = x[row.attributes.get("axis", -1)]
        if (index, size) not in self.checks:
            check = Group("check", [], (), len(self.groups), index=index, size=size)
            self.checks[index, size] = check
            self.groups.append(check)
            source = self._source(index)
            if source is not None:
                check.before = source.before | 1 << source.number
        return self.checks[index, size]


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
        wires = [group.index] if group.kind == "check" else list(made.reads_of(group))
        group.reads = tuple(dict.fromkeys(views[w].storage for w in wires))
    needed = {s for g in made.groups for s in g.reads} | {
        views[o].storage for o in made.circuit.outputs
    }
    for group in made.groups:
        group.writes = tuple(row.wire for row in group.rows if row.wire in needed)


def in_step(made: Plan, group: Group, storage: int, y: View) -> bool:
    """Whether the elementwise rows read `storage` exactly where they would write y, and nothing else does."""
    views = made.views
    inside = {row.wire for row in group.rows}
    rows = group.rows[1:] if group.kind == "matmul" else group.rows
    if group.kind == "matmul" and any(views[i].storage == storage for i in group.rows[0].inputs):
        return False
    wanted = y._replace(storage=storage)
    read = [views[i] for row in rows for i in row.inputs if i not in inside]
    return all(view == wanted for view in read if view.storage == storage)


def asking(circuit: Circuit, outputs: Sequence[int]) -> Circuit:
    """The same circuit with other outputs."""
    return dataclasses.replace(circuit, outputs=tuple(outputs))


def work(made: Plan) -> int:
    """About how many operations the plan takes."""
    total = 0
    for group in made.groups:
        inner = 1
        if group.kind == "matmul":
            inner = made.views[group.rows[0].inputs[0]].shape[-1]
        total += (
            sum(product(made.circuit.spec_of(row.wire).shape) for row in group.rows[:1]) * inner
        )
        total += 4 * sum(made.views[i].size for row in group.rows for i in row.inputs)
    return total
