"""Expand: open gates into the gates they are made of."""

from __future__ import annotations

from collections.abc import Container

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.gate import Gate
from pullback.core.replay import replay
from pullback.core.wire import Wire
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import rewrite


def expand(circuit: Circuit, only: Container[str] | None = None) -> Circuit:
    """The circuit with every recipe opened, recipes inside recipes too.

    `only` names the gates to open instead; these may also be gates that say their `parts`.
    """

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        assert row.gate is not None
        if not _opens(row.gate, only):
            return None
        inside = expand(opened_recipe(row.gate, [w.spec for w in inputs], row.attributes), only)
        return replay(inside, inputs)[0]  # type: ignore[no-any-return]

    return rewrite(circuit, visit)


def _opens(gate: Gate, only: Container[str] | None) -> bool:
    return gate.recipe if only is None else gate.inside is not None and gate.name in only
