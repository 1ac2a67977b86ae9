"""A traced circuit as gradcheck moves it: in float64, with every switch in sight, hand-made pulls set aside.

In float64, whatever the circuit's own dtypes are: the rules are the same there, and the differences
are not drowned in rounding.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.dtypes import FLOAT32, FLOAT64
from pullback.core.shapes import Spec
from pullback.core.wire import Wire
from pullback.executors.reference.program import Program
from pullback.lens.chain import chained
from pullback.lens.compare import Inside
from pullback.lens.gatecheck import BY_HAND, uneven
from pullback.lens.numeric import EPSILON
from pullback.lens.probe import Probe
from pullback.lens.rounding import shaken_runs
from pullback.lens.switches import state
from pullback.passes.backward import backward
from pullback.passes.expand import expand
from pullback.passes.rewrite import live, rewrite


class CircuitProbe(Probe):
    """The work of a force on the first output: 1 on a single number, uneven on an array.

    circuit: in float64, recipes without a rule of their own opened; watched: its values here.
    """

    def __init__(self, circuit: Circuit, values: Sequence[Any]) -> None:
        wide = in_float64(circuit)
        shape = wide.spec_of(wide.outputs[0]).shape
        force = uneven(shape, seed=7) if shape else 1.0
        self.circuit = _opened(wide)
        self.watched = Program(self.circuit).watch(values)
        inputs = [np.asarray(self.watched[w]) for w in self.circuit.inputs]
        self.pulling = _Pulling(wide, [*inputs, force])
        super().__init__(wide.input_names, inputs, self.pulling.pulls)
        self.moving, self.forces = _without_will(self.circuit, self.watched, force)
        wanted = live(self.moving)
        rows = [r for r in self.moving.rows() if wanted[r.wire] and r.gate is not None]
        self.switches = [r for r in rows if _is_switch(self.moving, r)]
        self.program = Program(self._asking())
        self.noise = EPSILON * max(_size(v) for v in self.watched if v is not None)

    def _asking(self) -> Circuit:
        """The moving circuit that also puts out what each switch looks at."""
        looked_at = [w for row in self.switches for w in _looked_at(self.moving, row)]
        return dataclasses.replace(self.moving, outputs=(*self.moving.outputs, *looked_at))

    def work(self, inputs: list[Any]) -> tuple[float, Sequence[bytes]]:
        """What the force does at these inputs, and which way every switch stands."""
        out = iter(self.program.run(inputs))
        done = sum(float(np.sum(force * next(out))) for force in self.forces)
        return done, [self._state(row, out) for row in self.switches]

    def _state(self, row: Row, out: Iterator[Any]) -> bytes:
        values = [next(out) for _ in _looked_at(self.moving, row)]
        assert row.gate is not None
        if row.gate.kink is None:
            return np.asarray(values[0]).tobytes()
        return state(row.gate, values, row.attributes)

    def inside(self, ways: list[Any]) -> Inside:
        def chain() -> float:
            return chained(self.moving, self._still, ways, self.forces)

        def rounding() -> float:
            near = [_along(run[1:], ways) for run in self.pulling.shaken]
            return _farthest(near, _along(self.pulling.pulls, ways))

        return Inside(self._noise, rounding, chain)

    def _noise(self) -> float:
        """What rounding does to the work, measured."""
        works = [float(np.sum(self.pulling.force * run[0])) for run in self.pulling.shaken]
        return _farthest(works, float(np.sum(self.pulling.force * self.pulling.value)))

    @cached_property
    def _still(self) -> Sequence[Any]:
        """The values of every moving wire where nothing has moved."""
        return Program(self.moving).watch(self.inputs)

    def said(self, switch: int) -> tuple[str, str]:
        row, circuit = self.switches[switch], self.moving
        name, site = circuit.names[row.wire], circuit.sites[int(circuit.site[row.wire])]
        assert row.gate is not None
        return row.gate.name + (f" '{name}'" if name else ""), str(site) if site.file else ""


def _is_switch(circuit: Circuit, row: Row) -> bool:
    """A gate with a kink, or one that answers yes, no or an index: where it turns, slopes jump."""
    assert row.gate is not None
    return row.gate.kink is not None or circuit.spec_of(row.wire).dtype.kind != "f"


def _looked_at(circuit: Circuit, row: Row) -> tuple[int, ...]:
    assert row.gate is not None
    return row.inputs if row.gate.kink is not None else (row.wire,)


def _size(value: Any) -> float:
    return float(np.max(np.abs(value), initial=0.0, where=np.isfinite(value)))


def in_float64(circuit: Circuit) -> Circuit:
    """The same rows with float64 in place of every float32."""
    return dataclasses.replace(
        circuit,
        specs=tuple(
            Spec(s.shape, FLOAT64 if s.dtype == FLOAT32 else s.dtype) for s in circuit.specs
        ),
        constants=tuple(c.astype(FLOAT64) if c.dtype == FLOAT32 else c for c in circuit.constants),
        attributes=tuple(
            {k: "float64" if k == "dtype" and v == "float32" else v for k, v in a.items()}
            for a in circuit.attributes
        ),
    )


class _Pulling:
    """The first output, and the analytic pull on every input; zeros where nothing pulls."""

    def __init__(self, circuit: Circuit, values: Sequence[Any]) -> None:
        back = backward(circuit)
        self.pulled, self.values, self.force = back.input_pulls, values, values[-1]
        asked = [circuit.outputs[0], *(p for p in self.pulled if p >= 0)]
        self.circuit = back.asking(asked)
        self.shapes = [circuit.spec_of(w).shape for w in circuit.inputs]
        self.value, *self.pulls = self._all(Program(self.circuit).run(values))

    def _all(self, run: list[Any]) -> list[Any]:
        """The output and one pull an input."""
        found = iter(run[1:])
        pairs = zip(self.pulled, self.shapes, strict=True)
        return [run[0], *(np.asarray(next(found)) if p >= 0 else np.zeros(s) for p, s in pairs)]

    @cached_property
    def shaken(self) -> list[list[Any]]:
        """The same from runs whose last digits are shaken."""
        return [self._all(run) for run in shaken_runs(self.circuit, self.values)]


def _along(pulls: Sequence[Any], ways: Sequence[Any]) -> float:
    return sum(float(np.sum(p * w)) for p, w in zip(pulls, ways, strict=True) if w is not None)


def _farthest(near: list[float], here: float) -> float:
    """The largest distance from `here`; infinite where one of them is not a number."""
    apart = [abs(n - here) for n in near]
    return max(a if a == a else np.inf for a in apart)


def _opened(circuit: Circuit) -> Circuit:
    """Recipes without a rule of their own are opened: the corners of the gates inside are theirs."""
    gates = [g for g in circuit.gates if g is not None]
    derived = {g.name for g in gates if g.recipe and g.rule is None and g.kink is None}
    return expand(circuit, derived) if derived else circuit


def _without_will(
    circuit: Circuit, watched: Sequence[Any], force: Any
) -> tuple[Circuit, list[Any]]:
    """The circuit whose slope the pulls really are, and the force on each of its outputs.

    stop_gradient and force change pulls on purpose. So they stand still at their values here, and
    what a `force` gate listens to becomes an output of its own, pulled with that force.
    """
    if not any(g is not None and g.name in BY_HAND for g in circuit.gates):
        return circuit, [force]
    back = backward(circuit)
    forced = [
        r for r in circuit.rows()
        if r.gate is not None and r.gate.name == "force" and back.pulls[r.wire] >= 0
    ]  # fmt: skip
    outputs = (circuit.outputs[0], *(r.inputs[0] for r in forced))

    def stand_still(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        by_hand = row.gate is not None and row.gate.name in BY_HAND
        return builder.constant(watched[row.wire]) if by_hand else None

    moving = rewrite(dataclasses.replace(circuit, outputs=outputs), stand_still)
    return moving, [force, *(watched[r.inputs[1]] for r in forced)]
