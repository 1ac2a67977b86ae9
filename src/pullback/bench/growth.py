"""How time and memory grow with the size of the work: one runner alone in a process, size by size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pullback.bench.measure import exponent
from pullback.bench.row import Row
from pullback.bench.table import all_rows, in_unit, measured_apart

ROUNDS = 3
TOO_LONG = "skipped: too slow"
PATIENCE = 1.0  # seconds a step; who takes longer is not asked for a larger size


class Point(NamedTuple):
    """One size: seconds a step, or why there is no time; the most bytes the process ever had."""

    size: int
    time: float | None
    said: str
    memory: int


@dataclass(frozen=True)
class Grown:
    """A runner of a row at each size."""

    row: Row
    runner: str
    points: tuple[Point, ...]

    @property
    def exponent(self) -> float | None:
        """Time grows as size to this power; None where there are fewer than two times."""
        times = {p.size: p.time for p in self.points if p.time}
        return exponent(times) if len(times) > 1 else None


def grow(places: Sequence[int]) -> Iterator[Grown]:
    """Each runner of each row; at its one size where the work has no other."""
    for place in places:
        row = all_rows()[place]
        for name in row.runners:
            yield grown(row, place, name)


def grown(row: Row, place: int, name: str) -> Grown:
    """One runner at each size of its row."""
    points: list[Point] = []
    for size in row.sizes or (row.size,):
        slow = bool(points) and (points[-1].time or PATIENCE) >= PATIENCE
        points.append(Point(size, None, TOO_LONG, 0) if slow else _point(place, name, size))
    return Grown(row, name, tuple(points))


def _point(place: int, name: str, size: int) -> Point:
    asked = {"row": place, "names": [name], "rounds": ROUNDS, "size": size, "quick": False}
    said = measured_apart(asked)
    one = said["runners"][name]
    return Point(size, one["time"], one["said"], said["memory"])


def lines(one: Grown) -> list[str]:
    """A line a size."""
    shown = [_cells(one.row, point) for point in one.points]
    wide = max(10, *(len(time) for _, time, _ in shown))
    said = [f"    {size:>12}  {time:>{wide}}  {memory:>10}" for size, time, memory in shown]
    slope = f": time grows as {_slope(one)}" if _slope(one) else ""
    return [f"{one.row.key}  {one.row.title}, {one.runner}{slope}", *said]


def as_data(one: Grown) -> dict[str, Any]:
    """A runner's growth as plain data; times in seconds, memory in bytes."""
    points = [point._asdict() for point in one.points]
    return {
        "row": one.row.key, "title": one.row.title, "runner": one.runner,
        "exponent": one.exponent, "points": points,
    }  # fmt: skip


_PAGE = """# Scaling

How the time of a step and the memory of the process grow with the size of the work, written by
`pullback bench --sweep --markdown`. Each runner works alone in a process of its own, at each size anew,
with one thread on one core; its memory is the peak of that process, the library itself included.
Work of one size has one column. The machine is the one of [the table](bench.md).
"""


def markdown(found: Sequence[Grown]) -> str:
    """A page: a table a row of the bench, a line a runner."""
    parts, last = [_PAGE.rstrip()], None
    for one in found:
        if one.row is not last:
            parts += ["", f"## {one.row.key}: {one.row.title}", "", *_head(one.row)]
        last = one.row
        parts.append(f"| {one.runner} | {_slope(one)} | {' | '.join(_pairs(one))} |")
    return "\n".join(parts)


def _head(row: Row) -> list[str]:
    sizes = [f"{row.counted} {size:,}" for size in row.sizes] or [f"a {row.each}"]
    cells = ["", "time grows as", *sizes]
    return [f"| {' | '.join(cells)} |", "|" + "---|" * len(cells)]


def _pairs(one: Grown) -> list[str]:
    shown = [_cells(one.row, point) for point in one.points]
    return [f"{time}, {memory}".rstrip(", ") for _, time, memory in shown]


def _cells(row: Row, point: Point) -> tuple[str, str, str]:
    time = f"{in_unit(point.time, row.unit)} {row.unit}" if point.time else point.said
    memory = f"{point.memory / 2**20:,.0f} MiB" if point.memory else ""
    return f"{point.size:,}" if row.sizes else "", time, memory


def _slope(one: Grown) -> str:
    return "" if one.exponent is None else f"{one.row.counted}^{one.exponent:.2f}"
