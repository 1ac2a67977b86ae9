"""All estimators, one line each, by the name that model files use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullback.models.estimator import Estimator

# Name: module. The first one of a task is what `pullback train` takes for it.
ESTIMATORS = {
    "MLPClassifier": "pullback.models.mlp",
    "MLPRegressor": "pullback.models.mlp",
}


def kind_of(name: str) -> type[Estimator]:
    """The class of this name; LookupError where there is none."""
    kind: type[Estimator] = getattr(importlib.import_module(ESTIMATORS[name]), name)
    return kind


def kind_for(task: str) -> type[Estimator]:
    """The standard estimator of a task."""
    return next(kind for kind in map(kind_of, ESTIMATORS) if kind.task == task)
