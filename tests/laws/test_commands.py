"""What every command owes a person and a program: a page, examples that run, JSON, exit codes."""

import inspect
import json
import os
import re
import shlex

import pytest

from pullback.cli import answer
from pullback.cli.app import COMMANDS, command
from pullback.cli.front import front_page
from pullback.cli.manual import described, manual_page
from pullback.data.digits import PIXELS, digits

ESCAPE = "\x1b"
every_command = pytest.mark.parametrize("name", COMMANDS)


def examples(name):
    """The words of each `$ pullback ...` line of a command's page, without `pullback`."""
    page = manual_page(name, command(name))
    return [shlex.split(line)[1:] for line in re.findall(r"^ *\$ (.*)$", page, re.MULTILINE)]


EXAMPLES = [(name, words) for name in COMMANDS for words in examples(name)]
every_example = pytest.mark.parametrize(
    "words", [words for _, words in EXAMPLES], ids=[" ".join(words) for _, words in EXAMPLES]
)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder as examples find it: one training was done there, and there is a table to ask about."""
    folder, before = tmp_path_factory.mktemp("workplace"), os.getcwd()
    rows = [",".join(PIXELS), *(",".join(map(str, row)) for row in digits().X[:3])]
    (folder / "digits.csv").write_text("\n".join(rows) + "\n")
    os.chdir(folder)
    assert answer(["train", "digits", "--hidden", "4", "--epochs", "1"]) == 0
    yield folder
    os.chdir(before)


@pytest.fixture
def here(workplace, capsys):
    """Stand in the workplace, with nothing printed yet."""
    capsys.readouterr()
    return capsys


@every_command
def test_the_front_page_says_what_the_page_of_the_command_says(name):
    summary = COMMANDS[name].summary.removesuffix(".")
    assert inspect.getdoc(command(name)).startswith(summary)
    assert (summary in front_page(COMMANDS)) == bool(COMMANDS[name].group)


@every_command
def test_a_page_explains_every_parameter(name):
    assert [p for p, text in described(command(name)).items() if not text] == []


@every_command
def test_an_empty_default_is_not_spoken_of(name):
    assert "(default )" not in " ".join(manual_page(name, command(name)).split())


@every_command
def test_a_page_has_an_example_and_fits_80_columns(name):
    assert [words for words in examples(name) if words[0] != name] == []
    assert examples(name) != []
    assert max(map(len, manual_page(name, command(name)).splitlines())) <= 80


@every_command
@pytest.mark.parametrize("way", [["{}", "--help"], ["help", "{}"], ["{}", "-h"]], ids=" ".join)
def test_help_prints_the_page(name, way, capsys):
    assert answer([word.format(name) for word in way]) == 0
    assert capsys.readouterr().out == manual_page(name, command(name)) + "\n"


@every_example
def test_an_example_runs(words, here):
    assert answer(words) == 0
    said = here.readouterr()
    assert said.out.strip()
    assert ESCAPE not in said.out + said.err


@every_example
def test_an_example_answers_in_one_json_document(words, here):
    assert answer([*words, "--json"]) == 0
    said = json.loads(here.readouterr().out, parse_constant=pytest.fail)
    assert isinstance(said, dict)


@every_command
def test_every_command_takes_json(name):
    assert inspect.signature(command(name)).parameters["json"].default is False


@every_example
def test_an_unknown_option_is_asked_wrongly(words, here):
    assert answer([*words, "--no-such-option"]) == 2
    said = here.readouterr()
    assert said.out == ""
    assert said.err.startswith("error[PB800]: ")
    assert "--no-such-option" in said.err


@every_example
def test_with_json_an_error_is_json_on_stderr(words, here):
    assert answer([*words, "--no-such-option", "--json"]) == 2
    said = here.readouterr()
    assert said.out == ""
    assert json.loads(said.err)["error"]["code"] == "PB800"


def test_the_front_page_fits_a_terminal():
    lines = front_page(COMMANDS).splitlines()
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80
