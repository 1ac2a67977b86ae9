"""The shipped digits are the published ones, complete and untouched."""

import numpy as np
import pytest

from pullback.data.digits import digits
from pullback.errors import DataError


def test_there_are_as_many_of_each_digit_as_published():
    # optdigits.names of the UCI repository, class distribution of the test half.
    assert np.bincount(digits().y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_pixels_count_ink_dots_from_0_to_16():
    X = digits().X
    assert X.shape == (1797, 64)
    assert X.min() == 0
    assert X.max() == 16
    assert (X == np.floor(X)).all()


def test_the_first_picture_is_a_zero_with_a_hole():
    picture = digits().X[0].reshape(8, 8)
    assert digits().y[0] == 0
    assert picture[3:5, 3:5].tolist() == [[0, 0], [0, 0]]
    assert picture[0, 3] == 13


def test_a_data_set_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        digits().X[0, 0] = 1


def test_taking_rows_keeps_features_and_labels_together():
    some = digits().take(np.array([10, 5]))
    assert some.y.tolist() == [0, 5]
    assert (some.X[1] == digits().X[5]).all()


def test_a_data_set_whose_parts_do_not_fit_is_refused():
    one = digits()
    with pytest.raises(DataError, match="'odd'"):
        type(one)("odd", one.X, one.y[:3], one.feature_names, one.class_names, "", "")
