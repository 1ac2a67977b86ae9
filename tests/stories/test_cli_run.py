"""`pullback run` and `pullback backward`: numbers as a table and as JSON, code that runs alone."""

import json
import subprocess
import sys

import pytest

import pullback as pb
from pullback.cli import answer
from pullback.cli.printing import say_table


@pytest.fixture
def said(capsys):
    def of(*words):
        assert answer(words) == 0
        return capsys.readouterr().out

    return of


def rows(text):
    return [line.split("\t") for line in text.splitlines()]


# run


def test_run_lists_every_wire_of_the_guides_circuit(said):
    assert rows(said("run", "q = x + y; f = q * z", "x=-2", "y=5", "z=-4")) == [
        ["wire", "gate", "value", "grad"],
        ["x", "input", "-2", "-4"],
        ["y", "input", "5", "-4"],
        ["z", "input", "-4", "3"],
        ["q", "x + y", "3", "-4"],
        ["f", "q * z", "-12", "1"],
    ]


def test_run_takes_the_guides_notation_over_several_lines(said):
    text = "var q = x + y;\nvar f = Math.max(q, 0) * z;"
    assert rows(said("run", text, "x=1", "y=2", "z=3"))[-1] == ["f", "t1 * z", "9", "1"]


def test_wires_without_a_name_are_called_as_in_the_backward_source(said):
    text = "sig(a*x + b*y + c)"
    table = rows(said("run", text, "a=1", "b=2", "c=-3", "x=-1", "y=3"))
    unnamed = [f"    {name} = {made}" for name, made, *_ in table if name.startswith("t")]
    assert len(unnamed) == 4
    assert unnamed == [line for line in said("backward", text).splitlines() if line in unnamed]


def test_a_pull_that_cannot_be_is_a_dash_and_null(said):
    words = ["run", "where(x > 1, x, 2*x)", "x=3"]
    assert ["t1", "x > 1", "yes", "-"] in rows(said(*words))
    wires = json.loads(said(*words, "--json"))["wires"]
    assert next(w for w in wires if w["name"] == "t1")["pull"] is None


def test_json_has_no_nan_and_no_infinity_but_says_both(said):
    document = json.loads(
        said("run", "x*y", "x=inf", "y=nan", "--json"), parse_constant=pytest.fail
    )
    assert document["value"] == "NaN"
    assert document["grads"] == {"x": "NaN", "y": "Infinity"}


def test_json_of_arrays_holds_every_number(said):
    document = json.loads(said("run", "w * x", "w=1,2", "x=3,4", "--json"))
    assert document["value"] == [3, 8]
    assert document["grads"] == {"w": [3, 4], "x": [1, 2]}


def test_a_checked_run_answers_no_and_names_the_wire(capsys):
    assert answer(["run", "q = log(x); f = q * 2", "x=-1", "--checked"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error[PB500]: 'q' is nan: the log gate is the first")


def test_a_tower_of_powers_is_infinite_not_endless(said):
    assert rows(said("run", "9**9**9**9 * x", "x=1"))[-1] == ["f", "inf * x", "inf", "1"]


def test_an_empty_last_cell_is_still_a_cell_in_a_pipe(capsys):
    say_table(("run", "state"), [("digits-1", "")], ("name", "note"))
    assert capsys.readouterr().out == "run\tstate\ndigits-1\t\n"


# backward


def test_backward_writes_only_code_and_it_runs_without_pullback(said):
    code = said("backward", "(x+y)*z") + "print(f_backward(-2, 5, -4))"
    done = subprocess.run([sys.executable, "-I"], input=code, capture_output=True, text=True)
    assert done.stdout == "(-12, {'x': -4.0, 'y': -4.0, 'z': 3.0})\n"


def test_backward_in_numpy_takes_arrays(said):
    code = said("backward", "sum(w * x)", "w=1,2", "x=3,4", "--lang", "numpy")
    assert "import numpy as np" in code
    assert code == pb.circuit("sum(w * x)").backward_source([1.0, 2.0], [3.0, 4.0], lang="numpy")


def test_ninja_style_has_fewer_lines(said):
    steps, ninja = (said("backward", "sig(a*x + b)", "--style", s) for s in ("steps", "ninja"))
    assert len(ninja.splitlines()) < len(steps.splitlines())


@pytest.mark.parametrize("lang", ["javascript", "c", "latex"])
def test_backward_speaks_other_languages(said, lang):
    code = said("backward", "sig(a*x + b)", "--lang", lang, "--style", "gates")
    assert code == pb.circuit("sig(a*x + b)").backward_source(lang=lang, style="gates")


def test_backward_writes_a_training_that_runs_without_pullback(said):
    data = ["x=1,2,3", "y=3,5,7", "w=0", "b=0"]
    code = said("backward", "mean((w*x + b - y)**2)", *data, "--train", "w b")
    code += "x = np.arange(1.0, 4.0)\nweights, losses = train(x, 2 * x + 1, epochs=400)\n"
    code += "print(round(float(weights['w']), 3), round(float(weights['b']), 3))"
    done = subprocess.run([sys.executable, "-I"], input=code, capture_output=True, text=True)
    assert done.stdout == "2.0 1.0\n"


def test_backward_as_json_holds_the_same_code(said):
    document = json.loads(said("backward", "x*y", "--json"))
    assert document == {
        "source": said("backward", "x*y"), "lang": "python", "style": "steps", "verified": True
    }  # fmt: skip


def test_backward_refuses_arrays_in_plain_python(capsys):
    assert answer(["backward", "sum(w)", "w=1,2"]) == 2
    assert capsys.readouterr().err.startswith("error[PB401]: ")
