"""`pullback train digits`, `predict` and `runs`, from flags to files."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import pullback
from pullback.cli.predict import predict
from pullback.cli.runs import runs
from pullback.cli.train import train
from pullback.data.digits import PIXELS, digits
from pullback.data.shipped import SHIPPED
from pullback.data.split import split
from pullback.data.table import read_table
from pullback.errors import DataError, FileError, OptionError, RunError, UnknownName
from pullback.models import MLPClassifier
from pullback.models.job import train_classifier
from pullback.models.predictions import predict_table
from pullback.runs.folder import create_run, open_run

QUICK = {"hidden": (16,), "epochs": 3}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with one quick run."""
    folder = tmp_path_factory.mktemp("runs")
    assert train("digits", out=folder, **QUICK) == 0
    return folder


def table(path, header, rows):
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """The first forty digits as a table."""
    return table(tmp_path_factory.mktemp("data") / "rows.csv", PIXELS, digits().X[:40])


# train


def test_train_ends_with_one_json_object_on_stdout(tmp_path, capsys):
    assert train("digits", out=tmp_path, seed=4, json=True, **QUICK) == 0
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert set(said) >= {"test_accuracy", "test_loss", "seconds", "run", "seed"}
    assert said["seed"] == 4
    assert said["run"] == str(tmp_path / "digits-1")
    assert 0.5 < said["test_accuracy"] <= 1.0


def test_train_tells_a_person_what_came_out(tmp_path, capsys):
    train("digits", out=tmp_path, **QUICK)
    told = capsys.readouterr()
    assert [line[:13] for line in told.out.splitlines()] == [
        "test accuracy", "test loss    ", "common error ", "run          ", "stopped      ",
        "baseline     ", "linear model ", "report       ",
    ]  # fmt: skip
    assert [line[:9] for line in told.err.splitlines()] == ["epoch   1", "epoch   2", "epoch   3"]


def test_a_run_folder_holds_everything(root):
    run = open_run("digits-1", root)
    assert run.config.options["rows"] == {"train": 1258, "validation": 270, "test": 269}
    assert run.config.options["hidden"] == [16]
    assert [row["epoch"] for row in run.read_log()] == [1, 2, 3]
    assert run.read_metrics()["stopped"] == "max_epochs"
    assert MLPClassifier.load(run.model).feature_names_in_ == PIXELS


@pytest.mark.slow
def test_the_same_seed_twice_gives_the_same_file_byte_for_byte(root, tmp_path):
    train("digits", out=tmp_path, **QUICK)
    train("digits", out=tmp_path, seed=1, **QUICK)
    same, other = (tmp_path / f"digits-{i}" / "model.safetensors" for i in (1, 2))
    assert same.read_bytes() == open_run("digits-1", root).model.read_bytes() != other.read_bytes()


def test_flags_left_out_are_the_models_own_defaults(tmp_path):
    train("digits", out=tmp_path, epochs=1)
    expected = {**MLPClassifier().options(), "max_epochs": 1}
    found = open_run("latest", tmp_path).config.options
    assert {name: found[name] for name in expected} == expected


def test_each_part_of_the_rows_has_its_own_use(root):
    run, data, diary = open_run("digits-1", root), digits(), Diary()
    train, validation, test = (data.take(rows) for rows in split(data.y, seed=0))
    model = MLPClassifier(hidden=(16,), max_epochs=3)
    model.fit(train.X, train.y, (validation.X, validation.y), monitor=diary)
    log, metrics = run.read_log(), run.read_metrics()
    assert [r.loss for r in diary.records] == [row["loss"] for row in log]
    assert [r.validation_loss for r in diary.records] == [row["validation_loss"] for row in log]
    assert (model.score(test.X, test.y), model.loss(test.X, test.y)) == (
        metrics["test_accuracy"], metrics["test_loss"]
    )  # fmt: skip


class Diary:
    def __init__(self):
        self.records = []

    def epoch(self, record):
        self.records.append(record)


def test_the_most_frequent_mistake_is_counted(tmp_path):
    model = MLPClassifier(hidden=(), max_epochs=1)
    outcome = train_classifier(digits(), model, root=tmp_path)
    test = digits().take(split(digits().y, seed=0).test)
    pairs = zip(test.y.tolist(), model.predict(test.X).tolist(), strict=True)
    mistakes = Counter((str(true), str(taken)) for true, taken in pairs if true != taken)
    assert mistakes[outcome.confused[:2]] == outcome.confused[2] == max(mistakes.values())


