"""Forty things that are wrong with a person's table: a right answer, or one screen that names the place.

Each fault goes through the command line, in process. Refused means: exit code 2, nothing on stdout, the
named line, column or text on the first line, no run folder left behind.
"""

import contextlib
import io
import json

import pytest

from pullback.cli import answer

ROWS = 40
QUICK = ["--epochs", "2", "--hidden", "4"]


def good(i):
    return {
        "size": f"{i % 7}.{i}",
        "colour": ["red", "blue"][i % 2],
        "kind": ["a", "b"][i % 3 == 0],
    }


def table(change=lambda rows: None, separator=",", header=None):
    """Forty good rows with something done to them, as text."""
    rows = [good(i) for i in range(ROWS)]
    rows = change(rows) or rows
    lines = [separator.join(header or rows[0])]
    return "\n".join([*lines, *(separator.join(row.values()) for row in rows)]) + "\n"


def cell(row, column, text):
    """Put `text` into one cell: row 0 is line 2."""

    def change(rows):
        rows[row][column] = text

    return table(change)


def column(name, values):
    def change(rows):
        for i, row in enumerate(rows):
            row[name] = values(i)

    return table(change)


# fault -> (the table, further words of the command, what the first line of the refusal must name)
REFUSED = {
    "an infinity": (cell(3, "size", "inf"), [], ["line 5", "'size'", "'inf'"]),
    "a number beyond all": (cell(3, "size", "1e999"), [], ["line 5", "'size'", "'1e999'"]),
    "a text among numbers": (cell(9, "size", "much"), [], ["line 11", "'size'", "'much'"]),
    "a number with a unit": (cell(0, "size", "3 cm"), [], ["line 2", "'size'", "'3 cm'"]),
    "an underscore": (cell(4, "size", "1_000"), [], ["line 6", "'size'", "'1_000'"]),
    "a foreign digit": (cell(4, "size", "２"), [], ["line 6", "'size'", "'２'"]),
    "a complex number": (cell(4, "size", "1+2j"), [], ["line 6", "'size'", "'1+2j'"]),
    "no date among dates": (
        column("day", lambda i: "2020-13-45" if i == 7 else f"2020-01-{i % 28 + 1:02d}"), [],
        ["line 9", "'day'", "'2020-13-45'", "date"],
    ),
    "one class": (column("kind", lambda i: "a"), [], ["'kind'", "'a'", "every row"]),
    "no target at all": (column("kind", lambda i: ""), [], ["'kind'", "empty"]),
    "every target different": (column("kind", lambda i: f"k{i}"), [], ["'kind'", "40 different"]),
    "one row": (table(lambda rows: rows[:1]), [], ["every row"]),
    "two rows": (table(lambda rows: rows[:2]), [], ["'kind'", "2 different"]),
    "three rows": (table(lambda rows: [*rows[:2], rows[2] | {"kind": "a"}]), [], ["2 different"]),
    "only a header": ("size,colour,kind\n", [], ["no rows"]),
    "nothing": ("", [], ["empty"]),
    "no header": ("1,2.5\n3,4.5\n", [], ["first line"]),
    "no other column": ("kind\n" + "a\nb\n" * 20, [], ["no column beside 'kind'"]),
    "only useless columns": (
        "same,kind\n" + "1,a\n1,b\n" * 20, [], ["no column beside 'kind'"]
    ),
    "a misspelt target": (table(), ["--target", "knid"], ["no column 'knid'"]),
    "a misspelt column left out": (table(), ["--leave-out", "colur"], ["no column 'colur'"]),
    "two columns of a name": (table(header=["size", "size", "kind"]), [], ["two columns", "'size'"]),
    "an unnamed column": (table(header=["size", "", "kind"]), [], ["column 2", "no name"]),
    "a short row": (table() + "1,red\n", [], ["line 42", "2 cells", "3 columns"]),
    "a long row": (table() + "1,red,a,b\n", [], ["line 42", "4 cells"]),
    "an open quote": (table() + '1,"red,a\n', [], ["line 42", "unexpected end"]),
    "a NUL": (table() + "1,\0,a\n", [], ["line 42", "NUL"]),
    "a million characters": (cell(2, "colour", "x" * 1_000_000), [], ["line 4"]),
    "a regression of texts": (table(), ["--task", "regression"], ["line 2", "'kind'", "'b'"]),
    "classes of many numbers": (
        column("kind", lambda i: str(i + 0.5)), ["--task", "classification"], ["'kind'", "40 different"]
    ),
    "one text among target numbers": (
        column("kind", lambda i: "much" if i == 5 else str(i * 1.5)), [], ["line 7", "'kind'", "'much'"]
    ),
    "an infinite target": (
        column("kind", lambda i: "1e999" if i == 5 else str(i * 1.5)), [], ["line 7", "'1e999'"]
    ),
    "no time to order by": (table(), ["--order", "time"], ["no column", "dates"]),
    "numbers that span too much": (
        column("size", lambda i: ["-1.7e308", "1.7e308"][i % 2]), [], ["'size'", "spans too much"]
    ),
}  # fmt: skip

