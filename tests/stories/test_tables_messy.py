"""Tables as people have them, by one command: read and said, or refused with the flag to type."""

import json
import os
import random
import time

import pytest

from pullback.cli import answer
from pullback.errors import DataError
from pullback.models import MLPRegressor
from pullback.models.problem import Question
from pullback.models.tables import open_problem

QUICK = ["--epochs", "30", "--hidden", "8"]


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Ask a command in an empty folder: its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def ask(*words):
        code = answer([str(word) for word in words])
        return code, *capsys.readouterr()

    return ask


def write(name, header, rows, separator=","):
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def halves(n=160, low=0.0, high=10.0, seed=5):
    """Numbers, and whether each is above the middle."""
    values = [round(random.Random(seed + i).uniform(low, high), 2) for i in range(n)]
    return [(value, "high" if value > (low + high) / 2 else "low") for value in values]


def learn(asked, *words):
    """Train on t.csv to predict `y`; the scores."""
    options = QUICK if "--epochs" not in words else []
    code, out, err = asked("train", "t.csv", "--target", "y", "--json", *options, *words)
    assert code == 0, err
    return json.loads(out)


def refusal(asked, *words, command=("train", "t.csv", "--target", "y")):
    code, out, err = asked(*command, *words)
    assert (code, out) == (2, "")
    return err


def german(value):
    return f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")


TABLE = list(enumerate(halves()))
GERMAN = [(german(v * 1000), y) for v, y in halves()]
READ = {
    "formula cells": ("a,b,y", [(f'="{v}"', i % 9, y) for i, (v, y) in TABLE], "'a': number"),
    "thousands": ("a,b,y", [(f'"{v * 1e3:,.0f}"', i % 9, y) for i, (v, y) in TABLE], "thousands commas"),
    "euros": ("a;b;y", [(f"{german(v)} €", i % 9, y) for i, (v, y) in TABLE], "in '€'"),
    "a currency in thousands": ("a,b,y", [(f"${v}K", i % 9, y) for i, (v, y) in TABLE], "in '$K'"),
    "percent": ("a,b,y", [(f"{v}%", i % 9, y) for i, (v, y) in TABLE], "in '%'"),
    "an index": (",a,y", [(i, v, y) for i, (v, y) in TABLE], "column 1 has no name"),
    "a separator at the end": ("a,y,", [(v, y, "") for v, y in halves()], "column 3: no name and no cell"),
    "the separator's name": ("sep=;\na;y", [(v, y) for v, y in halves()], "names the separator, ';'"),
    "a title": ("Report\n\na,y", halves(), "above the names, 'Report'"),
    "a total": ("a,n,y", [*((v, 3, y) for v, y in halves()), ("Total", 480, "")], "'Total' sums"),
}  # fmt: skip


@pytest.mark.parametrize(("header", "rows", "said"), READ.values(), ids=READ)
def test_a_habit_is_read_and_said(header, rows, said, asked):
    write(
        "t.csv",
        None,
        [[header], *[[(";" if ";" in header else ",").join(map(str, r))] for r in rows]],
    )
    found = learn(asked)
    assert found["test_accuracy"] > 0.8
    assert said in "\n".join([*found["columns"], *found["notes"]])


# what stands in the table -> the words of the refusal; the flag that it names, once typed, has to do
ASKED = {
    "words": ([("n.d." if i % 10 == 0 else v, y) for i, (v, y) in TABLE], "--missing n.d."),
    "dashes": ([("--" if i % 4 == 0 else v, y) for i, (v, y) in TABLE], "--missing=--"),
    "errors": ([("#DIV/0!" if i % 3 == 0 else v, y) for i, (v, y) in TABLE], "--missing '#DIV/0!'"),
    "limits": ([("<0.5" if i % 9 == 0 else v, y) for i, (v, y) in TABLE], "--missing '<0.5'"),
    "a sentinel": ([(-999 if i % 9 == 0 else v, y) for i, (v, y) in TABLE], "--missing=-999"),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "flag"), ASKED.values(), ids=ASKED)
