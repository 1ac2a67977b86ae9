"""Everything about a run as data for its page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pullback.data.columns import columns_said
from pullback.models.estimator import Estimator
from pullback.models.metrics import Metrics
from pullback.models.mistakes import mistakes_of
from pullback.models.problem import Problem
from pullback.show.evidence import Evidence


@dataclass(frozen=True)
class RunFacts:
    """What a page says of the run itself. linear: the score of a linear model beside it."""

    name: str
    log: list[dict[str, Any]]
    commands: list[str]
    linear: float | None = None
    settings: Sequence[tuple[str, str]] = ()


def page_data(problem: Problem, model: Estimator, metrics: Metrics, run: RunFacts) -> Evidence:
    """What `show.report` draws."""
    y = problem.y[problem.parts.test]
    errors = mistakes_of(problem, model, model.worst(y, metrics))
    return Evidence(
        title=f"{run.name}: {_learned(problem)} of {problem.name}",
        verdict=metrics.baseline.verdict[:1].upper() + metrics.baseline.verdict[1:],
        better=metrics.baseline.better,
        numbers=_numbers(problem, model, metrics, run.linear),
        columns=columns_said(problem.columns),
        notes=[*_order_said(problem), *problem.notes, *metrics.notes],
        log=run.log,
        commands=run.commands,
        circuit=model.scorer_.circuit,
        importance=[(one.column, one.drop, one.error_bar) for one in metrics.importance],
        importance_unit=metrics.importance_unit,
        mistake_head=errors.head,
        mistakes=errors.rows,
        images=errors.images,
        settings=run.settings,
        **metrics.shown(y),
    )


def _learned(problem: Problem) -> str:
    return f"'{problem.target}'" if problem.target else "classes"


def _order_said(problem: Problem) -> list[str]:
    if not problem.series:
        return []
    return [
        f"the rows are in the order of '{problem.series}': the first 70 % are for training, the last 15 % "
        "for the test, so the model extrapolates; --order random interpolates"
    ]


def _numbers(
    problem: Problem, model: Estimator, metrics: Metrics, linear: float | None
) -> list[tuple[str, str]]:
    form, told = metrics.form, ("train", "validation", "test")
    pairs = zip(problem.parts, told, strict=True)
    return [
        *metrics.numbers(),
        ("constant baseline", f"{metrics.baseline.what}: {form.format(metrics.baseline.score)}"),
        *([("linear baseline", form.format(linear))] if linear is not None else []),
        ("rows", ", ".join(f"{len(part):,} {why}" for part, why in pairs)),
        ("model", f"{model!r}, {problem.X.shape[1]} features"),
        ("epochs", f"{model.n_iter_} ({model.stopped_})"),
        ("seed", str(model.random_state)),
    ]
