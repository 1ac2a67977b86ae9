"""Expand: open recipes into the gates they are made of."""

from __future__ import annotations

from collections.abc import Container

from pullback.core.build import Builder
from pullback.core.circuit import Circuit, Row
from pullback.core.replay import replay
from pullback.core.wire import Wire
from pullback.passes.pull import opened_recipe
from pullback.passes.rewrite import rewrite


def expand(circuit: Circuit, only: Container[str] | None = None) -> Circuit:
    """The circuit with every recipe opened, recipes inside recipes too; `only` names the ones to open."""

    def visit(builder: Builder, row: Row, inputs: list[Wire]) -> Wire | None:
        assert row.gate is not None
        if not row.gate.recipe or (only is not None and row.gate.name not in only):
            return None
        inside = expand(opened_recipe(row.gate, [w.spec for w in inputs], row.attributes), only)
        return replay(inside, inputs)[0]  # type: ignore[no-any-return]

    return rewrite(circuit, visit)