def test_what_is_no_number_is_asked_about_with_the_flag_to_type(rows, flag, asked):
    write("t.csv", ["a", "y"], rows)
    err = refusal(asked)
    assert "t.csv, line 2, column 'a'" in err
    assert f"{flag} reads it as missing" in err
    assert learn(asked, *flag.replace("'", "").split(" "))["test_accuracy"] > 0.7


def test_a_sentinel_may_be_a_number_after_all(asked):
    write(
        "t.csv", ["a", "y"], [(-999 if i % 9 == 0 else v, y) for i, (v, y) in enumerate(halves())]
    )
    assert learn(asked, "--not-missing=-999")["columns"] == ["'a': number"]


def test_predict_reads_numbers_as_the_run_learned_them(asked):
    write("t.csv", ["a", "y"], GERMAN, ";")
    learn(asked)
    write("new.csv", ["a"], [("9.750",), ("1.125",)], ";")
    write("new2.csv", ["a", "b"], [("9.750", "2"), ("1.125", "3")], ";")
    _, out, err = asked("predict", "latest", "new2.csv")
    assert [line.split()[0] for line in out.splitlines()] == ["high", "low"]
    assert "'9.750' is read as 9750" in err


def test_predict_asks_where_the_file_is_of_another_kind(asked):
    write("t.csv", ["a", "y"], GERMAN, ";")
    learn(asked)
    write("new.csv", ["a", "b"], [("9.750", "2")], "\t")
    command = ("predict", "latest", "new.csv")
    assert "'9.750' may be 9.75 or 9750" in refusal(asked, command=command)
    assert asked(*command, "--decimal", ",")[1].startswith("high")


def test_predict_refuses_another_unit(asked):
    write("t.csv", ["a", "y"], [(f"{v} kg", y) for v, y in halves()])
    learn(asked)
    write("new.csv", ["a"], [("5 g",)])
    err = refusal(asked, command=("predict", "latest", "new.csv"))
    assert "line 2, column 'a': '5 g' is in 'g'; the training rows were in 'kg'" in err


def test_two_units_in_a_column_are_refused(asked):
    write(
        "t.csv",
        ["a", "y"],
        [(f"{v} kg" if i % 5 else f"{v * 1000:.0f} g", y) for i, (v, y) in enumerate(halves())],
    )
    assert "is in 'g'; others are in 'kg'" in refusal(asked)


def test_a_region_called_NA_is_said_to_count_as_missing(asked):
    rows = [(i * 7 % 10, 5 * (i % 2), "EU" if i % 2 else "NA") for i in range(80)]
    write("t.csv", ["a", "b", "y"], rows)
    err = refusal(asked)
    assert "in every row" not in err
    assert "40 hold 'NA'; --not-missing NA makes it a value" in err
    assert learn(asked, "--not-missing", "NA")["test_accuracy"] == 1


def test_a_category_with_many_NA_says_so(asked):
    write("t.csv", ["a", "y"], [(["EU", "AS", "NA"][i % 3], i % 2) for i in range(90)])
    (column,) = learn(asked)["columns"]
    assert (
        column == "'a': category (2 levels), 30 missing ('NA'; --not-missing NA makes it a level)"
    )


def test_codes_with_zeros_in_front_are_a_category(asked):
    codes = ["01067", "20095", "50667", "80331"]
    rows = [(codes[i * 7 % 4], i % 11, int(i * 7 % 4 in (0, 2))) for i in range(160)]
    write("t.csv", ["zip", "b", "y"], rows)
    found = learn(asked)
    assert found["test_accuracy"] == 1
    assert found["columns"][0].startswith("'zip': category (4 levels; codes")
    chosen = learn(asked, "--number", "zip", "--category", "b", "--epochs", "1")["columns"]
    assert chosen == ["'zip': number", "'b': category (11 levels)"]


NAMELESS = {
    "decimals": ("6.23,2.42,yes", lambda i: (f"{i * 7 % 10}.5", f"{i % 11}.25", "yes" if i % 2 else "no")),
    "whole numbers": ("39,State,77", lambda i: (i * 7 % 60, ["State", "Private"][i % 2], i % 90)),
    "texts": ("r,s,y", lambda i: ("rb"[i % 2], "sl"[i % 3 == 0], "yn"[i % 2])),
}  # fmt: skip


