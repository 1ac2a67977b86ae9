"""What backward costs beside forward, gate by gate, on arrays large enough that calling does not count.

    python bench/gate_costs.py

Each figure is the median of nine repeats in turns, with the middle half of them beside it.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import numpy as np

import pullback as pb
import pullback.gates
from pullback.core.gate import GATES, Gate

SIZE = 10_000  # larger temporaries come from the system one by one, and that would be timed
SIDE = 120


def asked(gate: Gate) -> list[object] | None:
    """Inputs for a gate that works number by number on real numbers, or for a product of matrices."""
    generator = np.random.default_rng(0)
    if gate.name == "matmul":
        return [generator.standard_normal((SIDE, SIDE)) for _ in range(2)]
    if not gate.elementwise or gate.kinds or gate.result is not None or gate.variadic:
        return None
    return [generator.uniform(0.1, 0.9, SIZE) for _ in gate.inputs]


def main() -> None:
    """A row a gate, the dearest backward first."""
    rows = []
    for gate in GATES.values():
        inputs = asked(gate)
        if inputs is not None:
            names = ", ".join(gate.inputs)
            function = pb.circuit(f"out = {gate.name}({names}); sum(out)")
            cost = function.card("out", *inputs).cost
            if cost is not None:
                rows.append((cost.ratio, gate.name, str(cost)))
    for _, name, cost in sorted(rows, reverse=True):
        print(f"{name:12}{cost}")


if __name__ == "__main__":
    main()
