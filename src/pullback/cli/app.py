"""The `pullback` command: finds and calls the subcommand, turns errors into exit codes."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from pullback import __version__
from pullback.errors import OptionError, PullbackError, UnknownName

STOPPED, PIPE_CLOSED = 130, 141  # what a shell reports for Ctrl-C and for a reader that has gone


class Command(NamedTuple):
    """A command as the front page shows it: what it works on, and one line about it.

    group: "" for one that the front page leaves out.
    """

    group: str
    summary: str


# The front page shows these without importing them; a law compares each line with its docstring.
COMMANDS = {
    "show": Command("a circuit", "Draw a circuit: value and gradient on every wire."),
    "run": Command("a circuit", "Print the value and the gradient of every wire."),
    "check": Command("a circuit", "Compare every gradient with a numerical one."),
    "backward": Command("a circuit", "Write the backward pass as code, and verify it."),
    "explain": Command("a circuit", "Explain where the gradient of a wire comes from."),
    "nudge": Command("a circuit", "Move the inputs a little so that the output goes up."),
    "mark": Command("a circuit", "Grade hand-written derivatives; name each mistake."),
    "worksheet": Command("a circuit", "Write worksheets to print, with solutions."),
    "train": Command("data", "Train a net on a data set or a table."),
    "predict": Command("data", "Predict the class or number of each row."),
    "evaluate": Command("data", "Evaluate a run on labelled rows."),
    "rerun": Command("data", "Train a run again and compare the two, bit by bit."),
    "runs": Command("data", "List the trainings so far, newest first."),
    "bench": Command("speed", "Time the same work beside other libraries."),
    "hello": Command("new here?", "A first look at two gates."),
    "guide": Command("new here?", "Check the numbers of Karpathy's guide."),
    "completion": Command(
        "", "Print a script that completes commands, options, data sets and runs"
    ),
}


def main() -> NoReturn:
    """The entry point: answer the command line, exit with the answer."""
    sys.exit(answer(sys.argv[1:]))


def answer(arguments: Sequence[str]) -> int:
    """Do what the arguments say. 0: success, 1: a check failed, 2: usage error, 70: a fault of pullback."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    try:
        code = _dispatch(words)
        if sys.stdout is not None:
            sys.stdout.flush()  # a reader that has gone is noticed here, not while Python ends
        return code
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return STOPPED
    except Exception as error:  # noqa: BLE001 - the last stop: no traceback unless asked for
        from pullback.cli.errors import report

        return report(error, as_json="--json" in words, debug=debug)


def command(name: str) -> Callable[..., int]:
    """The function behind a command: `show` of `pullback.cli.show`, imported now."""
    function: Callable[..., int] = getattr(importlib.import_module(f"pullback.cli.{name}"), name)
    return function


def _dispatch(words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if not words or words[0] in ("--help", "-h"):
        from pullback.cli.front import front_page

        return _say(front_page(COMMANDS))
    if words[0] == "--version":
        return _say(f"pullback {__version__}")
    if words[0] == "--complete":  # asked by the scripts of `pullback completion`
        from pullback.cli.completion import candidates

        return _say("\n".join(candidates(words[1:])))
    name, rest = words[0], words[1:]
    if name not in COMMANDS:
        raise _unknown(name)
    function = command(name)
    if "--help" in rest or rest == ["-h"]:
        from pullback.cli.manual import manual_page

        return _say(manual_page(name, function))
    return _call(name, function, rest)


def _call(name: str, function: Callable[..., int], rest: list[str]) -> int:
    """Cyclopts reads the words by the function's signature; what it refuses becomes our error."""
    from cyclopts import App, CycloptsError, Parameter

    app = App(
        name=name,
        default_command=function,
        default_parameter=Parameter(negative=()),
        help_flags=[],
        version_flags=[],
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    try:
        return int(app(rest, exit_on_error=False, print_error=False))
    except CycloptsError as error:
        said = " ".join(str(error).split())
        raise OptionError(f"{name}: {said}", fix=f"pullback {name} --help") from error


def _unknown(name: str) -> PullbackError:
    shown = name if len(name) <= 40 else f"{name[:40]}..."
    near = difflib.get_close_matches(name[:40], COMMANDS, n=1)
    if near:
        return UnknownName(f"unknown command {shown!r}.", fix=f"pullback {near[0]}")
    if name.startswith("--"):
        return OptionError(f"{shown!r} is an option; a command comes first.", fix="pullback --help")
    if re.fullmatch(r"[\w-]+", name):
        return UnknownName(f"unknown command {shown!r}.", fix="pullback --help")
    fix = f"pullback show {shlex.quote(name)}" if len(name) <= 40 else "pullback show CIRCUIT"
    return UnknownName(f"{shown!r} is not a command; a circuit comes after one.", fix=fix)


def _say(text: str) -> int:
    print(text)
    return 0


def _forget_stdout() -> None:
    """Python would complain once more about the closed pipe while it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        return
