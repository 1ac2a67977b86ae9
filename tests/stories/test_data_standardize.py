"""Standardizing: right for honest columns, finite for every column, exact for constant ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback.data.digits import digits
from pullback.data.standardize import fit_standardizer
from pullback.errors import DataError

# Room for the rounding of a mean over ~2,000 numbers of size 1.
ROUNDING = 1e-12


def test_mean_and_scale_by_hand():
    fitted = fit_standardizer(np.array([[2.0], [4.0], [4.0], [4.0], [5.0], [5.0], [7.0], [9.0]]))
    assert (fitted.mean[0], fitted.scale[0]) == (5, 2)


def test_standardized_digits_have_mean_0_and_spread_1_or_are_constant():
    Z = fit_standardizer(digits().X).apply(digits().X)
    varied = np.ptp(digits().X, axis=0) > 0
    assert abs(Z.mean(axis=0)).max() < ROUNDING
    assert abs(Z.std(axis=0) - varied).max() < ROUNDING


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1.0, 1e200, 8e307])
def test_columns_of_any_size_come_out_finite(size):
    X = size * np.array([[1.0], [0.0], [0.0], [0.0], [0.0], [0.0]])
    Z = fit_standardizer(X).apply(X)
    assert np.isfinite(Z).all()
    assert abs(Z.mean()) < 1


def test_a_constant_column_becomes_exactly_zero():
    # 0.1 added up seven times is not 0.7, so a mean of it may miss it by a bit.
    X = np.full((7, 1), 0.1)
    assert fit_standardizer(X).apply(X).tolist() == [[0]] * 7


def test_a_small_wobble_on_a_large_offset_is_seen():
    X = 1e8 + np.array([[0.0], [1.0], [2.0]])
    assert abs(fit_standardizer(X).scale[0] - np.sqrt(2 / 3)) < 1e-9


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_undo_is_the_inverse_of_apply(values):
    X = np.array(values)[:, None]
    fitted = fit_standardizer(X)
    assert np.allclose(fitted.undo(fitted.apply(X)), X, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([[1.0, np.nan]], "'b', row 0: nan"),
        ([[1.0, 2.0], [1.0, np.inf]], "'b', row 1: inf"),
        ([[-1.7e308, 2.0], [1.7e308, 2.0]], "'a' spans too much"),
        (np.zeros((0, 2)), "shape"),
        ([1.0, 2.0], "shape"),
    ],
)
def test_what_has_no_mean_and_scale_is_refused_by_name(X, words):
    with pytest.raises(DataError, match=words):
        fit_standardizer(np.array(X), names=["a", "b"])


def test_rows_of_another_width_are_refused():
    with pytest.raises(DataError, match=r"\(3, 2\).*\(n, 1\)"):
        fit_standardizer(np.array([[1.0], [2.0]])).apply(np.zeros((3, 2)))