@pytest.mark.parametrize(("header", "row"), NAMELESS.values(), ids=NAMELESS)
def test_a_table_without_names_is_noticed(header, row, asked):
    write("t.csv", header.split(","), [row(i) for i in range(79)])
    err = refusal(asked, command=("train", "t.csv", "--target", "x3"))
    assert "is there no header?" in err
    assert "--header no calls the columns x1, x2" in err
    code, _, err = asked("train", "t.csv", "--target", "x3", "--header", "no", "--epochs", "2")
    assert (code, "target 'x3'" in err) == (0, True)


def test_names_that_count_are_names(asked):
    write("t.csv", ["0", "1", "2", "y"], [(i % 5, i % 7, i % 3, i % 2) for i in range(60)])
    assert len(learn(asked)["columns"]) == 3


def test_a_run_without_names_is_asked_without_names(asked):
    write("t.csv", None, [(v, i % 9, y) for i, (v, y) in enumerate(halves())])
    asked("train", "t.csv", "--target", "x3", "--header", "no", *QUICK)
    write("new.csv", None, [(9.5, 1), (0.5, 2)])
    assert [line.split()[0] for line in asked("predict", "latest", "new.csv")[1].splitlines()] == [
        "high",
        "low",
    ]


TARGETS = {
    "thousands": [f'"{1000 + 37 * i:,}"' for i in range(120)],
    "euros": [f"{10 + 3 * i} €" for i in range(120)],
    "percent": [f"{i / 2}%" for i in range(120)],
}


@pytest.mark.parametrize("cells", TARGETS.values(), ids=TARGETS)
def test_a_target_written_in_a_habit_is_a_regression(cells, asked):
    order = random.Random(1).sample(range(120), 120)
    write("t.csv", ["a", "y"], [(i + 0.5, cells[i]) for i in order])
    found = learn(asked, "--epochs", "100")
    assert found["test_r2"] > 0.9
    assert json.loads(asked("evaluate", "latest", "t.csv", "--json")[1])["r2"] > 0.9


def test_a_target_whose_square_overflows_is_refused_by_line(asked):
    write("t.csv", ["a", "y"], [(i, 1e200 if i == 3 else i * 1.5) for i in range(60)])
    assert "t.csv, line 5, column 'y': '1e+200' is too large to be learned" in refusal(asked)


def test_a_number_whose_square_overflows_is_refused_by_row():
    with pytest.raises(DataError, match=r"row 3, y is 1e\+200: too large"):
        MLPRegressor().fit([[i] for i in range(5)], [0, 1, 2, 1e200, 4])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("command", [("train", "t.csv", "--target", "y"), ("train", "t.csv")])
def test_a_pipe_is_refused_at_once(asked, command):
    os.mkfifo("t.csv")
    began = time.monotonic()
    assert "it is a pipe, not a file" in refusal(asked, command=command)
    assert time.monotonic() - began < 5


def test_a_run_asked_about_a_pipe_or_a_device_refuses(asked):
    write("t.csv", ["a", "y"], halves())
    learn(asked)
    os.mkfifo("new.csv")
    for command in ("predict", "evaluate"):
        assert "it is a pipe" in refusal(asked, command=(command, "latest", "new.csv"))
    assert "it is a device" in refusal(asked, command=("predict", "latest", "/dev/zero"))
    assert "it is a folder" in refusal(asked, command=("predict", "latest", "."))
    assert "cannot be read" in refusal(asked, command=("predict", "latest", "a\0b"))
    assert "it is a pipe" in refusal(asked, "--data", "new.csv", command=("rerun", "latest"))


FILES = {
    "a workbook": (b"PK\x03\x04" + b"x" * 40, "Excel"),
    "a database": (b"SQLite format 3\0" + b"x" * 40, "SQLite"),
    "a script": (b"CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n", "SQL script"),
    "JSON": (b'[{"a": 1, "y": 2}]\n', "JSON"),
    "a page": (b"<!DOCTYPE html><table><tr><td>1</td></tr></table>", "markup"),
}


