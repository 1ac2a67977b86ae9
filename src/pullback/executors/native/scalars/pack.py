"""Packs: gates of a step that do the same with other numbers, as the neurons of a layer, side by side.

Each has a lane of one register, so that three neurons cost as much as one. Lane by lane the
arithmetic is what it was: no bit changes. A pack stays in the lanes of those it listens to. What stands
in a lane but is asked for alone is taken out of it; what a whole pack asks for is put into all lanes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import BOOL, FLOAT64
from pullback.executors.native.llvm.code import KINDS, Code, Number, type_of
from pullback.executors.native.llvm.lower import lower_row
from pullback.passes.rewrite import live

LANES = 4
APART = {"power", "sin", "cos"}  # would be computed for one lane after the other anyway
COST = 4  # gates that must be saved for a number that is taken out of its lane

Group = tuple[int, ...]  # wires in the order of their lanes


@dataclass
class Packs:
    """Who stands beside whom.

    order: gates, whoever is listened to first. of: the group of a wire that has one. saved: how many
    gates fewer that makes.
    """

    order: list[int]
    of: dict[int, Group] = field(default_factory=dict)
    saved: int = 0


def fits_lanes(circuit: Circuit) -> bool:
    """Whether all of a circuit can stand in lanes of 64 bits."""
    return {s.dtype for s in circuit.specs} <= {FLOAT64, BOOL} and not APART & {*circuit.ops}


def packs(circuit: Circuit, next_of: Mapping[int, int]) -> Packs:
    """The packs of a step that carries wires (input -> output); none where they would save too little."""
    wanted = live(circuit)
    if not fits_lanes(circuit):
        return Packs([row.wire for row in circuit.rows() if row.gate and wanted[row.wire]])
    rows = {row.wire: row for row in circuit.rows() if wanted[row.wire]}
    alike = _alike(circuit, rows, next_of)
    order = [w for kind in alike for w in kind if rows[w].gate is not None]
    found = _Teams(rows, [[w for w in kind if rows[w].gate is not None] for kind in alike], next_of)
    groups = set(found.of.values())
    saved = sum(len(group) - 1 for group in groups if rows[group[0]].gate is not None)
    if saved <= COST * _taken_out(circuit, rows, found.of, next_of):
        return Packs(order)
    return Packs(order, found.of, saved)


def _alike(circuit: Circuit, rows: Mapping[int, Row], leaves: Mapping[int, int]) -> list[list[int]]:
    """Wires that are the same function of what is carried, those that listen behind those they hear."""
    kinds: dict[Any, int] = {}
    alike: list[list[int]] = []
    kind_of: dict[int, int] = {}
    for wire, row in rows.items():
        if row.gate is not None:
            said: Any = (int(circuit.op[wire]), int(circuit.attribute[wire]))
            said += tuple(kind_of[i] for i in row.inputs)
        elif circuit.is_constant(wire):
            value = circuit.constant_of(wire)
            said = (value.dtype.str, value.tobytes())
        else:
            said = ("carried", circuit.spec_of(wire)) if wire in leaves else ("given", wire)
        kind = kind_of[wire] = kinds.setdefault(said, len(kinds))
        if kind == len(alike):
            alike.append([])
        alike[kind].append(wire)
    return alike


class _Teams:
    """A team is who stands in the lanes: each neuron of a layer, with all its gates and weights."""

    def __init__(
        self, rows: Mapping[int, Row], alike: Sequence[list[int]], leaves: Mapping[int, int]
    ) -> None:
        self._rows, self._leaves = rows, leaves
        self._place: dict[int, tuple[int, int]] = {}  # team and lane
        self._sizes: list[int] = []
        self._became: list[int] = []  # the team that a team is part of now
        self.of: dict[int, Group] = {}
        for kind in alike:
            self._join(kind)

    def _join(self, kind: list[int]) -> None:
        """Gates of a kind join the teams of those they listen to, which become one, or make a team."""
        parts: dict[frozenset[int], list[tuple[int, int]]] = defaultdict(list)
        for wire in kind:
            places = [self._place[i] for i in self._rows[wire].inputs if i in self._place]
            if len({lane for _, lane in places}) <= 1:
                teams = frozenset(self._team(team) for team, _ in places)
                parts[teams].append((places[0][1] if places else len(parts[teams]), wire))
        for teams, members in parts.items():
            members.sort()
            sizes = {self._sizes[team] for team in teams}
            if not teams:
                for start in range(0, len(members), LANES):
                    self._accept(None, tuple(wire for _, wire in members[start : start + LANES]))
            elif sizes == {len(members)} and [n for n, _ in members] == list(range(len(members))):
                self._accept(teams, tuple(wire for _, wire in members))

    def _team(self, team: int) -> int:
        """Who a team has become."""
        while self._became[team] != team:
            team = self._became[team]
        return team

    def _accept(self, teams: frozenset[int] | None, group: Group) -> None:
        """If what its members listen to stands in their lanes, or is one number for all."""
        placed = []
        for heard in zip(*(self._rows[wire].inputs for wire in group), strict=True):
            if len({*heard}) == 1 or self.of.get(heard[0]) == heard:
                continue
            leaves = all(i in self._leaves and i not in self._place for i in heard)
            if not leaves or len({*heard}) < len(heard):
                return
            placed.append(heard)
        if len(group) == 1:
            return
        if teams is None:
            self._sizes.append(len(group))
            self._became.append(len(self._became))
        first = min(teams) if teams else len(self._sizes) - 1
        for team in teams or ():
            self._became[team] = first
        for together in (*placed, group):
            for lane, wire in enumerate(together):
                self._place[wire], self.of[wire] = (first, lane), together


def _taken_out(
    circuit: Circuit, rows: Mapping[int, Row], of: Mapping[int, Group], next_of: Mapping[int, int]
) -> int:
    """How many numbers that have a lane are asked for alone."""
    alone: set[int] = set()
    for wire, row in rows.items():
        for place, i in enumerate(row.inputs):
            group = of.get(wire)
            heard = tuple(rows[w].inputs[place] for w in group) if group else ()
            if i in of and heard != of[i]:
                alone.add(i)
    alone |= {o for o in circuit.outputs if o in of and o not in next_of.values()}
    for i, o in next_of.items():
        if (i in of or o in of) and tuple(next_of[w] for w in of.get(i, ())) != of.get(o):
            alone.add(o)
    return len(alone)


class Lowering:
    """The rows of a circuit as instructions, packs side by side. lanes: of a number that stands alone."""

    def __init__(self, code: Code, circuit: Circuit, found: Packs, lanes: int) -> None:
        self.code, self._circuit, self._twins, self._lanes = code, circuit, found, lanes
        self._known: dict[Group, Number] = {}

    def put(self, wires: Group, number: Number) -> None:
        """What packs carry, or a single wire."""
        lanes = lanes_of(wires, self._lanes)
        self._known[wires] = number if number.lanes == lanes else self.code.splat(number, lanes)

    def lower(self) -> None:
        """All gates."""
        for wire in self._twins.order:
            group = self._twins.of.get(wire, (wire,))
            if group not in self._known:
                row = self._circuit.row(wire)
                assert row.gate is not None
                lanes = lanes_of(group, self._lanes)
                heard = zip(*(self._circuit.row(w).inputs for w in group), strict=True)
                inputs, kind = [self.together(wires) for wires in heard], self._kind(wire)
                self._known[group] = lower_row(
                    self.code, row.gate, inputs, row.attributes, kind, lanes
                )

    def together(self, wires: Group) -> Number:
        """Numbers side by side: packs, one number in all lanes, or collected one by one."""
        if wires not in self._known:
            lanes, numbers = lanes_of(wires, self._lanes), [self._alone(w) for w in wires]
            if len({x.text for x in numbers}) > 1:
                return side_by_side([one_of(x) for x in numbers], lanes)
            self._known[wires] = _shuffled(numbers[0], [0] * lanes)
        return self._known[wires]

    def single(self, wire: int) -> Number:
        """A number that stands in no lanes at all."""
        return one_of(self._alone(wire))

    def _alone(self, wire: int) -> Number:
        """A number by itself; a member is taken out of its lane."""
        if (wire,) not in self._known:
            if self._circuit.is_constant(wire):
                value = self._circuit.constant_of(wire)
                self._known[wire,] = self.code.constant(value, self._kind(wire), self._lanes)
            else:
                group = self._twins.of[wire]
                lane = group.index(wire)
                self._known[wire,] = _shuffled(self._known[group], [lane] * self._lanes)
        return self._known[wire,]

    def _kind(self, wire: int) -> str:
        return KINDS[self._circuit.spec_of(wire).dtype]


def lanes_of(group: Group, alone: int) -> int:
    """The lanes of the register in which a group stands, or a wire alone."""
    return alone if len(group) == 1 else 2 if len(group) == 2 else LANES


def side_by_side(numbers: Sequence[Number], lanes: int) -> Number:
    """Single numbers as lanes of a register; the last one fills those that are left."""
    code, kind = numbers[0].code, numbers[0].kind
    if len(numbers) == 1:
        return code.splat(numbers[0], lanes) if lanes > 1 else numbers[0]
    y = code.number("poison", kind, lanes)
    for lane in range(lanes):
        x = numbers[min(lane, len(numbers) - 1)]
        y = code.emit(f"insertelement {y}, {x}, i32 {lane}", kind, lanes)
    return y


def one_of(x: Number, lane: int = 0) -> Number:
    """The number in one lane."""
    return x if x.lanes == 1 else x.code.emit(f"extractelement {x}, i32 {lane}", x.kind)


def _shuffled(x: Number, lanes: Sequence[int]) -> Number:
    """The numbers in these lanes of x."""
    code = x.code
    if x.value is not None:
        return code.constant(x.value, x.kind, len(lanes))
    if len(lanes) == 1:
        return one_of(x, lanes[0])
    if x.lanes == 1:
        return code.splat(x, len(lanes))
    if x.kind == "i1":
        # As numbers of 64 bits they move in one step, and a choice reads their sign.
        wide = _shuffled(code.convert("sext", x, "i64"), lanes)
        return code.compare("slt", wide, 0)
    order = ", ".join(f"i32 {lane}" for lane in lanes)
    mask = f"<{len(lanes)} x i32> <{order}>"
    text = f"shufflevector {x}, {type_of(x.kind, x.lanes)} poison, {mask}"
    return code.emit(text, x.kind, len(lanes))
