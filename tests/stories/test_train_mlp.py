"""`MLPClassifier`: learns, keeps its word on a file, and says what is wrong with rows and labels."""

import numpy as np
import pytest

from pullback.core.file import from_bytes, to_bytes
from pullback.errors import DataError, FileError, OptionError, RunError
from pullback.executors import compile
from pullback.models import MLPClassifier


def clouds(rows=90, seed=0):
    """Three classes by name, in columns of very different size."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 3, rows)
    centres = np.array([[0.0, 200.0], [0.02, -100.0], [-0.02, -100.0]])
    X = centres[codes] + generator.normal(size=(rows, 2)) * [0.005, 30.0]
    return X, np.array(["ant", "bee", "cat"])[codes]


def model(**options):
    return MLPClassifier(hidden=(8,), **{"max_epochs": 20, "batch_size": 16, **options})


@pytest.fixture(scope="module")
def fitted():
    return model().fit(*clouds(), feature_names=["width", "weight"])


def test_it_learns_three_clouds_by_name(fitted):
    X, y = clouds(seed=1)
    assert fitted.classes_.tolist() == ["ant", "bee", "cat"]
    assert fitted.score(X, y) > 0.95
    assert fitted.loss(X, y) < 0.3


def test_a_hidden_layer_learns_what_no_line_can_part():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8), np.array([0, 1, 1, 0] * 8)
    options = {"weight_decay": 0.0, "learning_rate": 0.1, "max_epochs": 200, "batch_size": 8}
    assert MLPClassifier(hidden=(16,), **options).fit(X, y).score(X, y) == 1.0
    assert MLPClassifier(hidden=(), **options).fit(X, y).score(X, y) < 1.0


def test_probabilities_are_those_of_the_predicted_class(fitted):
    X, _ = clouds(seed=2)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-6)
    assert (fitted.classes_[probabilities.argmax(axis=1)] == fitted.predict(X)).all()


def test_columns_of_another_unit_give_the_same_weights_bit_for_bit():
    X, y = clouds()
    here, there = model().fit(X, y), model().fit(X * [1024.0, 0.125], y)  # powers of two: exact
    pairs = zip(here.scorer_.weights.values(), there.scorer_.weights.values(), strict=True)
    assert all(a.tobytes() == b.tobytes() for a, b in pairs)


def test_the_circuit_takes_raw_rows(fitted):
    X, _ = clouds(seed=3)
    circuit = fitted.scorer_.circuit
    weights = [fitted.scorer_.weights[name] for name in circuit.input_names[1:]]
    scores = compile(circuit).run([X[:1], *weights])[0]
    np.testing.assert_allclose(scores, fitted.scores(X[:1]), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_net_is_of_the_asked_dtype(dtype):
    weights = model(dtype=dtype, max_epochs=1).fit(*clouds()).scorer_.weights.values()
    assert {w.dtype.name for w in weights} == {dtype}


def test_validation_rows_say_when_to_stop():
    early = model(max_epochs=500, patience=3).fit(*clouds(), clouds(seed=1))
    assert early.stopped_ == "patience"
    assert early.n_iter_ < 500


class Impatient:
    def epoch(self, record):
        if record.epoch == 2:
            raise KeyboardInterrupt


def test_an_interrupted_fit_leaves_a_usable_model():
    stopped = model().fit(*clouds(), monitor=Impatient())
    same = model(max_epochs=2).fit(*clouds())
    assert (stopped.stopped_, stopped.n_iter_) == ("interrupted", 2)
    assert (stopped.scores(clouds()[0]) == same.scores(clouds()[0])).all()


def test_fitting_again_forgets_what_was_learned_before():
    X, y = clouds()
    twice = model().fit(X[:, ::-1], y).fit(X, y)
    assert (twice.scores(X) == model().fit(X, y).scores(X)).all()


# Files


@pytest.mark.parametrize("labels", [["ant", "bee"], [3, 7], [0.5, 1.5], [False, True]], ids=str)
def test_a_loaded_model_answers_bit_for_bit_as_the_saved_one(tmp_path, labels):
    X, _ = clouds(40)
    y = np.array(labels)[(X[:, 1] > 0).astype(int)]
    saved = model().fit(X, y, feature_names=["width", "weight"])
    saved.save(tmp_path / "model.safetensors")
    loaded = MLPClassifier.load(tmp_path / "model.safetensors")
    assert loaded.predict_proba(X).tobytes() == saved.predict_proba(X).tobytes()
    assert loaded.predict(X).tolist() == saved.predict(X).tolist()
    assert loaded.predict(X).dtype == y.dtype
    assert loaded.options() == saved.options()
    assert loaded.feature_names_in_ == ("width", "weight")


def changed(fitted, tmp_path, change):
    """A file whose checksum is right and whose content is not."""
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    circuit, arrays, about = from_bytes(path.read_bytes())
    path.write_bytes(to_bytes(*change(circuit, arrays, about)))
    return path


CHANGES = {
    "no circuit": lambda c, w, a: (None, w, a),
    "no weights": lambda c, w, a: (c, {}, a),
    "one weight more": lambda c, w, a: (c, {**w, "extra": np.ones(1)}, a),
    "a weight of another shape": lambda c, w, a: (c, {**w, "layer1_b": np.ones(3, "f4")}, a),
    "another model": lambda c, w, a: (c, w, {**a, "model": "os.system"}),
    "an unknown field": lambda c, w, a: (c, w, {**a, "code": "1"}),
    "an option out of range": lambda c, w, a: (
        c, w, {**a, "options": {**a["options"], "hidden": "64"}}),
    "a class too few": lambda c, w, a: (c, w, {**a, "classes": ["ant", "bee"]}),
    "the same class twice": lambda c, w, a: (c, w, {**a, "classes": ["ant", "ant", "bee"]}),
    "classes of two kinds": lambda c, w, a: (c, w, {**a, "classes": ["ant", 1, 2]}),
    "a column too few": lambda c, w, a: (c, w, {**a, "features": ["width"]}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_is_no_such_model_is_refused(fitted, tmp_path, change):
    with pytest.raises(FileError):
        MLPClassifier.load(changed(fitted, tmp_path, change))


def test_nothing_is_saved_before_there_is_something(tmp_path):
    with pytest.raises(RunError, match="learned nothing yet"):
        model().save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


# What is wrong with rows, labels, options


def test_a_cell_that_is_not_finite_is_named():
    X, y = clouds()
    X[4, 1] = np.inf
    with pytest.raises(DataError, match="row 4, column 'weight': inf is not finite"):
        model().fit(X, y, feature_names=["width", "weight"])


@pytest.mark.parametrize(
    ("X", "message"),
    [([[1.0]], "X has 1 columns; the model takes 2"), ([1.0, 2.0], r"X has shape \(2,\)"),
     ([["a", "b"]], "not a table of numbers"), (np.zeros((0, 2)), r"X has shape \(0, 2\)")],
)  # fmt: skip
def test_rows_that_do_not_fit_the_model_are_refused(fitted, X, message):
    with pytest.raises(DataError, match=message):
        fitted.predict(X)


@pytest.mark.parametrize(
    ("y", "message"),
    [(["ant"] * 89, r"y has shape \(89,\); there are 90 rows"), (["ant"] * 90, "all 90 rows"),
     (np.full(90, np.nan), "label of row 0 is not finite"), ([None] * 90, "labels are object")],
)  # fmt: skip
def test_labels_that_teach_nothing_are_refused(y, message):
    with pytest.raises(DataError, match=message):
        model().fit(clouds()[0], y)


def test_a_validation_label_that_training_never_met_is_named():
    X, y = clouds()
    strange = np.where(np.arange(90) == 7, "dog", y)
    with pytest.raises(DataError, match="row 7 has the label 'dog', which was not learned"):
        model().fit(X, y, (X, strange))


@pytest.mark.parametrize(
    "option",
    [{"learning_rate": float("nan")}, {"momentum": 1}, {"batch_size": 0}, {"dtype": "float16"},
     {"hidden": (8, 0)}, {"random_state": -1}, {"patience": 0}],
    ids=str,
)  # fmt: skip
def test_an_option_out_of_range_is_named(option):
    with pytest.raises(OptionError, match=next(iter(option))):
        MLPClassifier(**option).fit(*clouds())


def test_a_model_that_learned_nothing_says_so():
    with pytest.raises(RunError, match="learned nothing yet"):
        model().predict([[1.0, 2.0]])
