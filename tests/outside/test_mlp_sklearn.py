"""Our nets beside scikit-learn's: as accurate on the same rows, and the same scores from the same answers."""

import warnings

import numpy as np
import pytest

from pullback.data.digits import digits
from pullback.data.shipped import table_path
from pullback.data.split import split
from pullback.data.table import read_any_table
from pullback.models import MLPClassifier, MLPRegressor
from pullback.models.measure import confusion
from pullback.models.problem import Question, problem_of_table

metrics = pytest.importorskip("sklearn.metrics")
neural = pytest.importorskip("sklearn.neural_network")
preprocessing = pytest.importorskip("sklearn.preprocessing")
svm = pytest.importorskip("sklearn.svm")
SEEDS = range(5)
POINT = 0.01  # of accuracy: on 269 test rows, fewer than three of them


def parts(name, seed):
    if name == "digits":
        data = digits()
        rows, X, y = split(data.y, seed=seed), data.X, data.y
    else:
        table = read_any_table(table_path(name)).table
        problem = problem_of_table(table, Question("species"), seed)
        rows, X, y = problem.parts, problem.X, problem.y
    return [(X[part], y[part]) for part in rows]


def ours(train, validation, test, seed):
    return MLPClassifier(random_state=seed).fit(*train, validation).score(*test)


def theirs(model, train, test):
    units = preprocessing.StandardScaler().fit(train[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops at its own number of epochs
        model.fit(units.transform(train[0]), train[1])
    return model.score(units.transform(test[0]), test[1])


@pytest.mark.parametrize("name", ["digits", "penguins"])
def test_over_five_seeds_we_are_within_a_point_of_scikit_learn(name):
    mine, nets, machines = [], [], []
    for seed in SEEDS:
        train, validation, test = parts(name, seed)
        mine.append(ours(train, validation, test, seed))
        net = neural.MLPClassifier((64,), random_state=seed, max_iter=200)
        nets.append(theirs(net, train, test))
        machines.append(theirs(svm.SVC(), train, test))
    assert np.mean(mine) >= np.mean(nets) - POINT
    assert np.mean(mine) >= np.mean(machines) - POINT


def test_r2_is_scikit_learns():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3))
    y = X @ [1.0, -2.0, 0.5] + generator.normal(size=200)
    model = MLPRegressor(max_epochs=5).fit(X, y)
    assert model.score(X, y) == pytest.approx(metrics.r2_score(y, model.predict(X)), abs=1e-12)
    assert model.loss(X, y) == pytest.approx(metrics.mean_squared_error(y, model.predict(X)))


def test_confusion_is_scikit_learns():
    true, taken = np.random.default_rng(0).integers(0, 4, (2, 300))
    assert (confusion(true, taken, 4) == metrics.confusion_matrix(true, taken)).all()
