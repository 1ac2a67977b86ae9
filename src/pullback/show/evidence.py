"""`Evidence`: what a report shows of one run, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pullback.core.circuit import Circuit

Share = float | None


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known about a run, ready to be shown.

    numbers, settings: pairs of what and how much. log: one dict an epoch. confusion: counts by class
    (k, k). scores: (class, precision, recall, F1, rows). roc: (false, true positive rate); cuts:
    (threshold, precision, recall, F1) for the class `positive`. residuals: (true, predicted). bins, ece:
    the calibration. importance: (column, drop, error bar). mistakes: the worst rows as cells under
    mistake_head; images: a picture of each, as grey cells from 0 to 1. commands: to do it again.
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
    scores: Sequence[tuple[str, Share, Share, Share, int]] = ()
    positive: str = ""
    roc: Sequence[tuple[float, float]] = ()
    auc: float = 0.0
    cuts: Sequence[tuple[float, Share, Share, Share]] = ()
    residuals: Sequence[tuple[float, float]] = ()
    bins: Sequence[tuple[float, float, int]] = ()
    ece: float = 0.0
    importance: Sequence[tuple[str, float, float]] = ()
    importance_unit: str = ""
    mistake_head: Sequence[str] = ()
    mistakes: Sequence[Sequence[str]] = ()
    images: Sequence[Sequence[float]] = ()
    settings: Sequence[tuple[str, str]] = ()
