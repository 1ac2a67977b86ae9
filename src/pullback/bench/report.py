"""The bench as text: for a terminal, as Markdown for a page, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pullback.bench.table import Measured, Result, in_unit

ANSWERS = {True: "yes", False: "no", None: "not measured here"}
MET = {True: "met", False: "missed", None: "not measured here"}


def lines(result: Result) -> list[str]:
    """One row: a line a runner, then what we make of it."""
    row = result.row
    width = max(len(m.name) for m in result.runners)
    said = [f"{row.key}  {row.title} ({row.unit} a {row.each})"]
    said += [f"    {m.name:<{width}}  {_cell(result, m)}".rstrip() for m in result.runners]
    return [*said, *(f"    {line}" for line in verdicts(result))]


def _cell(result: Result, one: Measured) -> str:
    if one.time is None:
        return one.said
    text = f"{in_unit(one.time, result.row.unit):>10}"
    if one.role == "ours" or not result.ours:
        return text
    limit = "   the limit" if one.role == "limit" else ""
    return f"{text}   {ratio(one.time / result.ours)} our time{limit}"


def ratio(value: float) -> str:
    """Two digits that count.

    >>> ratio(0.731), ratio(41.8), ratio(13000.0)
    ('0.73 x', '42 x', '13,000 x')
    """
    return f"{value:.2f} x" if value < 10 else f"{value:,.0f} x"


def verdicts(result: Result) -> list[str]:
    """Beside the best peer, and goal by goal."""
    found = [f"goal {said}: {ANSWERS[met]}" for said, met in result.goals]
    best, ours = result.best_peer, result.ours
    if best and ours:
        found.insert(0, f"best peer: {best[0]}, {ratio(best[1] / ours)} our time")
    if (result.missed or _loses(result)) and result.row.note:
        found.append(result.row.note)
    return found


def as_data(result: Result) -> dict[str, Any]:
    """A row as plain data; times in seconds."""
    row, best = result.row, result.best_peer
    return {
        "row": row.key,
        "title": row.title,
        "each": row.each,
        "runners": [
            {"name": m.name, "role": m.role, "seconds": m.time, "ready": m.ready, "said": m.said}
            for m in result.runners
        ],
        "best_peer": best[0] if best else None,
        "agree": not any(m.said.startswith("disagrees") for m in result.runners),
        "peer_over_ours": best[1] / result.ours if best and result.ours else None,
        "goals": [{"goal": said, "met": met} for said, met in result.goals],
    }


_PAGE = """# Benchmarks

The same work by pullback, by other libraries and by C, written by `pullback bench --markdown` after `pip
install -e '.[bench]'`. [Scaling](bench-growth.md) shows how each grows with the size of the work. Each
row is one process with one thread on one core. All runners had to reach the same numbers before a time
counted; then they took turns. A time is the median of the processor time of one step. A limit is C
written by hand, or the part of the work that cannot be left out; it is no peer. Goals are for AVX-512.
The library itself has SGD; Adam is an optimizer written for the benchmarks (`pullback/bench/rules.py`),
with the library's `Optimizer` protocol.

## The machine
"""
HEAD = ("row", "pullback", "best peer", "peer / pullback")


def markdown(results: Sequence[Result], machine: Mapping[str, str]) -> str:
    """A page: the machine, one table, the rest of each row, a reason wherever a goal is missed."""
    parts = [
        _PAGE,
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in machine.items()),
    ]
    parts += ["", "## Results", ""]
    parts += [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    parts += [f"| {' | '.join(_cells(result))} |" for result in results]
    parts += ["", "## Other peers, limits and goals", ""]
    parts += [f"- {_rest(result)}" for result in results]
    reasons = [f"- {_reason(r)}" for r in results if r.missed or _loses(r)]
    head = ["", "## Where a peer is faster or a goal is missed", ""]
    return "\n".join([*parts, *([*head, *reasons] if reasons else [])])


def _reason(result: Result) -> str:
    told = [*([f"{result.best_peer[0]} is faster"] if result.best_peer and _loses(result) else [])]
    return ": ".join(
        filter(None, [result.row.key, ", ".join([*told, *result.missed]), result.row.note])
    )


def _loses(result: Result) -> bool:
    return bool(result.best_peer and result.ours and result.best_peer[1] < result.ours)


def short(name: str) -> str:
    """What one of our runners is called under our own heading.

    >>> short("pullback"), short("pullback, loop inside"), short("pullback fast")
    ('', 'loop inside', 'fast')
    """
    return name.removeprefix("pullback").lstrip(", ")


def _cells(result: Result) -> list[str]:
    row, best, ours = result.row, result.best_peer, result.ours
    mine = [
        f"{short(name)} {in_unit(time, row.unit)} {row.unit}".strip()
        for name, time in result.times("ours").items()
    ]
    return [
        f"**{row.key}** {row.title} (a {row.each})",
        "; ".join(mine),
        f"{best[0]} {in_unit(best[1], row.unit)}" if best else "",
        ratio(best[1] / ours) if best and ours else "",
    ]


def _rest(result: Result) -> str:
    """Other peers, limits and goals of a row, in its unit."""
    row, best = result.row, result.best_peer
    others = [
        f"{m.name} {in_unit(m.time, row.unit) or m.said}"
        for m in result.runners
        if m.role == "peer" and (best is None or m.name != best[0])
    ]
    limits = [f"{name} {in_unit(time, row.unit)}" for name, time in result.times("limit").items()]
    goals = [f"{said} ({MET[met]})" for said, met in result.goals]
    told = (("", others), ("limit: ", limits), ("goal: ", goals))
    return f"**{row.key}** ({row.unit}) " + "; ".join(
        name + ", ".join(some) for name, some in told if some
    )
