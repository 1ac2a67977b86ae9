"""The data floor against scikit-learn: the same digits, the same standard units."""

import numpy as np
import pytest

from pullback.data.digits import digits
from pullback.data.standardize import fit_standardizer

datasets = pytest.importorskip("sklearn.datasets")
preprocessing = pytest.importorskip("sklearn.preprocessing")


def test_the_digits_are_scikit_learns_digits():
    X, y = datasets.load_digits(return_X_y=True)
    assert (digits().X == X).all()
    assert (digits().y == y).all()


def test_standard_units_are_scikit_learns():
    theirs = preprocessing.StandardScaler().fit_transform(digits().X)
    ours = fit_standardizer(digits().X).apply(digits().X)
    assert np.allclose(ours, theirs, rtol=0, atol=1e-13)
