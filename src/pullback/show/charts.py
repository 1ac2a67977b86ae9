"""Charts as inline SVG: lines, points, bars with error bars. No scripts; colours come from the page.

Every text that is not ours goes through `clean`, every number through `place`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pullback.show.escape import clean

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 26, 40


@dataclass(frozen=True)
class Line:
    """One curve: its name, its ink (a class of the style sheet), its points."""

    name: str
    ink: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axes:
    """What a chart shows from where to where."""

    x: tuple[float, float]
    y: tuple[float, float]
    across: str
    up: str
    whole: bool = False

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point stands on the sheet."""
        return (
            LEFT + (WIDTH - LEFT - RIGHT) * _share(x, self.x),
            HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(y, self.y),
        )


def line_chart(
    lines: Sequence[Line], across: str, up: str, said: str, *, whole: bool = False
) -> str:
    """Curves over a common axis; `said` is the chart in words, for a reader who does not see it.

    whole: the axis across counts in whole numbers from the first to the last, as epochs do.
    """
    axes = axes_of([point for line in lines for point in line.points], across, up)
    if whole:
        counts = [x for line in lines for x, _ in line.points]
        axes = replace(axes, x=(min(counts), max(counts)), whole=True)
    drawn = [_curve(axes, line) for line in lines]
    names = [
        f'<text class="{line.ink}" x="{LEFT + 190 * i}" y="14">{clean(line.name)}</text>'
        for i, line in enumerate(lines)
    ]
    return _sheet([*_frame(axes), *drawn, *names], said)


def scatter(points: Sequence[tuple[float, float]], across: str, up: str, said: str) -> str:
    """Points, and the diagonal of exact predictions."""
    ends = _range([value for point in points for value in point])
    axes = Axes(ends, ends, across, up)
    return _sheet([*_frame(axes), _diagonal(axes), *_dots(axes, points)], said)


def scatter_around_zero(
    points: Sequence[tuple[float, float]], across: str, up: str, said: str
) -> str:
    """Points, and the zero line."""
    axes = axes_of([*points, (points[0][0], 0.0)], across, up)
    zero = _line(axes, (axes.x[0], 0.0), (axes.x[1], 0.0))
    return _sheet([*_frame(axes), zero, *_dots(axes, points)], said)


def reliability(bins: Sequence[tuple[float, float, int]], said: str) -> str:
    """Predicted probability against the share that was right; beside each dot its number of rows."""
    axes = Axes((0.0, 1.0), (0.0, 1.0), "predicted probability", "share that is right")
    most = max((rows for _, _, rows in bins), default=1)
    drawn = [_diagonal(axes), _curve(axes, Line("", "value", [(x, y) for x, y, _ in bins]))]
    for sure, right, rows in bins:
        x, y = axes.at(sure, right)
        radius = 3 + 6 * math.sqrt(rows / most)
        under = y + radius + 12 < HEIGHT - BOTTOM
        drawn.append(
            f'<circle class="dot" cx="{place(x)}" cy="{place(y)}" r="{place(radius)}">'
            f"<title>{rows} rows</title></circle>"
            f'<text class="faint" x="{place(x)}" y="{place(y + radius + 12 if under else y - radius - 4)}" '
            f'text-anchor="middle">{rows}</text>'
        )
    return _sheet([*_frame(axes), *drawn], said)


def roc(points: Sequence[tuple[float, float]], said: str) -> str:
    """True against false positive rate; guessing runs along the diagonal."""
    axes = Axes((0.0, 1.0), (0.0, 1.0), "false positive rate", "true positive rate")
    return _sheet([*_frame(axes), _diagonal(axes), _curve(axes, Line("", "value", points))], said)


