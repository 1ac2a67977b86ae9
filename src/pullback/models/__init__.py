"""Floor 9, models: classes with `fit` and `predict`, and whole trainings from a data set to a run folder."""

from pullback.models.mlp import MLPClassifier, MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
