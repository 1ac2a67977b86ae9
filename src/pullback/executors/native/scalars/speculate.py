"""Speculation: a loop computes what follows a choice for both outcomes, before the outcome is known.

In `w + rate * (x * pull - w)` with `pull = where(score < 1, 1, 0)` four gates wait for the score of
this step, and the next step waits for them. With `where(score < 1, w + rate * (x - w), ...)` only the
choice waits. The same gates get the same numbers, so no bit changes; there are more of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import BOOL
from pullback.core.gate import GATES, Gate
from pullback.core.wire import Wire
from pullback.executors.native.llvm.lower import CURVES
from pullback.executors.native.scalars.pack import Packs, fits_lanes, packs
from pullback.passes.rewrite import live, rewrite
from pullback.passes.share import share

EARLY = -(10**6)  # what does not wait for the step before is there long ago
A_CYCLE = 2.5  # gates that a processor gets done in one, where they need not wait
WAITS = {"where": 1, "negative": 1, "absolute": 1, "relu": 2, "divide": 14, "sqrt": 20, "power": 99}

Choice = tuple[Wire, Wire, Wire]  # condition, if so, if not


def quickest(circuit: Circuit, carried: Mapping[int, int]) -> tuple[Circuit, Packs]:
    """`circuit` or its speculated form, whichever a loop gets done sooner, and its packs."""
    ways = [circuit]
    if "where" in circuit.ops and fits_lanes(circuit):  # else choices may be jumps
        ways.append(speculated(circuit, [*carried]))
    timed = []
    for way in ways:
        found = packs(way, {way.inputs[i]: way.outputs[o] for i, o in carried.items()})
        timed.append((_cycles(way, [*carried], found.saved), way, found))
    return min(timed, key=lambda one: one[0])[1:]


def speculated(circuit: Circuit, carried: Sequence[int]) -> Circuit:
    """`circuit` with each choice as late as it can be without being late itself."""
    return share(_Late(circuit, carried).circuit)


def _cycles(circuit: Circuit, carried: Sequence[int], saved: int) -> float:
    """About how long one step takes: as long as its chain, or as long as all its gates."""
    ready = [EARLY] * len(circuit)
    for i in carried:
        ready[circuit.inputs[i]] = 0
    wanted, count = live(circuit), 0
    for row in circuit.rows():
        if row.gate is not None and wanted[row.wire]:
            condition = circuit.spec_of(row.wire).dtype == BOOL
            ready[row.wire] = _ready(row.gate, condition, (ready[i] for i in row.inputs))
            count += 1
    return max([(count - saved) / A_CYCLE, *(ready[o] for o in circuit.outputs)])


def _ready(gate: Gate, is_condition: bool, inputs: Iterable[int]) -> int:
    """When a gate's output is there, in cycles after what is carried."""
    wait = 1 if is_condition else 45 if gate.name in CURVES else WAITS.get(gate.name, 3)
    return max(inputs, default=EARLY) + wait


class _Late:
    """The rewriting: which wires are choices that are still open, and when each wire is ready."""

    def __init__(self, circuit: Circuit, carried: Sequence[int]) -> None:
        self._carried = {circuit.inputs[i] for i in carried}
        self._ready: dict[int, int] = {}
        self._open: dict[int, Choice] = {}
        self.circuit = rewrite(circuit, self._visit)

    def _visit(self, builder: Builder, row: Row, inputs: list[Wire]) -> Wire:
        assert row.gate is not None
        for old, wire in zip(row.inputs, inputs, strict=True):
            if old in self._carried:
                self._ready[wire.id] = 0
        plain = self._apply(builder, row.gate, inputs, row.attributes)
        late = [self._open[w.id] for w in inputs if w.id in self._open]
        if not late and row.gate.name == "where":
            self._open[plain.id] = (inputs[0], inputs[1], inputs[2])
        choice = self._choice(builder, row, inputs, late)
        if choice is None:
            return plain
        chosen = self._apply(builder, GATES["where"], choice)
        if self._when(chosen) > self._when(plain):
            return plain
        self._open[chosen.id] = choice
        return chosen

    def _choice(
        self, builder: Builder, row: Row, inputs: list[Wire], late: list[Choice]
    ) -> Choice | None:
        """This row as a choice between what it is if so and what it is if not."""
        assert row.gate is not None
        if row.gate.name == "where" and len(late) == 2 and inputs[0].id not in self._open:
            pairs = zip(*late, strict=True)  # a choice between two choices is one
            condition, yes, no = (self._apply(builder, row.gate, [inputs[0], *p]) for p in pairs)
            return condition, yes, no
        if len({condition.id for condition, _, _ in late}) != 1 or _is_long(row.gate):
            return None
        arms = (
            [self._open[w.id][answer] if w.id in self._open else w for w in inputs]
            for answer in (1, 2)
        )
        yes, no = (self._apply(builder, row.gate, arm, row.attributes) for arm in arms)
        return late[0][0], yes, no

    def _apply(
        self, builder: Builder, gate: Gate, inputs: Sequence[Wire], attributes: Any = None
    ) -> Wire:
        made = builder.apply(gate, inputs, attributes or {})
        self._ready[made.id] = _ready(gate, made.dtype == BOOL, map(self._when, inputs))
        return made

    def _when(self, wire: Wire) -> int:
        return self._ready.get(wire.id, EARLY)


def _is_long(gate: Gate) -> bool:
    return gate.name in CURVES or WAITS.get(gate.name, 3) > 3
