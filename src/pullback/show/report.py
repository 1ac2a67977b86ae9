"""`report.html`: everything about one run on one page, without a script, a link or a font from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pullback.core.circuit import Circuit
from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg
from pullback.show.chart_style import chart_rules, inks
from pullback.show.charts import Line, bars, line_chart, reliability, scatter, scatter_around_zero
from pullback.show.escape import clean

MOST_BARS, MOST_CLASSES = 15, 20
INLINE = ' style="font-variant-numeric:tabular-nums"'


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known about a run, ready to be shown.

    numbers: pairs of what and how much. log: one dict an epoch. confusion: counts by class (k, k).
    residuals: (true, predicted). bins, ece: the calibration. importance: (column, drop, error bar).
    mistakes: the worst rows as cells under mistake_head. commands: to do it again.
    """

    title: str
    verdict: str
    better: bool
    numbers: Sequence[tuple[str, str]]
    columns: Sequence[str]
    notes: Sequence[str]
    log: Sequence[dict[str, Any]]
    commands: Sequence[str]
    circuit: Circuit | None = None
    classes: Sequence[str] = ()
    confusion: Sequence[Sequence[int]] = ()
    residuals: Sequence[tuple[float, float]] = ()
    bins: Sequence[tuple[float, float, int]] = ()
    ece: float = 0.0
    importance: Sequence[tuple[str, float, float]] = ()
    importance_unit: str = ""
    mistake_head: Sequence[str] = ()
    mistakes: Sequence[Sequence[str]] = ()


def report(evidence: Evidence) -> str:
    """The page. Its policy lets in nothing but its own style sheet, which it names by its hash."""
    parts = [_head(evidence), _curves(evidence), _confused(evidence), _residuals(evidence)]
    parts += [_calibrated(evidence), _important(evidence), _mistaken(evidence), _drawn(evidence)]
    body = "\n".join([*parts, _told(evidence)])
    # The circuit's picture brings a style sheet of its own.
    styles = [STYLE, *re.findall(r"<style>(.*?)</style>", body, re.DOTALL)]
    hashes = " ".join(f"'sha256-{_digest(text)}'" for text in styles)
    policy = f"default-src 'none'; style-src {hashes}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{clean(evidence.title)}</title>\n<style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(evidence: Evidence) -> str:
    rows = "".join(
        f"<tr><th>{clean(what)}</th><td>{clean(much)}</td></tr>" for what, much in evidence.numbers
    )
    kind = "yes" if evidence.better else "no"
    notes = "".join(f"<li>{clean(note)}</li>" for note in evidence.notes)
    return (
        f'<h1>{clean(evidence.title)}</h1>\n<p class="verdict {kind}">{clean(evidence.verdict)}.</p>\n'
        f"<table>{rows}</table>" + (f'\n<ul class="notes">{notes}</ul>' if notes else "")
    )


def _section(title: str, why: str, inside: str) -> str:
    return f"<section><h2>{title}</h2>\n<p>{why}</p>\n{inside}</section>"


def _curves(evidence: Evidence) -> str:
    charts = []
    for name, key in (("loss", "loss"), ("accuracy", "accuracy")):
        lines = [
            Line(f"{name}, {said}", ink, points)
            for said, ink, points in (
                ("training", "value", _points(evidence.log, key)),
                ("validation", "pull", _points(evidence.log, f"validation_{key}")),
            )
            if points
        ]
        if lines:
            charts.append(line_chart(lines, "epoch", name, f"{name} by epoch"))
    if not charts:
        return ""
    why = "Training stops when the validation loss no longer falls, and keeps the best weights."
    return _section("How it learned", why, f'<div class="pair">{"".join(charts)}</div>')


def _points(log: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(float(row["epoch"]), float(row[key])) for row in log if row.get(key) is not None]


def _confused(evidence: Evidence) -> str:
    if not evidence.confusion:
        return ""
    if len(evidence.classes) > MOST_CLASSES:
        return _section("What is taken for what", f"{len(evidence.classes)} classes: too many.", "")
    head = "".join(f'<th scope="col">{clean(name)}</th>' for name in evidence.classes)
    rows = []
    for i, (name, counts) in enumerate(zip(evidence.classes, evidence.confusion, strict=True)):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td class="{"right" if i == j else "wrong"}{_shade(count / total)}">{count}</td>'
            for j, count in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{clean(name)}</th>{cells}</tr>')
    inside = f"<tr><th></th>{head}</tr>{''.join(rows)}"
    table = f'<div class="wide"><table class="confusion">{inside}</table></div>'
    why = "Rows are the true classes, columns what they were taken for: test rows, counted."
    return _section("What is taken for what", why, table)


