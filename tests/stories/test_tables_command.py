"""From a table to an answer by one command: train, predict, evaluate, rerun."""

import json
import os
from pathlib import Path

import pytest

from pullback.cli import answer
from pullback.runs.folder import open_run


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Ask a command in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def ask(*words):
        code = answer([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return ask


def test_penguins_are_told_apart_by_one_command(asked):
    code, out, err = asked("train", "penguins", "--target", "species")
    assert code == 0
    assert "beats the baseline (always 'Adelie', 45.1%)" in out
    assert "column 'sex': category (2 levels), 11 missing" in err
    assert "rows split at random: 241 train, 52 validation, 51 test" in err


def test_the_document_of_a_classification(asked):
    said = json.loads(asked("train", "penguins", "--json")[1])
    assert said["task"] == "classification"
    assert said["test_accuracy"] > 0.9 > said["baseline"]["score"]
    assert set(said) >= {"test_loss", "seconds", "run", "seed", "columns", "notes", "importance"}
    assert "test_r2" not in said


def test_the_document_of_a_regression(asked):
    said = json.loads(asked("train", "penguins", "--target", "body_mass_g", "--json")[1])
    assert said["task"] == "regression"
    assert said["test_r2"] > 0.6
    assert said["baseline"]["better"]
    assert "test_accuracy" not in said


def test_without_a_target_the_columns_are_named(asked, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    code, _, err = asked("train", "t.csv")
    assert (code, err.splitlines()[1:]) == (2, ["    columns  'a', 'b'", "  Try: --target b"])


def test_a_shipped_name_is_recognised(asked):
    code, _, err = asked("train", "pengiuns")
    assert code == 2
    assert "did you mean 'penguins'?" in err


def test_a_coin_is_said_to_be_a_coin(asked, tmp_path):
    # The bits of a hash: nothing in the row number's columns tells them.
    coin = ["heads", "tails"]
    rows = [f"{(i * 7919) % 101},{coin[(i * i * 2654435761 >> 13) & 1]}" for i in range(400)]
    (tmp_path / "coin.csv").write_text("\n".join(["number,side", *rows]) + "\n")
    out = asked("train", "coin.csv", "--target", "side")[1]
    assert "does not beat the baseline" in out
    assert "no relation to the target" in out


def test_rows_in_time_order_are_judged_by_the_latest(asked, tmp_path):
    rows = [f"2020-{1 + i // 28:02d}-{1 + i % 28:02d},{i * 1.5}" for i in range(100)]
    (tmp_path / "t.csv").write_text("\n".join(["day,value", *rows]) + "\n")
    assert (
        "in the order of 'day': 70 train, 15 validation, 15 test"
        in asked("train", "t.csv", "--target", "value")[2]
    )
    told = asked("train", "t.csv", "--target", "value", "--order", "random")[2]
    assert "rows split at random" in told


def test_a_run_trained_again_is_the_same_to_the_last_bit(asked):
    asked("train", "penguins", "--seed", "3", "--hidden", "8", "--epochs", "5")
    code, out, _ = asked("rerun", "penguins-1")
    assert (code, "equal to the last bit" in out) == (0, True)
    first, second = (open_run(f"penguins-{i}") for i in (1, 2))
    assert first.model.read_bytes() == second.model.read_bytes()


def test_a_table_that_changed_is_not_trained_again(asked, tmp_path):
    text = "a,b\n" + "1,x\n2,y\n" * 20
    (tmp_path / "t.csv").write_text(text)
    asked("train", "t.csv", "--target", "b", "--epochs", "1")
    (tmp_path / "t.csv").write_text(text + "3,x\n")
    code, _, err = asked("rerun", "t-1")
    assert code == 2
    assert "its bytes differ" in err


def test_a_table_that_moved_is_found_by_its_new_name(asked, tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "1,x\n2,y\n" * 20)
    asked("train", "t.csv", "--target", "b", "--epochs", "1")
    (tmp_path / "t.csv").rename("u.csv")
    assert asked("rerun", "t-1")[0] == 2
    assert asked("rerun", "t-1", "--data", "u.csv")[0] == 0


def test_evaluate_agrees_with_predict(asked):
    asked("train", "penguins", "--epochs", "3")
    said = json.loads(asked("evaluate", "latest", "penguins", "--json")[1])
    answers = json.loads(asked("predict", "latest", "penguins", "--proba", "--json")[1])
    lines = table("penguins.csv").read_text().splitlines()[1:]
    right = sum(a == line.split(",")[0] for a, line in zip(answers["labels"], lines, strict=True))
    assert said["accuracy"] == right / len(lines)
    assert answers["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert [max(row) for row in answers["proba"]] == answers["probabilities"]


def test_numbers_are_predicted_one_a_line(asked):
    asked("train", "penguins", "--target", "body_mass_g", "--epochs", "20")
    lines = asked("predict", "latest", "penguins")[1].splitlines()
    assert len(lines) == 344
    assert 2000 < float(lines[0]) < 6000


def table(name):
    """A table of the package, or of the folder that PULLBACK_DATA names."""
    if name == "penguins.csv":
        return Path(__file__).parents[2] / "src" / "pullback" / "data" / "files" / name
    folder = os.environ.get("PULLBACK_DATA")
    path = Path(folder or "nowhere") / "tables" / name
    if not path.exists():
        pytest.skip(f"PULLBACK_DATA holds no tables/{name}")
    return path


# table, target -> at least, at most: what a net of these sizes reaches, and what nobody may claim
REAL = [
    ("penguins.csv", "species", "test_accuracy", 0.94, 1.0),
    ("penguins-raw.csv", "Species", "test_accuracy", 0.94, 1.0),
    ("penguins-raw.csv", "Body Mass (g)", "test_r2", 0.65, 0.95),
    ("titanic.csv", "Survived", "test_accuracy", 0.74, 0.90),
    ("cars.csv", "Miles_per_Gallon", "test_r2", 0.75, 0.95),
    ("cars.csv", "Origin", "test_accuracy", 0.70, 0.95),
    ("winequality-red.csv", "quality", "test_accuracy", 0.54, 0.72),
    ("credit.csv", "Status", "test_accuracy", 0.74, 0.86),
    ("seattle-weather.csv", "weather", "test_accuracy", 0.62, 0.92),
    ("co2.csv", "co2", "test_r2", 0.0, 1.0),
    pytest.param("shuttle.csv", "anomaly", "test_accuracy", 0.985, 1.0, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "target", "score", "least", "most"), REAL)
def test_a_real_table_is_learned_by_one_command(asked, name, target, score, least, most):
    code, out, _ = asked("train", table(name), "--target", target, "--json")
    said = json.loads(out)
    assert (code, said["baseline"]["better"]) == (0, True)
    assert least <= said[score] <= most


def test_sunspots_are_not_foretold_from_the_year_and_this_is_said(asked):
    said = json.loads(asked("train", table("sunspots.csv"), "--target", "SUNACTIVITY", "--json")[1])
    assert not said["baseline"]["better"]
    assert "does not beat the baseline" in said["baseline"]["verdict"]


def test_rows_that_stand_in_both_parts_are_counted(asked):
    said = json.loads(
        asked("train", table("winequality-red.csv"), "--target", "quality", "--json")[1]
    )
    assert any("duplicate training rows" in note for note in said["notes"])
