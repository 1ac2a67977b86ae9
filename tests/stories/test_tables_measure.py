"""Scores are compared with guessing by an error bar; importance and calibration say what is there."""

import math

import numpy as np
import pytest

from pullback.models.measure import (
    calibration,
    class_baseline,
    confusion,
    importances,
    number_baseline,
)


def test_the_error_bar_is_the_standard_error_of_the_paired_difference():
    # Right in 3 of 4, guessing in 2 of 4; differences 1, 0, 0, 0: mean 1/4, bar 1/4 by hand.
    found = class_baseline(np.array([True, True, True, False]), np.array([1, 0, 0, 1]), 0, "a")
    assert (found.gain, found.error_bar, found.score) == (0.25, 0.25, 0.5)
    assert not found.better


def test_guessing_as_well_is_not_better():
    found = class_baseline(np.array([True] * 9 + [False]), np.array([0] * 9 + [1]), 0, "a")
    assert (found.gain, found.error_bar, found.better) == (0, 0, False)
    assert "does not beat the baseline" in found.verdict


def test_a_model_that_is_worse_than_guessing_is_called_so():
    found = class_baseline(np.arange(40) % 2 == 0, np.zeros(40, int), 0, "a")
    assert "is worse than the baseline" in found.verdict


def test_squared_errors_are_compared_with_those_of_the_mean():
    true = np.array([0.0, 2.0, 4.0])
    found = number_baseline(true, true, 2.0, "the mean")
    assert found.score == pytest.approx(math.sqrt(8 / 3))
    assert found.gain == pytest.approx(1)
    # Differences over their mean 8/3: 1.5, 0, 1.5; standard deviation sqrt(3)/2, over sqrt(3).
    assert found.error_bar == pytest.approx(0.5)


@pytest.mark.slow
def test_noise_is_rarely_called_better_than_guessing():
    generator = np.random.default_rng(0)
    coins = generator.random((2000, 2, 100)) < 0.5
    found = [class_baseline(mine == true, true.astype(int), 0, "a").better for mine, true in coins]
    # Two error bars, one side: 2.3 % of a normal; three standard errors of a share over 2,000 are 1 %.
    assert sum(found) / len(found) < 0.04


def test_neighbours_in_a_series_do_not_count_as_independent_rows():
    right = np.repeat([True, False] * 4, 50)
    loose = class_baseline(right, np.full(400, 1), 0, "a")
    strict = class_baseline(right, np.full(400, 1), 0, "a", series=True)
    assert strict.error_bar > 5 * loose.error_bar


def test_a_shuffled_column_costs_what_it_was_worth():
    X = np.random.default_rng(1).normal(size=(1000, 3))

    def errors(rows, own):
        return (rows[:, 0] - X[own, 0]) ** 2

    found = {one.column: one for one in importances(errors, X, {"a": [0], "b": [1], "c": [2]}, 0)}
    # E (x - x')^2 = 2 for independent standard normals.
    assert abs(found["a"].drop - 2) < 4 * found["a"].error_bar
    assert (found["b"].drop, found["c"].drop) == (0, 0)


def test_calibration_by_hand():
    found = calibration(np.array([0.95, 0.95, 0.55, 1.0]), np.array([True, False, True, True]))
    # Bins: 0.5-0.6 one row, gap 0.45; 0.9-1.0 three rows, sure 29/30, right 2/3, gap 0.3.
    assert found.ece == pytest.approx((0.45 + 3 * 0.3) / 4)
    assert [rows for _, _, rows in found.bins] == [1, 3]


def test_confusion_has_the_truth_in_rows():
    assert confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]