# fault -> (the table, further words, what must be said in passing)
ANSWERED = {
    "missing numbers": (cell(3, "size", ""), [], "1 missing"),
    "not a number": (cell(3, "size", "NaN"), [], "1 missing"),
    "a missing target": (cell(3, "kind", "NA"), [], "1 row without 'kind' left out"),
    "a constant column": (column("same", lambda i: "7"), [], "'same': constant ('7' everywhere); left out"),
    "an empty column": (column("void", lambda i: ""), [], "'void': empty (no value at all); left out"),
    "names": (column("id", lambda i: f"n{i}"), [], "'id': identifier (all different); left out"),
    "emoji": (column("mood", lambda i: "😀😢"[i % 2]), [], "'mood': category (2 levels)"),
    "repeated rows": (table(lambda rows: rows * 3), [], "duplicate training rows"),
    "a class of one row": (cell(3, "kind", "c"), [], "class of a single row"),
    "a give-away": (
        table(lambda rows: [row | {"copy": row["kind"] * 2} for row in rows]),
        [],
        "determines the target exactly",
    ),
    "a slip of the keyboard": (cell(3, "size", "1e300"), [], "line 5, column 'size': 1e+300"),
    "yes and no": (column("kind", lambda i: ["yes", "no"][i % 2]), [], "classification"),
    "truths": (column("kind", lambda i: ["True", "False"][i % 2]), [], "classification"),
    "labels 0 and 1": (column("kind", lambda i: str(i % 2)), [], "2 different whole numbers"),
    "hostile names": (table(header=["<b>", "a\x1b[2J", "kind"]), [], "'<b>': number"),
    "an own word for missing": (cell(3, "size", "lost"), ["--missing", "lost"], "1 missing"),
    "imbalance": (column("kind", lambda i: "ab"[i in (3, 30)]), [], "unbalanced: 95.0%"),
}  # fmt: skip


def trained(folder, text, *words):
    """The exit code, what was said on stdout and on stderr."""
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8", newline="")
    target = [] if "--target" in words else ["--target", "kind"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = answer(["train", str(path), *target, *words, *QUICK, "--out", str(folder / "runs")])
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("text", "words", "named"), REFUSED.values(), ids=REFUSED)
def test_a_fault_is_refused_in_one_screen_that_names_it(text, words, named, tmp_path):
    code, out, err = trained(tmp_path, text, *words)
    first = err.splitlines()[0]
    assert (code, out) == (2, "")
    assert first.startswith("error[PB700]: ")
    assert [word for word in named if word not in first] == []
    assert len(err.splitlines()) < 14
    assert "\x1b" not in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("text", "words", "said"), ANSWERED.values(), ids=ANSWERED)
def test_a_flaw_that_can_be_lived_with_is_said(text, words, said, tmp_path):
    code, out, err = trained(tmp_path, text, *words)
    assert code == 0, err
    assert said in out + err
    assert "\x1b" not in out + err
    assert (tmp_path / "runs" / "t-1" / "report.html").exists()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a run that was trained on a good table."""
    folder = tmp_path_factory.mktemp("good")
    assert trained(folder, table())[0] == 0
    return folder / "runs"


# fault -> (the table asked about, what the first line of the refusal must name)
ASKED_WRONGLY = {
    "a column is gone": ("colour,kind\nred,a\n", ["no column 'size'"]),
    "a column has another name": ("Size,colour\n1,red\n", ["no column 'size'"]),
    "a text where a number was": ("size,colour\n1,red\nmuch,red\n", ["line 3", "'size'", "'much'"]),
    "an infinity": ("size,colour\ninf,red\n", ["line 2", "'size'", "'inf'"]),
    "far too large": ("size,colour\n1,red\n1e308,red\n", ["line 3", "'size'", "too large"]),
    "no rows": ("size,colour\n", ["no rows"]),
}


@pytest.mark.parametrize(("text", "named"), ASKED_WRONGLY.values(), ids=ASKED_WRONGLY)
def test_a_fault_in_a_question_is_refused_by_name(text, named, root, tmp_path, capsys):
    (tmp_path / "q.csv").write_text(text)
    assert answer(["predict", "latest", str(tmp_path / "q.csv"), "--runs", str(root)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [word for word in named if word not in err.splitlines()[0]] == []


def test_a_class_that_was_not_learned_is_named_by_evaluate(root, tmp_path, capsys):
    (tmp_path / "q.csv").write_text("size,colour,kind\n1,red,a\n1,red,zebra\n")
    assert answer(["evaluate", "latest", str(tmp_path / "q.csv"), "--runs", str(root)]) == 2
    assert "line 3, 'zebra' is a class that is not in the training rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour,more,size\nred,x,1\n", "ignored columns: 'more'"),
        ("size,colour\n1,violet\n", "'violet' was not seen in training"),
        ("size,colour\n,red\n", "1 missing"),
        ("size;colour\n1,5;red\n", "decimal commas"),
    ],
    ids=["order and extra columns", "an unseen category", "a missing number", "another dialect"],
)
def test_what_can_be_answered_is_answered_and_said(text, said, root, tmp_path, capsys):
    (tmp_path / "q.csv").write_text(text)
    words = ["predict", "latest", str(tmp_path / "q.csv"), "--runs", str(root), "--json"]
    assert answer(words) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["labels"][0] in ("a", "b")
    assert said in err
