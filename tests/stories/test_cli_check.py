"""`pullback check` and `pullback hello`: is every pull right, and what is said where none exists."""

import json
import shlex

import pytest

import pullback.gates  # noqa: F401 - fills the registry
from pullback.cli import answer
from pullback.core.gate import GATES

WRONG_GATE = """
import pullback as pb


@pb.gate
def cubed(x):
    return x * x * x


@cubed.pulls
def d_cubed(dy, y, x):
    return 2 * x * x * dy


def f(x, y):
    return cubed(x) + y
"""


@pytest.fixture
def wrong(tmp_path):
    """A person's own file with a wrong pull rule; its gate does not outlive the test."""
    (tmp_path / "wrong.py").write_text(WRONG_GATE)
    yield f"{tmp_path / 'wrong.py'}:f"
    GATES.pop("cubed", None)


def test_right_pulls_answer_yes(capsys):
    assert answer(["check", "sig(a*x + b*y + c)", "a=1", "b=2", "c=-3", "x=-1", "y=3"]) == 0
    out = capsys.readouterr().out
    assert "\nall right: 5 gradients agree, the largest error is " in out
    # The guide's neuron: 0.8808 (1 - 0.8808) = 0.105, times what each input is multiplied with.
    pulls = {line.split("\t")[0]: float(line.split("\t")[1]) for line in out.splitlines()[1:6]}
    hand = {"a": -0.105, "x": 0.105, "b": 0.315, "y": 0.21, "c": 0.105}
    assert pulls == pytest.approx(hand, abs=1e-4)


def test_a_wrong_rule_answers_no_and_is_named(wrong, capsys):
    assert answer(["check", wrong, "x=2", "y=1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "x\t8\t12\t3.3e-01\twrong"  # 2 x^2 instead of 3 x^2
    assert lines[-2] == "cubed: its pull on 'x' has a relative error of 3.3e-01  wrong.py:16"
    assert lines[-1] == "wrong: 1 of 2 gradients."


def test_a_wrong_rule_in_json(wrong, capsys):
    assert answer(["check", wrong, "x=2", "y=1", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["passed"] is False
    assert [f["verdict"] for f in said["findings"]] == ["wrong", "ok"]
    assert said["bad_gates"][0]["gate"] == "cubed"


def test_a_kink_is_named_in_words_and_is_no_mistake(capsys):
    assert answer(["check", "relu(x) + y", "x=0", "y=1"]) == 0
    out = capsys.readouterr().out
    assert "a kink: relu switches here" in out
    assert out.endswith("1 gradient at a kink, where no gradient exists.\n")


def test_what_could_not_be_measured_is_said_with_its_reason(capsys):
    assert answer(["check", "sqrt(x) + y", "x=0", "y=1"]) == 1
    out = capsys.readouterr().out
    assert "unsure: the pull is inf" in out
    assert out.endswith(
        "\ninconclusive: the slope at x could not be measured; "
        "1 gradient agrees, the largest error is 0.0e+00.\n"
    )


def test_where_nothing_could_be_measured_the_answer_is_not_yes(capsys):
    assert answer(["check", "sqrt(x)", "x=0"]) == 1
    out = capsys.readouterr().out
    assert out.endswith("\ninconclusive: the slope at x could not be measured.\n")
    assert answer(["check", "sqrt(x)", "x=0", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["unsure"] == ["x"]


def test_a_step_is_a_kink_in_the_row_and_in_the_last_line(capsys):
    assert answer(["check", "floor(x)*x", "x=2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "x\t2\t2\t0.0e+00\ta kink: floor switches here"
    assert lines[-1] == "all right: 1 gradient at a kink, where no gradient exists."


def test_the_tolerance_is_the_persons(wrong):
    assert answer(["check", wrong, "x=2", "y=1", "--tolerance", "0.5"]) == 0


def test_every_number_of_an_array_is_checked(capsys):
    assert answer(["check", "sum(w * x)", "w=1,2", "x=3,4"]) == 0
    found = [line.split("\t")[:2] for line in capsys.readouterr().out.splitlines()[1:5]]
    assert found == [["w[0]", "3"], ["w[1]", "4"], ["x[0]", "1"], ["x[1]", "2"]]


# hello


def test_hello_shows_the_guides_numbers_and_code_in_one_screen(capsys):
    assert answer(["hello"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
    assert "y ──────┤   │       │ × ├────── f       dq = z * df" in lines
    assert any(line.startswith("checked numerically: all 3 gradients are right") for line in lines)


def test_hello_fits_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    answer(["hello"])
    assert "        dq = z * df" not in capsys.readouterr().out


@pytest.mark.slow
def test_what_hello_says_to_try_next_works(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer(["hello", "--json"])
    show, train = (shlex.split(line)[1:] for line in json.loads(capsys.readouterr().out)["next"])
    assert answer(show) == 0
    assert answer([*train, "--epochs", "1"]) == 0


def test_hello_in_json(capsys):
    answer(["hello", "--json"])
    said = json.loads(capsys.readouterr().out)
    pulls = {wire["name"]: wire["pull"] for wire in said["wires"]}
    assert pulls == {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1}
    assert said["worst"] < 1e-12
    assert "dq = z * df" in said["source"]
