"""Precision, recall, F1, ROC and contributions, against counting by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullback.models.attribution import contributions
from pullback.models.mlp import MLPClassifier, MLPRegressor
from pullback.models.ranking import class_scores, cut_at, mean_f1, roc_auc, roc_curve, two_classes

PAIRS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=30)


@given(PAIRS)
def test_the_area_is_the_share_of_pairs_in_the_right_order(rows):
    positive, scores = np.array([p for p, _ in rows]), np.array([float(s) for _, s in rows])
    pairs = [(a, b) for p, a in rows if p for q, b in rows if not q]
    won = [1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs]
    assert roc_auc(positive, scores) == (pytest.approx(np.mean(won)) if pairs else None)


@given(PAIRS)
def test_the_area_is_that_below_the_curve(rows):
    positive, scores = np.array([p for p, _ in rows]), np.array([float(s) for _, s in rows])
    ones = np.append(positive, [True, False]), np.append(scores, [9.0, -1.0])
    x, y = np.array(roc_curve(*ones)).T
    assert roc_auc(*ones) == pytest.approx(np.trapezoid(y, x))


def test_scores_of_a_class_by_hand():
    # 3 of class a: 2 found; 4 rows predicted a. Class c never occurs and is never predicted.
    counts = np.array([[2, 1, 0], [2, 5, 0], [0, 0, 0]])
    a, b, c = class_scores(counts, ("a", "b", "c"))
    assert (a.precision, a.recall, a.f1, a.rows) == (0.5, 2 / 3, pytest.approx(4 / 7), 3)
    assert (b.precision, b.recall, b.rows) == (5 / 6, 5 / 7, 7)
    assert c[1:] == (None, None, None, 0)
    assert mean_f1([a, b, c]) == pytest.approx((4 / 7 + 10 / 13) / 2)


def test_a_threshold_counts_from_its_own_value_on():
    truths, proba = np.array([True, False, True]), np.array([0.5, 0.7, 0.2])
    assert cut_at(truths, proba, 0.5)[1:] == (0.5, 0.5, 0.5)
    assert cut_at(truths, proba, 0.8).precision is None


def test_one_class_alone_has_no_curve():
    assert two_classes(np.array([True, True]), np.array([0.1, 0.2]), "yes") is None


def test_contributions_of_a_linear_model_add_up_to_its_answer():
    generator = np.random.default_rng(0)
    X = generator.normal(3.0, 2.0, size=(60, 4))
    model = MLPRegressor(hidden=(), max_epochs=3).fit(X, X @ [1.0, -2.0, 0.5, 0.0])
    found = contributions(model, X[0], [1.0], {"first": [0, 1], "third": [2], "last": [3]})
    moved = model.predict(X[:1])[0] - model.predict(X.mean(axis=0, keepdims=True))[0]
    assert sum(value for _, value in found) == pytest.approx(moved, rel=1e-4)
    assert found[-1][0] == "last"


def test_the_column_that_decides_contributes_most():
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = MLPClassifier((8,), max_epochs=20).fit(X, X[:, 1] > 0)
    row = X[X[:, 1].argmax()]
    name, value = contributions(model, row, [-1.0, 1.0], {"a": [0], "b": [1], "c": [2]})[0]
    assert (name, value > 0) == ("b", True)