@pytest.mark.parametrize(
    ("flag", "value"),
    [("learning_rate", float("nan")), ("hidden", (0,)), ("batch", 0), ("momentum", 1.0),
     ("seed", -1), ("epochs", -1)],
)  # fmt: skip
def test_a_flag_out_of_range_leaves_no_folder(tmp_path, flag, value):
    with pytest.raises(OptionError, match=flag):
        train("digits", out=tmp_path / "runs", **{flag: value})
    assert not (tmp_path / "runs").exists()


def test_a_diverged_training_names_the_wire_and_leaves_an_unfinished_run(tmp_path):
    with pytest.raises(RunError, match=r"diverged in epoch 1, step \d+: 'layer\d\w*' is"):
        train("digits", out=tmp_path, learning_rate=1e9)
    assert not open_run("latest", tmp_path).finished
    with pytest.raises(RunError, match="has no model"):
        predict("latest", tmp_path / "rows.csv", runs=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process alone")
@pytest.mark.slow
def test_ctrl_c_leaves_a_model_that_predicts(tmp_path, rows):
    flags = ["train", "digits", "--epochs", "100000", "--patience", "100000", "--json"]
    code = f"import sys; from pullback.cli import answer; sys.exit(answer({flags} + sys.argv[1:]))"
    source = str(Path(pullback.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", code, "--out", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip
    assert process.stderr.readline().startswith("epoch   1")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["stopped"] == "interrupted"
    assert "the weights of the last full step are kept" in err
    assert len(predict_table("latest", rows, root=tmp_path).labels) == 40


@pytest.mark.slow
def test_five_seeds_read_97_of_100_unseen_digits_in_the_median(tmp_path):
    seeds = [MLPClassifier(random_state=seed) for seed in range(5)]
    found = [train_classifier(digits(), model, root=tmp_path).test_accuracy for model in seeds]
    assert np.median(found) >= 0.97


# predict


def test_predict_prints_a_label_and_its_probability_a_row(root, rows, capsys):
    assert predict("latest", rows, runs=root) == 0
    printed = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    model = MLPClassifier.load(open_run("latest", root).model)
    probabilities = model.predict_proba(digits().X[:40])
    assert [label for label, _ in printed] == [str(i) for i in probabilities.argmax(axis=1)]
    assert [p for _, p in printed] == [f"{p:.4f}" for p in probabilities.max(axis=1)]


def test_predictions_from_a_file_equal_those_of_the_trained_model(tmp_path, rows):
    model = MLPClassifier(hidden=(16,), max_epochs=3)
    train_classifier(digits(), model, root=tmp_path)
    answers = predict_table("latest", rows, root=tmp_path)
    assert answers.labels.tolist() == model.predict(digits().X[:40]).tolist()
    expected = model.predict_proba(digits().X[:40]).max(axis=1)
    assert answers.probabilities.tobytes() == expected.tobytes()


def test_columns_are_found_by_name_in_any_order(root, rows, tmp_path, capsys):
    order = np.random.default_rng(0).permutation(64)
    shuffled = table(
        tmp_path / "rows.csv",
        ["note", *(PIXELS[i] for i in order)],
        [["hello", *row[order]] for row in digits().X[:40]],
    )
    predict("latest", rows, runs=root, json=True)
    predict("latest", shuffled, runs=root, json=True)
    told = capsys.readouterr()
    first, second = told.out.splitlines()
    assert first == second
    assert told.err == "ignored columns: 'note'\n"


def test_a_label_does_not_steer_the_terminal(tmp_path, capsys):
    run = create_run("signs", {}, tmp_path)
    X, y = np.array([[0.0], [1.0]] * 4), np.array(["\x1b[2Jgone", "here"] * 4)
    MLPClassifier(hidden=()).fit(X, y, feature_names=["x"]).save(run.model)
    predict("latest", table(tmp_path / "x.csv", ["x"], [[0.0]]), runs=tmp_path)
    assert capsys.readouterr().out.startswith("?[2Jgone  ")


def test_a_run_is_found_by_name_by_folder_and_as_latest(root, rows, capsys):
    for which in ("digits-1", str(root / "digits-1"), "latest"):
        predict(which, rows, runs=root, json=True)
    one, two, three = capsys.readouterr().out.splitlines()
    assert json.loads(one)["labels"] == json.loads(two)["labels"] == json.loads(three)["labels"]


def test_a_bad_cell_is_named_by_line_and_column(root, tmp_path):
    cells = digits().X[:3].astype(object)
    cells[1, 5] = "much"
    bad = table(tmp_path / "bad.csv", PIXELS, cells)
    with pytest.raises(DataError, match=r"bad\.csv, line 3, column 'p05': 'much'"):
        predict("latest", bad, runs=root)


def test_a_missing_column_is_named(root, tmp_path):
    short = table(tmp_path / "short.csv", PIXELS[:-1], digits().X[:3, :-1])
    with pytest.raises(DataError, match="there is no column 'p63'"):
        predict("latest", short, runs=root)


def test_a_run_that_is_not_there_is_named(root, rows):
    with pytest.raises(UnknownName, match="no run is called 'digit-1'") as caught:
        predict("digit-1", rows, runs=root)
    assert "did you mean 'digits-1'?" in str(caught.value)


def test_a_damaged_model_is_a_file_error(tmp_path, rows):
    run = create_run("digits", {}, tmp_path)
    run.model.write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(FileError, match="cannot load"):
        predict("latest", rows, runs=tmp_path)


# runs


def test_runs_are_listed_newest_first_with_their_scores(tmp_path, capsys):
    train("digits", out=tmp_path, **QUICK)
    create_run("later", {}, tmp_path)
    (tmp_path / "broken").mkdir()
    capsys.readouterr()
    assert runs(runs=tmp_path, json=True) == 0
    listed = json.loads(capsys.readouterr().out)["runs"]
    assert [run["name"] for run in listed] == ["later-1", "digits-1", "broken"]
    assert [run["state"].split(":")[0] for run in listed] == ["not finished", "finished", "damaged"]
    assert (
        listed[1]["test_accuracy"] == open_run("digits-1", tmp_path).read_metrics()["test_accuracy"]
    )


def test_the_table_of_runs_has_a_row_for_each(root, capsys):
    runs(runs=root)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["run", "target", "test", "score"]
    assert row.startswith("digits-1")
    assert f"accuracy {open_run('latest', root).read_metrics()['test_accuracy']:.2%}" in row


def test_runs_are_listed_with_target_and_score(tmp_path, capsys):
    train("penguins", target="body_mass_g", epochs=1, out=tmp_path)
    train("penguins", target="species", epochs=1, out=tmp_path)
    capsys.readouterr()
    runs(runs=tmp_path)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split()[1:3] for row in rows] == [["species", "accuracy"], ["body_mass_g", "R²"]]


@pytest.mark.parametrize("target", ["species", "body_mass_g"])
def test_predictions_are_written_behind_the_rows(tmp_path, capsys, target):
    train("penguins", target=target, epochs=1, out=tmp_path)
    out = tmp_path / "said.csv"
    assert predict("latest", Path("penguins"), out=out, runs=tmp_path) == 0
    assert f"rows to {out}." in capsys.readouterr().out
    head, *rows = csv.reader(out.read_text(encoding="utf-8").splitlines())
    table = read_table(SHIPPED["penguins"].path)
    classes = ["Adelie", "Chinstrap", "Gentoo"] if target == "species" else []
    added = [f"predicted_{target}", *(f"probability_{name}" for name in classes)]
    assert head == [*table.header, *added]
    assert [row[: len(table.header)] for row in rows] == table.rows
    answers = predict_table("latest", SHIPPED["penguins"].path, root=tmp_path)
    assert [row[len(table.header)] for row in rows[:3]] == [
        str(a) if target == "species" else f"{a:.10g}" for a in answers.labels[:3].tolist()
    ]


def test_no_runs_yet_is_no_error(tmp_path, capsys):
    assert runs(runs=tmp_path / "nowhere") == 0
    assert "no runs" in capsys.readouterr().err


def test_scores_that_are_no_numbers_do_not_break_the_list(tmp_path, capsys):
    run = create_run("digits", {}, tmp_path)
    run.write_metrics({"test_accuracy": "high", "epochs": None, "stopped": ["x"]})
    runs(runs=tmp_path)
    row = capsys.readouterr().out.splitlines()[1].split()
    assert (row[0], row[-1]) == ("digits-1", "finished")
