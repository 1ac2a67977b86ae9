"""The sections of a report, in the order of the page; one that has nothing to show is empty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from pullback.emit.picture.stamp import picture
from pullback.emit.svg import svg
from pullback.show.charts import (
    Line,
    bars,
    line_chart,
    pixels,
    reliability,
    roc,
    scatter,
    scatter_around_zero,
)  # fmt: skip
from pullback.show.escape import clean
from pullback.show.evidence import Evidence

MOST_BARS, MOST_CLASSES = 15, 20
INLINE = ' style="font-variant-numeric:tabular-nums"'


def head(evidence: Evidence) -> str:
    """Title, verdict, the main numbers, notes."""
    kind = "yes" if evidence.better else "no"
    notes = "".join(f"<li>{clean(note)}</li>" for note in evidence.notes)
    return (
        f'<h1>{clean(evidence.title)}</h1>\n<p class="verdict {kind}">{clean(evidence.verdict)}.</p>\n'
        f"{pairs(evidence.numbers)}" + (f'\n<ul class="notes">{notes}</ul>' if notes else "")
    )


def curves(evidence: Evidence) -> str:
    """Loss and accuracy by epoch."""
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
            charts.append(line_chart(lines, "epoch", name, f"{name} by epoch", whole=True))
    if not charts:
        return ""
    why = "Training stops when the validation loss no longer falls, and keeps the best weights."
    return section("Training curves", why, f'<div class="pair">{"".join(charts)}</div>')


def _points(log: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(float(row["epoch"]), float(row[key])) for row in log if row.get(key) is not None]


def confusion(evidence: Evidence) -> str:
    """Test rows by true and predicted class."""
    if not evidence.confusion:
        return ""
    count = len(evidence.classes)
    if count > MOST_CLASSES:
        return section("Confusion matrix", f"Not shown: {count} classes.", "")
    names = "".join(f'<th scope="col">{clean(name)}</th>' for name in evidence.classes)
    rows = [
        f'<tr><th></th><th class="axis" colspan="{count}">predicted</th></tr>',
        f'<tr><th class="axis">true</th>{names}</tr>',
    ]
    for i, (name, counts) in enumerate(zip(evidence.classes, evidence.confusion, strict=True)):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td class="{"right" if i == j else "wrong"}{_shade(rows_ / total)}">{rows_}</td>'
            for j, rows_ in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{clean(name)}</th>{cells}</tr>')
    table = f'<div class="wide"><table class="confusion">{"".join(rows)}</table></div>'
    return section("Confusion matrix", "Test rows by true and predicted class.", table)


def _shade(share: float) -> str:
    return f" s{min(int(share * 5) + (share > 0), 5)}"


def class_scores(evidence: Evidence) -> str:
    """Precision, recall and F1 of every class."""
    if not evidence.scores or len(evidence.scores) > MOST_CLASSES:
        return ""
    why = (
        "Precision: of the rows predicted as a class, the share that belong to it. Recall: of its rows, the "
        "share predicted as it. F1: the harmonic mean of both."
    )
    rows = [
        (name, _share(precision), _share(recall), _share(f1), str(count))
        for name, precision, recall, f1, count in evidence.scores
    ]
    return section(
        "Precision and recall", why, table(("class", "precision", "recall", "F1", "rows"), rows)
    )


def threshold(evidence: Evidence) -> str:
    """ROC curve, and what each threshold gives; for two classes."""
    if not evidence.roc:
        return ""
    positive = clean(evidence.positive)
    why = (
        f"A row counts as '{positive}' where its probability is at least the threshold; predictions use 0.5. "
        f"ROC-AUC {evidence.auc:.3f}: the chance that a random '{positive}' row gets a higher "
        "probability than a random other row."
    )
    rows = [(f"{cut:.1f}", *map(_share, rest)) for cut, *rest in evidence.cuts]
    cuts = table(("threshold", "precision", "recall", "F1"), rows)
    chart = roc(evidence.roc, f"ROC curve, area {evidence.auc:.3f}")
    return section("Two classes: the threshold", why, f'<div class="pair">{chart}{cuts}</div>')


def _share(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.3f}"


def residuals(evidence: Evidence) -> str:
    """Predictions and residuals of a regression."""
    if not evidence.residuals:
        return ""
    points = list(evidence.residuals)[:2000]
    off = [(predicted, true - predicted) for true, predicted in points]
    why = "Each dot is a test row. On the dashed lines the prediction is exactly right."
    left = scatter(points, "true", "predicted", "predicted against true")
    right = scatter_around_zero(off, "predicted", "residual (true - predicted)", "residuals")
    return section("Predictions and residuals", why, f'<div class="pair">{left}{right}</div>')


def calibration(evidence: Evidence) -> str:
    """Predicted probabilities against shares that were right."""
    if not evidence.bins:
        return ""
    why = (
        "On the dashed line, a probability of 80 % means right in 80 of 100 rows. Beside each dot is its "
        f"number of test rows. Expected calibration error: {evidence.ece:.3f}."
    )
    return section("Calibration", why, reliability(evidence.bins, "calibration"))


def importance(evidence: Evidence) -> str:
    """Permutation importance by column."""
    if not evidence.importance:
        return ""
    shown = list(evidence.importance)[:MOST_BARS]
    more = len(evidence.importance) - len(shown)
    why = (
        "How much worse the model does on test rows when one column is shuffled; the line is the "
        "error bar. Columns with the same information can replace each other, so each looks unimportant."
        + (f" The first {len(shown)} of {len(evidence.importance)}." if more else "")
    )
    chart = bars(shown, evidence.importance_unit, "permutation importance")
    return section("Permutation importance", why, chart)


def mistakes(evidence: Evidence) -> str:
    """The worst test rows, and which columns led there."""
    if not evidence.mistakes:
        return ""
    images = [pixels(image, math.isqrt(len(image)), "the row") for image in evidence.images]
    rows = [
        "<tr>"
        + (f"<td>{images[i]}</td>" if images else "")
        + "".join(f"<td>{clean(cell)}</td>" for cell in row)
        + "</tr>"
        for i, row in enumerate(evidence.mistakes)
    ]
    names = [*(["image"] if images else []), *evidence.mistake_head]
    top = "".join(f'<th scope="col">{clean(name)}</th>' for name in names)
    why = "Test rows, the worst first."
    if "why" in evidence.mistake_head:
        why += (
            " 'why' lists the columns that moved the answer furthest towards what was predicted: the pull "
            "(the gradient) on the column, times its distance from the training mean."
        )
    inside = f'<div class="wide"><table><tr>{top}</tr>{"".join(rows)}</table></div>'
    return section("Largest errors", why, inside)


def circuit(evidence: Evidence) -> str:
    """The model as a picture."""
    drawn = evidence.circuit
    if drawn is None:
        return ""
    why = "The model for one row, from its features to the answer."
    sizes = [
        (name, str(drawn.spec_of(wire)))
        for name, wire in zip(drawn.input_names, drawn.inputs, strict=True)
    ]
    # The numbers of a font are an extra that our policy would not let in.
    image = svg(picture(drawn, name="model")).replace(INLINE, "")
    return section("Circuit", why, f'<div class="wide">{image}</div>{pairs(sizes)}')


def settings(evidence: Evidence) -> str:
    """Options, versions, the hash of the data, and how columns were read."""
    listed = "".join(f"<li>{clean(line)}</li>" for line in evidence.columns)
    columns = f"<h3>Columns</h3><ul>{listed}</ul>" if listed else ""
    if not evidence.settings:
        return ""
    return section("Settings", "What this run was made with.", pairs(evidence.settings) + columns)


def reproduce(evidence: Evidence) -> str:
    """Commands that give the same run."""
    commands = "\n".join(clean(line) for line in evidence.commands)
    why = "The same rows and settings give the same weights, bit for bit."
    return section("Reproduce", why, f"<pre>{commands}</pre>")


def section(title: str, why: str, inside: str) -> str:
    """A heading, one paragraph and what it is about."""
    return f"<section><h2>{title}</h2>\n<p>{why}</p>\n{inside}</section>"


def pairs(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as a table."""
    cells = "".join(f"<tr><th>{clean(a)}</th><td>{clean(b)}</td></tr>" for a, b in rows)
    return f"<table>{cells}</table>"


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Numbers under a header, the first column naming the row."""
    top = "".join(f'<th scope="col">{clean(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row">{clean(first)}</th>{"".join(f"<td>{clean(c)}</td>" for c in rest)}</tr>'
        for first, *rest in rows
    )
    return f'<div class="wide"><table class="scores"><tr>{top}</tr>{body}</table></div>'


SECTIONS: tuple[Callable[[Evidence], str], ...] = (
    head, curves, confusion, class_scores, threshold, residuals, calibration, importance, mistakes,
    circuit, settings, reproduce,
)  # fmt: skip
