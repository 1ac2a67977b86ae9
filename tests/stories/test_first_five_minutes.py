"""The first page of the guide, typed into a terminal: what a newcomer sees is what the page shows."""

import doctest
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guide/first-five-minutes.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^```console\n\$ pullback (.*)\n((?:.*\n)*?)^```$", PAGE, re.MULTILINE)
START = "import sys, pullback.cli as cli; sys.argv[0] = 'pullback'; cli.main()"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def in_a_terminal(words, **environment):
    """The exit code and everything that one command writes to a terminal of 80 columns."""
    child, terminal = pty.fork()
    if child == 0:
        plain = {"COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(ROOT / "src"), **environment}
        kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "CI")}
        os.execve(sys.executable, [sys.executable, "-c", START, *words], kept | plain)
    written = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux reports the end of a terminal so
            break
        if not piece:
            break
        written += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), written.decode().replace(
        "\r\n", "\n"
    )


@pytest.mark.parametrize(("command", "shown"), TYPED, ids=[c for c, _ in TYPED])
def test_a_newcomer_sees_what_the_page_shows(command, shown):
    code, written = in_a_terminal(shlex.split(command), TERM="dumb", NO_COLOR="1")
    assert code == 0
    assert "\x1b" not in written
    assert doctest.OutputChecker().check_output(shown, written, FLAGS), written


@pytest.mark.parametrize(("command", "shown"), TYPED, ids=[c for c, _ in TYPED])
def test_in_colours_it_says_the_same_within_80_columns(command, shown):
    code, written = in_a_terminal(shlex.split(command), TERM="xterm-256color")
    bare = COLOUR.sub("", written)
    assert code == 0
    assert doctest.OutputChecker().check_output(shown, bare, FLAGS), bare
    assert max(map(len, bare.splitlines())) <= 80


def test_the_page_has_five_commands():
    assert len(TYPED) == 5