def pixels(values: Sequence[float], width: int, said: str) -> str:
    """A small picture of grey cells, each from 0 (paper) to 1 (ink)."""
    cells = "".join(
        f'<rect class="cell" x="{i % width}" y="{i // width}" width="1.02" height="1.02" '
        f'fill-opacity="{min(max(value, 0.0), 1.0):.2f}"/>'
        for i, value in enumerate(values)
        if value > 0
    )
    height = -(-len(values) // width)
    return (
        f'<svg class="chart pixels" viewBox="0 0 {width} {height}" width="{5 * width}" '
        f'height="{5 * height}" role="img" aria-label="{clean(said)}">{cells}</svg>'
    )


def bars(rows: Sequence[tuple[str, float, float]], across: str, said: str) -> str:
    """One bar a row: name, length, error bar."""
    names = 170
    height, tall = 24, TOP + 24 * len(rows) + BOTTOM
    low, high = _range([0.0, *(v - b for _, v, b in rows), *(v + b for _, v, b in rows)])
    scale = (WIDTH + 120 - names - RIGHT) / (high - low)

    def at(value: float) -> float:
        return names + (value - low) * scale

    drawn = [
        f'<line class="axis" x1="{place(at(0))}" x2="{place(at(0))}" y1="{TOP}" y2="{tall - BOTTOM}"/>'
    ]
    for i, (name, value, bar) in enumerate(rows):
        y = TOP + height * i + 4
        start, end = sorted((at(0.0), at(value)))
        short = name if len(name) <= 26 else f"{name[:25]}…"
        middle = y + 8
        drawn += [
            f'<text class="ink" x="{names - 8}" y="{y + 12}" text-anchor="end">{clean(short)}'
            f"<title>{clean(name)}</title></text>",
            f'<rect class="bar" x="{place(start)}" y="{y}" width="{place(end - start)}" height="16"/>',
            f'<line class="whisker" x1="{place(at(value - bar))}" x2="{place(at(value + bar))}" '
            f'y1="{middle}" y2="{middle}"/>',
        ]
    ticks = _ticks(low, high)
    drawn += [
        f'<text class="faint" x="{place(at(tick))}" y="{tall - 22}" text-anchor="middle">{name}</text>'
        for tick, name in zip(ticks, named(ticks), strict=True)
    ]
    drawn.append(
        f'<text class="faint" x="{(WIDTH + 120 + names) / 2:.0f}" y="{tall - 5}" '
        f'text-anchor="middle">{clean(across)}</text>'
    )
    return _sheet(drawn, said, WIDTH + 120, tall)


def axes_of(points: Sequence[tuple[float, float]], across: str, up: str) -> Axes:
    """Axes from one round number to another, so that the first and last tick hold all points."""
    return Axes(_range([x for x, _ in points]), _range([y for _, y in points]), across, up)


def place(value: float) -> str:
    """A coordinate: one decimal, never NaN.

    >>> place(3.14159), place(float("nan"))
    ('3.1', '0.0')
    """
    return f"{value:.1f}" if math.isfinite(value) else "0.0"


def _curve(axes: Axes, line: Line) -> str:
    points = [axes.at(x, y) for x, y in line.points if math.isfinite(y)]
    path = " ".join(f"{place(x)},{place(y)}" for x, y in points)
    return f'<polyline class="curve {line.ink}" points="{path}"/>'


def _dots(axes: Axes, points: Sequence[tuple[float, float]]) -> list[str]:
    places = [axes.at(*point) for point in points]
    return [f'<circle class="dot" cx="{place(x)}" cy="{place(y)}" r="2.4"/>' for x, y in places]


def _diagonal(axes: Axes) -> str:
    return _line(axes, (axes.x[0], axes.y[0]), (axes.x[1], axes.y[1]))


def _line(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> str:
    (x, y), (x2, y2) = axes.at(*start), axes.at(*end)
    return f'<line class="grid dashed" x1="{place(x)}" y1="{place(y)}" x2="{place(x2)}" y2="{place(y2)}"/>'


def _frame(axes: Axes) -> list[str]:
    drawn = []
    ticks = _ticks(*axes.y)
    for tick, name in zip(ticks, named(ticks), strict=True):
        y = axes.at(axes.x[0], tick)[1]
        drawn.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place(y)}" y2="{place(y)}"/>'
            f'<text class="faint" x="{LEFT - 6}" y="{place(y + 4)}" text-anchor="end">{name}</text>'
        )
    ticks = _whole_ticks(*axes.x) if axes.whole else _ticks(*axes.x)
    for tick, name in zip(ticks, named(ticks), strict=True):
        x = axes.at(tick, axes.y[0])[0]
        drawn.append(
            f'<text class="faint" x="{place(x)}" y="{HEIGHT - BOTTOM + 16}" '
            f'text-anchor="middle">{name}</text>'
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    drawn.append(
        f'<text class="faint" x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 6}" '
        f'text-anchor="middle">{clean(axes.across)}</text>'
        f'<text class="faint" x="12" y="{middle:.0f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle:.0f})">{clean(axes.up)}</text>'
    )
    return drawn


def _sheet(drawn: Sequence[str], said: str, width: int = WIDTH, height: int = HEIGHT) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{clean(said)}">{"".join(drawn)}</svg>'
    )


def _share(value: float, ends: tuple[float, float]) -> float:
    return (value / 2 - ends[0] / 2) / ((ends[1] / 2 - ends[0] / 2) or 1.0)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From the round number below all values to the one above."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        room = 0.5 * abs(high) or 0.5
        low, high = low - room, high + room
    for _ in range(4):  # wider ends may want a wider step
        step = _step(low, high)
        ends = (low, high)
        if step:
            ends = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
        if ends == (low, high) or not all(map(math.isfinite, ends)):
            break
        low, high = ends
    return low, high


def _step(low: float, high: float) -> float:
    """The round distance of three to ten ticks: 1, 2 or 5 times a power of ten."""
    reach = high / 8 - low / 8
    if not (math.isfinite(reach) and reach > 1e-300):
        return 0.0
    unit = 10.0 ** math.floor(math.log10(reach))
    return next((unit * by for by in (1, 2, 5) if unit * by >= reach * (1 - 1e-9)), unit * 10)


def _ticks(low: float, high: float) -> list[float]:
    """Three to ten round numbers between two others.

    >>> _ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    step = _step(low, high)
    if step == 0.0:
        return []
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [float(f"{i * step:.12g}") + 0.0 for i in range(first, min(last, first + 12) + 1)]


def _whole_ticks(low: float, high: float) -> list[float]:
    """The first and the last whole number, and round ones in between that leave room for both.

    >>> _whole_ticks(1.0, 14.0)
    [1.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
    """
    step = max(_step(low, high), 1.0)
    inner = [
        t for t in _ticks(low, high) if t % 1 == 0 and low + step * 0.9 < t < high - step * 0.9
    ]
    return [low, *inner, *([high] if high > low else [])]


def named(ticks: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as their distance needs, all alike.

    >>> named([0.0, 0.5, 1.0]), named([0.0, 2000000.0])
    (['0.0', '0.5', '1.0'], ['0', '2e+06'])
    """
    if len(ticks) < 2:
        return [f"{tick:g}" for tick in ticks]
    apart = min(b - a for a, b in pairwise(ticks))
    most = max(abs(tick) for tick in ticks)
    if not 1e-5 < apart <= most < 1e5:
        return [f"{tick:.4g}" for tick in ticks]
    decimals = max(0, -math.floor(math.log10(apart) + 1e-9))
    return [f"{tick:.{decimals}f}" for tick in ticks]
