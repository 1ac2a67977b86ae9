"""All runs in a list, each in a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pullback.errors import RunError
from pullback.runs.folder import ROOT, Run, list_runs


@dataclass(frozen=True)
class Summary:
    """One run in a row. state: finished, interrupted, not finished, or damaged. target: what it predicts."""

    name: str
    started: str
    state: str
    target: str = ""
    test_accuracy: float | None = None
    test_r2: float | None = None
    epochs: float | None = None
    seconds: float | None = None


def summaries(root: Path = ROOT) -> tuple[Summary, ...]:
    """Every run below `root`, newest first; the damaged ones come last."""
    runs = list_runs(root)
    damaged = tuple(Summary(bad.path.name, "", f"damaged: {bad.reason}") for bad in runs.damaged)
    return (*(_summary(run) for run in runs.usable), *damaged)


def _summary(run: Run) -> Summary:
    started = run.config.started
    if not run.finished:
        return Summary(run.name, started, "not finished")
    try:
        metrics = run.read_metrics()
    except RunError as error:
        return Summary(run.name, started, f"damaged: {error.what}")
    return Summary(
        name=run.name,
        started=started,
        target=str(metrics.get("target") or ""),
        state="interrupted" if metrics.get("stopped") == "interrupted" else "finished",
        test_accuracy=_number(metrics.get("test_accuracy")),
        test_r2=_number(metrics.get("test_r2")),
        epochs=_number(metrics.get("epochs")),
        seconds=_number(metrics.get("seconds")),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None
