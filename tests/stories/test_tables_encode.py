"""Cells become numbers by what the training rows taught, and by nothing else."""

import msgspec
import numpy as np
import pytest

from pullback.data.columns import recognise
from pullback.data.encode import CategoryColumn, Encoder, NumberColumn, fit_encoder
from pullback.data.table import parse_any_table
from pullback.errors import FileError
from pullback.models import MLPClassifier, MLPRegressor


def encoder_of(text, rows):
    table = parse_any_table(text.encode()).table
    columns = [recognise(table, name) for name in table.header]
    return fit_encoder(table, columns, np.arange(rows)), table


def test_a_missing_number_is_the_median_of_the_training_rows_and_says_so():
    cells = ["1", "2", "9", *["NA"] * 5, "1000"]
    encoder, table = encoder_of("x\ty\n" + "".join(f"{c}\t{c}\n" for c in cells), rows=8)
    X = encoder.encode(table)
    assert encoder.features == ["x", "x is missing", "y", "y is missing"]
    assert X[3].tolist() == [2, 1, 2, 1]
    assert X[8].tolist() == [1000, 0, 1000, 0]


def test_a_level_of_the_test_rows_alone_is_not_learned():
    encoder, table = encoder_of("a,b\n" + "red,x\nblue,y\n" * 6 + "green,x\n" * 6, rows=12)
    notes = []
    X = encoder.encode(table, notes)
    assert encoder.features == ["a = blue", "a = red", "b = x", "b = y"]
    assert X[0].tolist() == [0, 1, 1, 0]
    assert X[-1].tolist() == [0, 0, 1, 0]
    assert notes == ["column 'a': 'green' was not seen in training: no level fits"]


def test_missing_and_rare_levels_share_a_feature():
    cells = ["red"] * 20 + ["blue"] * 20 + ["NA"] * 6 + ["teal"] * 2
    encoder, table = encoder_of("a,b\n" + "".join(f"{c},{c}\n" for c in cells), rows=len(cells))
    assert encoder.features[:3] == ["a = blue", "a = red", "a is missing or rare"]
    assert encoder.encode(table)[[45, 47], :3].tolist() == [[0, 0, 1], [0, 0, 1]]


def test_a_date_over_years_has_a_season():
    days = [f"{year}-0{month}-01" for year in (2000, 2001, 2002, 2003) for month in (1, 7)]
    encoder, table = encoder_of("d,z\n" + "".join(f"{d},1\n" for d in days), rows=8)
    X = encoder.encode(table)
    assert encoder.features == ["d (days)", "d (season, sine)", "d (season, cosine)"]
    assert np.allclose(X[0, 1:], X[2, 1:], atol=0.02)
    assert np.allclose(X[0, 1:], -X[1, 1:], atol=0.1)
    assert np.allclose((X[:, 1:] ** 2).sum(axis=1), 1)


@pytest.fixture
def trained():
    X = np.array([[0.0], [1.0]] * 4)
    return MLPClassifier(hidden=(), max_epochs=1).fit(X, ["a", "b"] * 4, feature_names=["x"])


def test_a_model_file_carries_its_encoder(tmp_path, trained):
    trained.encoder_, trained.target_ = Encoder([NumberColumn("x", 0.5, False)], ["lost"]), "y"
    trained.save(tmp_path / "m")
    found = MLPClassifier.load(tmp_path / "m")
    assert (found.encoder_, found.target_) == (trained.encoder_, "y")


def test_an_encoder_that_does_not_fit_the_circuit_is_refused(tmp_path, trained):
    trained.encoder_ = Encoder([NumberColumn("x", 0.5, True)])
    trained.save(tmp_path / "m")
    with pytest.raises(FileError, match="names 2 columns and 2 outcomes; its circuit has 1 and 2"):
        MLPClassifier.load(tmp_path / "m")


def test_a_file_of_another_model_is_refused_by_name(tmp_path, trained):
    trained.save(tmp_path / "m")
    with pytest.raises(FileError, match="MLPClassifier, not an MLPRegressor"):
        MLPRegressor.load(tmp_path / "m")


@pytest.mark.parametrize(
    "columns",
    [
        [],
        [NumberColumn("x", 0.0, False)] * 2,
        [CategoryColumn("x", ["a", "a"], False)],
        [
            {
                "type": "date",
                "name": "d",
                "form": "%s",
                "median": 0.0,
                "missing": False,
                "season": False,
            }
        ],
        [{"type": "code", "name": "x"}],
        [{"type": "number", "name": "x", "median": "os.system", "missing": False}],
    ],
    ids=["none", "twice", "level twice", "form", "kind", "text for a number"],
)
def test_an_encoder_from_a_file_is_checked(columns):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"columns": msgspec.to_builtins(columns)}, Encoder)


def test_a_regressor_learns_a_line_in_the_targets_own_units(tmp_path):
    X = np.linspace(0, 10, 50)[:, None]
    y = 1e6 + 2000 * X[:, 0]
    model = MLPRegressor(hidden=(), batch_size=10, max_epochs=200, weight_decay=0.0).fit(X, y)
    model.save(tmp_path / "m")
    found = MLPRegressor.load(tmp_path / "m")
    assert np.allclose(found.predict([[0.0], [20.0]]), [1e6, 1.04e6], rtol=1e-4)
    assert found.score(X, y) > 0.9999