@pytest.mark.parametrize(("data", "what"), FILES.values(), ids=FILES)
def test_a_file_of_another_kind_is_named(data, what, asked, tmp_path):
    (tmp_path / "t.csv").write_bytes(data)
    err = refusal(asked)
    assert what in err
    assert "as CSV" in err


def seconds_of(columns):
    """Processor time of reading so many columns, recognising and encoding them."""
    names = [f"c{i}" for i in range(columns)]
    rows = [[(i * j * 7 + i) % 11 for i in range(columns)] + [j % 2] for j in range(12)]
    write("t.csv", [*names, "y"], rows)
    began = time.process_time()
    open_problem("t.csv", Question("y"), 0)
    return time.process_time() - began


def test_the_cost_grows_with_the_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # In proportion, 8 times as long; quadratic, 64 times.
    assert seconds_of(6_000) < 16 * min(seconds_of(750) for _ in range(2))


def test_of_many_columns_the_first_are_named_and_the_others_counted(asked):
    rows = [[(i * j) % 11 for i in range(300)] + [j % 2] for j in range(40)]
    write("t.csv", [*(f"c{i}" for i in range(300)), "y"], rows)
    err = asked("train", "t.csv", "--target", "y", "--epochs", "1", "--hidden", "2")[2]
    assert "more: number" in err
    assert len(err.splitlines()) < 60


def test_evaluate_tells_training_rows_from_others(asked, tmp_path):
    write("t.csv", ["a", "b", "y"], [(v, i % 13, y) for i, (v, y) in enumerate(halves())])
    trained = learn(asked)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    # The same rows in another order, as a German would write them, and ten that the run has never met.
    more = [f"{1 + i};{i + 20};low" for i in range(4)]
    mixed = [line.replace(",", ";").replace(".", ",") for line in lines[:0:-1]]
    (tmp_path / "mixed.csv").write_text("\n".join(["a;b;y", *mixed, *more]) + "\n")
    found = json.loads(asked("evaluate", "latest", "mixed.csv", "--json")[1])
    assert found["parts"] == {"train": 112, "validation": 24, "test": 24, "new": 4}
    assert found["unseen"]["rows"] == 28
    again = json.loads(asked("evaluate", "latest", "t.csv", "--json")[1])
    assert again["unseen"]["accuracy"] == trained["test_accuracy"]
    assert "test and unseen rows, which had no part" in asked("evaluate", "latest", "t.csv")[1]


def test_evaluate_on_training_rows_alone_says_that_it_is_no_test(asked, tmp_path):
    write("t.csv", ["a", "b", "y"], [(v, i % 13, y) for i, (v, y) in enumerate(halves())])
    learn(asked)
    header, *rows = (tmp_path / "t.csv").read_text().splitlines()
    for row in rows:
        (tmp_path / "one.csv").write_text(f"{header}\n{row}\n")
        said = asked("evaluate", "latest", "one.csv")[1]
        if "training" in said:
            break
    assert "all 1 rows are training or validation rows of this run: no test of it" in said


def test_evaluate_on_new_rows_alone_has_nothing_to_tell_apart(asked):
    write("t.csv", ["a", "b", "y"], [(v, i % 13, y) for i, (v, y) in enumerate(halves())])
    learn(asked)
    write("new.csv", ["a", "b", "y"], [(1.005, 99, "low"), (9.005, 98, "high")])
    found = json.loads(asked("evaluate", "latest", "new.csv", "--json")[1])
    assert found["parts"]["new"] == 2
    assert "unseen" not in found


def test_figures_that_are_no_numbers_are_named_beside_the_result(asked):
    write("t.csv", ["a", "b", "y"], [(f"{v} ± 0.1", i % 9, y) for i, (v, y) in TABLE])
    _, out, err = asked("train", "t.csv", "--target", "y", *QUICK)
    assert "is not read as a number); left out" in err
    assert "note           left out although its cells begin with numbers: 'a'" in out
