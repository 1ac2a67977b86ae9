"""P8: building a graph of 100,000 gates in Python, with whatever each library builds."""

from __future__ import annotations

from typing import Any

from pullback.bench.graphs import FLOATS, LEAVES, US, built, by_values, graph
from pullback.bench.measure import library
from pullback.bench.row import Goal, Row, Run, again


def by_units(count: int) -> Run:
    """Eager Units."""
    unit = library("pullback").Unit
    return again(
        lambda: float(graph(US, [unit(x) for x in LEAVES], unit(1.0), unit(-1.0), count).value)
    )


def by_circuit(count: int) -> Run:
    """A circuit: nothing is computed yet, so there is no number to compare."""

    def run(steps: int) -> None:
        for _ in range(steps):
            built(count)

    return run


def by_micrograd(count: int) -> Run:
    """micrograd's Values."""
    return again(lambda: by_values(count)[0].data)


def by_torch(count: int) -> Run:
    """torch's eager tensors of one number."""
    torch = library("torch")
    torch.set_num_threads(1)

    def once() -> Any:
        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in LEAVES]
        one, minus = (torch.tensor(x, dtype=torch.float64) for x in (1.0, -1.0))
        return graph(torch, leaves, one, minus, count).item()

    return again(once)


def by_floats(count: int) -> Run:
    """Plain numbers: the loop without a graph."""
    return again(lambda: graph(FLOATS, LEAVES, 1.0, -1.0, count))


ROWS = (
    Row(
        "P8",
        "building 100,000 gates between single numbers in Python",
        each="graph",
        unit="ms",
        prepare=int,
        ours={"pullback, Units": by_units, "pullback, a circuit": by_circuit},
        peers={"micrograd": by_micrograd, "torch": by_torch},
        limits={"plain floats, no graph": by_floats},
        goals=(Goal(5), Goal(50, mine="pullback, a circuit")),
        size=100_000,
        sizes=(1000, 10_000, 100_000),
        counted="gates",
        checked=1,
        note="a loop in Python over plain floats takes more than the goal here; a traced gate"
        " gets its name, place and shape.",
    ),
)
