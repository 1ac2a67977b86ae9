"""The command as the system starts it: pipes, terminals, colours, and what is not imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pullback

SOURCE = str(Path(pullback.__file__).parents[1])
START = [
    sys.executable,
    "-c",
    "import pullback.cli as cli, sys; sys.argv[0] = 'pullback'; cli.main()",
]
HEAVY = "numpy", "cyclopts", "rich", "msgspec", "inspect"


def environment(**more):
    # Unbuffered, nothing is left to be flushed while Python ends, and that is where it would complain.
    unset = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONUNBUFFERED"}
    bare = {k: v for k, v in os.environ.items() if k not in unset}
    return {**bare, "PYTHONPATH": SOURCE, **more}


def started(*words, **options):
    return subprocess.run(
        [*START, *words], env=environment(), capture_output=True, text=True, check=False, **options
    )


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"]], ids=str)
def test_the_front_page_imports_nothing_heavy(words):
    code = (
        f"import sys; from pullback.cli import answer; assert answer({words}) == 0; "
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_pullback_imports_nothing_heavy():
    code = f"import sys, pullback; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_the_exit_code_is_the_answer():
    assert started("--version").returncode == 0
    assert started("run", "log(x)", "x=-1", "--checked").returncode == 1
    assert started("no-such-command").returncode == 2


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error():
    with subprocess.Popen(
        [*START, "run", "+".join(["x"] * 5000), "x=1"],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_reader_that_was_never_there_is_no_error():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*START, "show", "x*y", "x=1", "y=2"],
        env=environment(), stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_stdout_may_be_closed():
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *START, "show", "x*y", "x=1", "y=2"],
        env=environment(), stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


pty = pytest.importorskip("pty", reason="no terminals to pretend on this system")


def seen(*words, **more):
    """What a terminal of 80 columns is sent, stdout and stderr together."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*START, *words], env=environment(COLUMNS="80", **more), stdout=child, stderr=child
    )
    os.close(child)
    text = b""
    try:
        while piece := os.read(parent, 4096):
            text += piece
    except OSError:  # Linux says so when the other side has been closed
        pass
    process.wait()
    os.close(parent)
    return text.decode()


def test_a_terminal_gets_colours_and_aligned_columns():
    said = seen("run", "x*y", "x=1", "y=2", TERM="xterm-256color", COLORTERM="truecolor")
    assert "\x1b[38;2;47;127;214m    1\x1b[0m" in said  # the value, blue
    assert "\x1b[38;2;217;72;15m   2\x1b[0m" in said  # the pull, vermilion
    assert "\t" not in said


@pytest.mark.slow
def test_no_color_takes_the_colours_and_a_dumb_terminal_gets_no_escape_codes_at_all():
    assert "\x1b[38" in seen("show", "x*y", "x=1", "y=2", TERM="xterm-256color")
    assert "\x1b[38" not in seen("show", "x*y", "x=1", "y=2", TERM="xterm-256color", NO_COLOR="1")
    assert "\x1b" not in seen("show", "x*y", "x=1", "y=2", TERM="dumb")


def test_an_error_is_red_on_a_terminal():
    assert "\x1b[1;31merror[PB200]:\x1b[0m" in seen("chek", TERM="xterm-256color")


@pytest.mark.slow
def test_a_pipe_gets_no_escape_codes():
    assert "\x1b" not in started("show", "x*y", "x=1", "y=2").stdout
    assert "\x1b" not in started("hello").stdout
