"""A loss or a force as two charts: the pull on the score, and the loss."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pullback.errors import OptionError
from pullback.nn.forces import Force, SoftmaxForce, force_of, loss_of
from pullback.nn.losses import CrossEntropy, Loss
from pullback.runs.atomic import write_atomic
from pullback.show.chart_style import chart_rules, inks
from pullback.show.charts import WIDTH, Line, line_chart
from pullback.show.escape import clean

Curve = list[tuple[float, float]]
INKS = ("value", "pull", "still")
POINTS = 121  # an odd number, so that the middle is looked at
BETWEEN, TALL = 20, 296


@dataclass(frozen=True)
class TwoViews:
    """The two pictures as one. Shows itself in a notebook; `save` writes an .svg.

    pulls, losses: the curves by label, as (score, pull) and (score, loss). svg: the file's text.
    """

    name: str
    pulls: dict[float, Curve] = field(repr=False)
    losses: dict[float, Curve] = field(repr=False)

    @property
    def svg(self) -> str:
        left = line_chart(_lines(self.pulls), "score", "pull on the score", f"pull of {self.name}")
        right = line_chart(_lines(self.losses), "score", "loss", f"loss of {self.name}")
        drawn = f'<g transform="translate(0 32)">{left}</g>'
        drawn += f'<g transform="translate({WIDTH + BETWEEN} 32)">{right}</g>'
        title = f'<text style="font-size:15px" x="12" y="22">{clean(self.name)}</text>'
        # The style sheet may stand in somebody's page: every selector begins with this picture's name.
        scope = f"pb-{hashlib.sha256(drawn.encode()).hexdigest()[:10]}"
        wide = 2 * WIDTH + BETWEEN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{scope}" viewBox="0 0 {wide} {TALL}" '
            f'width="{wide}" height="{TALL}" role="img"><title>{clean(self.alt)}</title>'
            f"<style>{inks(f'#{scope}')}{chart_rules(f'#{scope}')}</style>"
            f'<rect width="{wide}" height="{TALL}" style="fill:var(--paper)"/>{title}{drawn}</svg>\n'
        )

    @property
    def alt(self) -> str:
        told = [
            f"{_label(label)}: the pull goes from {curve[0][1]:.3g} at score {curve[0][0]:g} "
            f"to {curve[-1][1]:.3g} at {curve[-1][0]:g}, the loss from "
            f"{self.losses[label][0][1]:.3g} to {self.losses[label][-1][1]:.3g}"
            for label, curve in self.pulls.items()
        ]
        return f"{self.name}; {'; '.join(told)}."

    def save(self, path: str | Path) -> Path:
        """Write the picture as .svg, whole or not at all."""
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise OptionError(
                f"this picture cannot be saved as {path.suffix or path.name!r}.",
                fix=f"{path.stem}.svg",
            )
        write_atomic(path, self.svg.encode())
        return path

    def _repr_svg_(self) -> str:
        return self.svg


def two_views(
    rule: Loss | Force | Callable[[Any, Any], Any],
    labels: Sequence[float] = (),
    ends: tuple[float, float] = (-3.0, 3.0),
) -> TwoViews:
    """Pull against score beside loss against score, a curve for each label.

    rule: a loss, a force, or any function of score and label that says how hard to pull. The one
    that is missing follows from the other: the pull is minus the slope of the loss. With softmax
    the score of class 0 moves and the score of class 1 stays at 0. labels: +1 and -1, or the
    classes 0 and 1, unless given; at most three. ends: the scores at the left and the right edge.

    Errors: OptionError for no room between the ends; CircuitError when no loss has such a force.

    >>> from pullback.nn.losses import Hinge
    >>> seen = two_views(Hinge())
    >>> seen.pulls[1.0][0], seen.losses[1.0][0]
    ((-3.0, 1.0), (-3.0, 4.0))
    """
    if not (np.isfinite(ends).all() and ends[0] < ends[1]):
        raise OptionError(
            f"ends={ends}; the left end lies below the right one.", fix="ends=(-3, 3)"
        )
    if len(labels) > len(INKS):
        raise OptionError(f"{len(labels)} labels; a picture has room for {len(INKS)}.")
    many = isinstance(rule, CrossEntropy | SoftmaxForce)
    force = force_of(rule) if isinstance(rule, Loss) else rule
    each = rule.each if isinstance(rule, Loss) else loss_of(rule)
    pulls, losses = {}, {}
    for label in labels or ((0, 1) if many else (1.0, -1.0)):
        scores = np.linspace(*ends, POINTS)
        pulls[label] = [(float(s), _first(force, float(s), label, many)) for s in scores]
        losses[label] = [(float(s), _first(each, float(s), label, many)) for s in scores]
    return TwoViews(
        type(rule).__name__ if isinstance(rule, Loss | Force) else _called(rule), pulls, losses
    )


def _first(rule: Callable[[Any, Any], Any], score: float, label: float, many: bool) -> float:
    """What the rule says of one example; of its first score when it has two."""
    if not many:
        return float(rule(score, label))
    return float(np.ravel(rule(np.array([[score, 0.0]]), np.array([int(label)])))[0])


def _called(rule: Any) -> str:
    name = getattr(rule, "__name__", type(rule).__name__)
    return "a rule" if name == "<lambda>" else str(name)


def _lines(curves: dict[float, Curve]) -> list[Line]:
    inked = zip(curves.items(), INKS, strict=False)
    return [Line(_label(label), ink, at) for (label, at), ink in inked]


def _label(label: float) -> str:
    return f"class {label}" if isinstance(label, int) else f"label {label:+g}"
