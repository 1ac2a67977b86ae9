"""What a person may write for a circuit and for its values."""

import io
import sys

import pytest

from pullback.cli import answer
from pullback.cli.assignments import read
from pullback.errors import ExpressionError


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=-2", -2.0),
        ("x=+2.", 2.0),
        ("x=.5", 0.5),
        ("x=1e-3", 0.001),
        ("x=-1E+3", -1000.0),
        ("x=1,2.5,-3", [1.0, 2.5, -3.0]),
        ("x=[1, 2]", [1.0, 2.0]),
        ("x=[7]", [7.0]),
        ("x=-inf", -float("inf")),
    ],
)
def test_a_value_is_a_number_or_several(word, value):
    assert read([word]) == {"x": value}


@pytest.mark.parametrize(
    ("word", "position"),
    [
        ("x", 0), ("=1", 0), ("2x=1", 0), ("x=", 2), ("x=one", 2), ("x=1_000", 2), ("x=0x1F", 2),
        ("x=1,,2", 4), ("x=1,2,b", 6), ("x=1e999", 2), ("x=１", 2), ("x=−1", 2), ("x=1;2", 2),
        ("x==1", 2), ("x=1=2", 2),
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused_with_its_place(word, position):
    with pytest.raises(ExpressionError) as refused:
        read([word])
    assert refused.value.position == position


def test_a_look_alike_is_named_and_replaced():
    with pytest.raises(ExpressionError, match="FULLWIDTH DIGIT ONE") as refused:
        read(["x=１"])
    assert refused.value.fix == "x=1"


def test_an_input_gets_one_value():
    with pytest.raises(ExpressionError, match="'x' gets two values"):
        read(["x=1", "y=2", "x=3"])


def test_an_expression_without_quotes_is_recognised():
    with pytest.raises(ExpressionError) as refused:
        read(["+", "y"])
    assert refused.value.why == "Put the whole expression in quotes."


def test_a_circuit_may_begin_with_a_minus(capsys):
    assert answer(["run", "-x**2", "x=3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split("\t")[2:] == ["-9", "1"]


def test_a_circuit_may_come_from_standard_input(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("q = x + y\nf = q * z\n"))
    assert answer(["run", "-", "x=-2", "y=5", "z=-4"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split("\t") == ["f", "q * z", "-12", "1"]


@pytest.fixture
def net(tmp_path):
    """A person's own file."""
    (tmp_path / "beside.py").write_text("TWO = 2.0\n")
    path = tmp_path / "net.py"
    path.write_text(
        "import pullback as pb\n"
        "from beside import TWO\n"
        "def plain(x, y=3.0):\n"
        "    q = x * y\n"
        "    return q * TWO\n"
        "made = pb.circuit(plain)\n"
        "number = 3\n"
        "def broken(x):\n"
        "    return x / undefined\n"
        "def branching(x):\n"
        "    return x if x > 0 else -x\n"
    )
    return path


@pytest.mark.parametrize("name", ["plain", "made"])
def test_a_circuit_may_be_a_function_in_a_file(net, name, capsys):
    assert answer(["run", f"{net}:{name}", "x=5"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert ["q", "x * y", "15", "2"] in rows
    assert rows[-1] == ["plain", "q * 2", "30", "1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("plian", "has no 'plian'.\n  did you mean 'plain'?"),
        ("number", "is a int, not a function."),
        ("broken", "raised NameError: name 'undefined' is not defined\n    net.py:9"),
        ("branching", "error[PB100]"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_as_its_mistake(net, name, said, capsys):
    assert answer(["run", f"{net}:{name}", "x=5"]) == 2
    assert said in capsys.readouterr().err


def test_a_file_that_cannot_be_imported_names_its_line(tmp_path, capsys):
    (tmp_path / "bad.py").write_text("x = 1\ndef f(:\n")
    assert answer(["run", f"{tmp_path / 'bad.py'}:f", "x=5"]) == 2
    assert "raised SyntaxError" in capsys.readouterr().err


def test_a_file_alone_is_asked_for_its_circuit(net, capsys):
    assert answer(["run", str(net), "x=5"]) == 2
    assert capsys.readouterr().err.endswith("net.py:f\n")