def _shade(share: float) -> str:
    return f" s{min(int(share * 5) + (share > 0), 5)}"


def _residuals(evidence: Evidence) -> str:
    if not evidence.residuals:
        return ""
    points = list(evidence.residuals)[:2000]
    off = [(predicted, true - predicted) for true, predicted in points]
    why = "Each dot is a test row. Left: on the dashed line it is exactly right. Right: what is left over."
    left = scatter(points, "true", "predicted", "predicted against true")
    right = scatter_around_zero(off, "predicted", "true - predicted", "what is left over")
    return _section("Predicted and true", why, f'<div class="pair">{left}{right}</div>')


def _calibrated(evidence: Evidence) -> str:
    if not evidence.bins:
        return ""
    why = (
        "On the dashed line, 80 % sure means right in 80 of 100. A larger dot is more rows. "
        f"Expected calibration error: {evidence.ece:.3f}."
    )
    return _section(
        "Is it as sure as it should be?", why, reliability(evidence.bins, "reliability")
    )


def _important(evidence: Evidence) -> str:
    if not evidence.importance:
        return ""
    shown = list(evidence.importance)[:MOST_BARS]
    more = len(evidence.importance) - len(shown)
    why = (
        "How much worse the model does on test rows when one column is shuffled; the line is the "
        "error bar. Columns that tell the same stand in for each other."
        + (f" The first {len(shown)} of {len(evidence.importance)}." if more else "")
    )
    return _section("What it goes by", why, bars(shown, evidence.importance_unit, "importance"))


def _mistaken(evidence: Evidence) -> str:
    if not evidence.mistakes:
        return ""
    head = "".join(f'<th scope="col">{clean(name)}</th>' for name in evidence.mistake_head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{clean(cell)}</td>" for cell in row) + "</tr>"
        for row in evidence.mistakes
    )
    table = f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'
    return _section("The worst mistakes", "Test rows, the worst first. Look at them.", table)


def _drawn(evidence: Evidence) -> str:
    circuit = evidence.circuit
    if circuit is None:
        return ""
    why = "All that happens to a row, from its features to the answer."
    sizes = "".join(
        f"<tr><th>{clean(name)}</th><td>{clean(str(circuit.spec_of(wire)))}</td></tr>"
        for name, wire in zip(circuit.input_names, circuit.inputs, strict=True)
    )
    # The numbers of a font are an extra that our policy would not let in.
    drawn = svg(picture(circuit, name="model")).replace(INLINE, "")
    return _section("The circuit", why, f'<div class="wide">{drawn}</div><table>{sizes}</table>')


def _told(evidence: Evidence) -> str:
    columns = "".join(f"<li>{clean(line)}</li>" for line in evidence.columns)
    commands = "\n".join(clean(line) for line in evidence.commands)
    listed = f"<h3>Columns</h3><ul>{columns}</ul>" if columns else ""
    return _section("Do it again", "The same bits come out.", f"<pre>{commands}</pre>{listed}")


STYLE = (
    inks(":root")
    + """:root{--cell:#0b5cad}
@media (prefers-color-scheme:dark){:root{--cell:#3b82c4}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 Helvetica,Arial,sans-serif;margin:0}
main{max-width:980px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .25rem}h3{font-size:1rem;margin:1rem 0 .25rem}
p{margin:.25rem 0 .75rem;max-width:46rem}section>p,.notes{color:var(--faint)}
.verdict{font-size:1.1rem;border-left:4px solid var(--pull);padding-left:.75rem}
.verdict.yes{border-color:var(--value)}
.notes{padding-left:1.1rem;max-width:46rem}
.pair{display:flex;flex-wrap:wrap;gap:1rem}.wide{overflow-x:auto}
.chart{max-width:100%;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .6rem;text-align:left;border-bottom:1px solid var(--grid);font-weight:400;
max-width:22rem;overflow-wrap:break-word}
th{color:var(--faint)}.confusion td{text-align:right}
.right.s1,.right.s2{background:color-mix(in srgb,var(--cell) 15%,transparent)}
.right.s3,.right.s4{background:color-mix(in srgb,var(--cell) 35%,transparent)}
.right.s5{background:color-mix(in srgb,var(--cell) 55%,transparent)}
.wrong.s1,.wrong.s2{background:color-mix(in srgb,var(--pull) 22%,transparent)}
.wrong.s3,.wrong.s4,.wrong.s5{background:color-mix(in srgb,var(--pull) 50%,transparent)}
.wrong.s0{color:var(--faint)}
pre{background:color-mix(in srgb,var(--faint) 12%,transparent);padding:.75rem;overflow-x:auto}
@media print{body{background:#fff;color:#000}section{break-inside:avoid}}
"""
    + chart_rules(".chart")
)
