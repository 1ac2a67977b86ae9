"""`pullback show`: what a person sees of a circuit, checked against pictures drawn by hand."""

import io
import json
import sys
import textwrap

import pytest

from pullback.cli import answer


@pytest.fixture
def shown(capsys):
    def of(*words):
        assert answer(["show", *words]) == 0
        return capsys.readouterr().out

    return of


def drawing(text):
    """A picture in a test, without the indentation of the test."""
    return textwrap.dedent(text).strip("\n") + "\n"


def test_the_guides_first_circuit(shown):
    assert shown("(x+y)*z", "x=-2", "y=5", "z=-4") == drawing("""
            -2  ┌───┐
        x ──────┤   │  3   ┌───┐
            -4  │ + ├──────┤   │
            5   │   │  -4  │   │ -12
        y ──────┤   │      │ × ├────── f
            -4  └───┘      │   │  1
                       -4  │   │
                   z ──────┤   │
                       3   └───┘
    """)


def test_a_fork_shows_the_share_of_each_branch_and_their_sum(shown):
    assert shown("x*x", "x=3") == drawing("""
            3        ┌───┐
        x ──────●────┤   │  9
            6   │  3 │ × ├────── f
                │    │   │  1
                ╰────┤   │
                   3 └───┘
    """)


def test_named_wires_in_plain_ascii(shown):
    assert shown("q = a*b; f = tanh(q)", "a=2", "b=0", "--ascii") == drawing("""
            2   +---+
        a ~~~~~~|   | q = 0 +------+  0
            0   | * |-------| tanh |------ f
            0   |   |   1   +------+  1
        b ------|   |
            2   +---+
    """)


def test_branches_cross_other_wires_and_touch_none(shown):
    assert shown("x*y + y*x", "x=2", "y=3") == drawing("""
            2          ┌───┐
        x ──────●──────┤   │  6   ┌───┐
            6   │    3 │ × ├──────┤   │
            3   │      │   │  1   │   │
        y ──────┼─●────┤   │      │   │  12
            4   │ │  2 └───┘      │ + ├────── f
                │ │    ┌───┐      │   │  1
                │ ╰────┤   │  6   │   │
                │    2 │ × ├──────┤   │
                │      │   │  1   └───┘
                ╰──────┤   │
                     3 └───┘
    """)


def test_a_wire_that_nothing_pulls_is_dashed(shown):
    assert shown("relu(x)", "x=-1") == drawing("""
            -1  ┌──────┐  0
        x ╌╌╌╌╌╌┤ relu ├────── f
            0   └──────┘  1
    """)


def test_without_values_only_the_gates_are_drawn(shown):
    assert shown("(x+y)*z") == drawing("""
                ┌───┐
        x ──────┤   │      ┌───┐
                │ + ├──────┤   │
                │   │      │   │
        y ──────┤   │      │ × ├────── f
                └───┘      │   │
                           │   │
                   z ──────┤   │
                           └───┘
    """)


def test_the_force_scales_every_pull_and_no_value(shown):
    assert shown("x*y", "x=2", "y=3", "--force", "-2") == drawing("""
            2   ┌───┐
        x ──────┤   │  6
            -6  │ × ├────── f
            3   │   │  -2
        y ──────┤   │
            -4  └───┘
    """)


def test_an_unused_input_is_drawn_and_said_to_be_unused(tmp_path, shown):
    (tmp_path / "net.py").write_text("def f(x, idle):\n    return -x\n")
    assert shown(f"{tmp_path / 'net.py'}:f", "x=1", "idle=7").splitlines()[-2:] == [
        "       7",
        "idle ╌╌╌╌╌╌ unused",
    ]


def test_more_than_twelve_gates_become_a_table(capsys):
    assert answer(["show", "+".join(["x"] * 14), "x=1"]) == 0
    said = capsys.readouterr()
    assert said.err == "The picture would be more than 12 gates: here is a table instead.\n"
    assert said.out.splitlines()[0].split("\t") == ["wire", "gate", "value", "grad"]
    assert said.out.splitlines()[-1].split("\t") == ["f", "t12 + x", "14", "1"]


def test_twelve_gates_are_still_drawn(shown):
    assert shown("+".join(["x"] * 13), "x=1").count("+") == 12


def test_a_picture_wider_than_the_terminal_becomes_a_table(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    assert answer(["show", "(x+y)*z", "x=1", "y=1", "z=1"]) == 0
    said = capsys.readouterr()
    assert "32 columns wide" in said.err
    assert said.out.splitlines()[-1] == "f\tt1 * z\t2\t1"


def test_a_terminal_without_box_characters_gets_ascii(monkeypatch):
    paper = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", paper)
    assert answer(["show", "x*y", "x=1", "y=2"]) == 0
    assert b"| * |------ f" in paper.buffer.getvalue()


def test_json_has_the_wires_and_the_picture(shown):
    said = json.loads(shown("-x", "x=2", "--json"))
    assert said["wires"][1] == {"name": "f", "made": "-x", "value": -2, "pull": 1, "line": ""}
    assert said["picture"][1] == "x ──────┤ - ├────── f"


def test_arrays_are_drawn_by_their_numbers_or_their_shape(shown):
    assert "[2 4]" in shown("sum(w * x)", "w=1,2", "x=2")
    assert "(4) 2..8" in shown("sum(w * x)", "w=1,2,3,4", "x=2")
