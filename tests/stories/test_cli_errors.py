"""What a person reads when something cannot be done: one screen, no traceback, an exit code that says who."""

import json
import sys
import types

import pytest

from pullback.cli import answer
from pullback.cli.app import COMMANDS, Command
from pullback.errors import NotFiniteError, RunError


@pytest.fixture
def refused(capsys):
    """What stderr says when a command line is answered with 2 and nothing on stdout."""

    def of(*words):
        assert answer(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return of


@pytest.fixture
def failing(monkeypatch):
    """The exit code of a command that raises this error."""

    def of(error, *words):
        def command() -> int:
            raise error

        module = types.ModuleType("pullback.cli.failing")
        module.failing = command
        monkeypatch.setitem(sys.modules, "pullback.cli.failing", module)
        monkeypatch.setitem(COMMANDS, "failing", Command("a test", "Fail."))
        return answer(["failing", *words])

    return of


def test_an_expression_that_cannot_be_read_is_shown_with_its_place(refused):
    assert refused("show", "(x+y)*sigm(z)").splitlines() == [
        "error[PB300]: there is no gate called 'sigm'.",
        "    (x+y)*sigm(z)",
        "          ^",
        "  did you mean 'sigmoid'?",
    ]


def test_a_misspelled_command_is_recognised(refused):
    assert refused("chek", "x*y") == (
        "error[PB200]: unknown command 'chek'.\n  Try: pullback check\n"
    )


def test_a_circuit_without_a_command_is_recognised(refused):
    assert refused("(x+y)*z", "x=1").endswith("  Try: pullback show '(x+y)*z'\n")


def test_missing_values_are_all_named(refused):
    assert refused("run", "(x+y)*z", "y=1") == (
        "error[PB100]: no value for x and z.\n  Try: x=1 z=1\n"
    )


def test_an_unknown_input_is_recognised(refused):
    said = refused("run", "weight * x", "weigth=1", "x=2")
    assert said == "error[PB200]: f has no input 'weigth'.\n  did you mean 'weight'?\n"


def test_a_misspelled_option_is_recognised(refused):
    assert "Did you mean --force?" in refused("run", "x*y", "x=1", "y=1", "--frce", "2")


def test_options_have_no_opposites_that_no_page_mentions(refused):
    assert "--no-json" in refused("run", "x*y", "x=1", "y=1", "--no-json")


def test_an_option_before_the_circuit_is_not_taken_for_an_expression(refused):
    assert refused("run", "--frce", "x*y", "x=1").startswith("error[PB800]: there is no option")


def test_an_error_in_json_is_on_stderr(refused):
    error = json.loads(refused("run", "x*", "x=1", "--json"))["error"]
    assert error["code"] == "PB300"
    assert error["where"] == ["x*", " ^"]


def test_escape_codes_in_what_was_typed_reach_no_terminal(refused):
    assert "\x1b" not in refused("\x1b[31mred")
    assert "\x1b" not in refused("run", "x\x1b[31m", "x=1")
    assert "\x1b" not in refused("run", "x", "x\x1b[31m=1")


@pytest.mark.parametrize(
    "words",
    [
        ["show", "x+" * 500_000 + "x"],
        ["run", "(" * 100_000 + "x" + ")" * 100_000, "x=1"],
        ["run", "x" * 1_000_000, "x=1"],
        ["run", "x", "x=" + "9" * 1_000_000],
        ["run", "x", "x=" + "[" * 100_000],
        ["run", "__import__('os')", "x=1"],
        ["run", "x.__class__", "x=1"],
        ["run", "ｘ * 2", "x=1"],
        ["run", "x * 2", "ｘ=1"],
        ["run", "x * 2", "x=１"],
        ["run", "x\0", "x=1"],
        ["run", "\udcff", "x=1"],
        ["run", "x", "x=\udcff"],
        ["run", "\0.py:f", "x=1"],
        ["run", "", "x=1"],
        ["run", "3 * 4"],
        ["\udcff"],
        [""],
    ],
    ids=lambda words: " ".join(words)[:20].encode("ascii", "backslashreplace").decode(),
)
def test_hostile_words_are_refused_in_a_few_lines(words, refused):
    said = refused(*words)
    assert said.startswith("error[PB")
    assert len(said) < 1000


def test_a_no_is_not_a_question_asked_wrongly(failing):
    assert failing(NotFiniteError("'h' is nan.")) == 1
    assert failing(RunError("the loss is nan.")) == 1


def test_a_mistake_of_ours_says_so_without_a_traceback(failing, capsys):
    assert failing(ZeroDivisionError("division by zero")) == 70
    assert capsys.readouterr().err == (
        "error: ZeroDivisionError: division by zero\n"
        "  This is a bug in pullback, not a mistake of yours. --debug shows the traceback.\n"
    )


def test_debug_shows_the_traceback(failing, capsys):
    assert failing(ZeroDivisionError("division by zero"), "--debug") == 70
    assert "Traceback (most recent call last):" in capsys.readouterr().err


def test_the_system_is_quoted_when_a_file_cannot_be_used(failing, capsys):
    assert failing(PermissionError(13, "Permission denied", "runs")) == 2
    assert capsys.readouterr().err == "error: Permission denied: 'runs'.\n"


def test_ctrl_c_is_quiet(failing, capsys):
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")
