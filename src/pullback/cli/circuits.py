"""The circuit a person names: an expression, `file.py:name`, or `-` for an expression on stdin."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

from cyclopts import Parameter

import pullback as pb
from pullback.errors import (
    CircuitError,
    FileError,
    OptionError,
    PullbackError,
    UnknownName,
    did_you_mean,
)

# An expression may begin with a minus, which would otherwise look like an option.
CircuitText = Annotated[str, Parameter(allow_leading_hyphen=True)]
_IN_A_FILE = re.compile(r"(?P<path>.+\.py):(?P<name>[^\W\d]\w*)", re.ASCII)
_OPTION = re.compile(r"--[a-z][a-z-]*(=.*)?")
MAX_STDIN = 1_000_001  # one character more than the parser takes, so that it says so


def load(text: str) -> Any:
    """The circuit function that `text` means. Only `file.py:name` runs code: that file's own."""
    found = _IN_A_FILE.fullmatch(text)
    if found:
        return _from_file(found["path"], found["name"])
    if _OPTION.fullmatch(text):
        raise OptionError(
            f"there is no option {text[:40]!r}.", why="Options come after the circuit."
        )
    if text.endswith(".py"):
        raise OptionError(
            f"{text[:200]!r} needs the name of a circuit, as in file.py:name.",
            fix=f"{text[:200]}:f",
        )
    if text == "-":
        text = sys.stdin.read(MAX_STDIN)
    return pb.circuit(text)


def _from_file(path: str, name: str) -> Any:
    module = _imported(path)
    if not hasattr(module, name):
        callables = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
        raise UnknownName(f"{path} has no {name!r}.", why=did_you_mean(name, callables))
    found = getattr(module, name)
    if isinstance(found, pb.CircuitFunction):
        return pb.CircuitFunction(_blamed(found.function, path), found.roles, found.name)
    if not callable(found):
        raise OptionError(f"{name!r} in {path} is a {type(found).__name__}, not a function.")
    return pb.circuit(_blamed(found, path))


def _imported(path: str) -> ModuleType:
    """Run a person's own file, as `python file.py` would: its folder is where it imports from."""
    if not os.path.isfile(path):
        raise FileError(f"there is no file {path!r}.")
    spec = importlib.util.spec_from_file_location("the_circuit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    _blamed(spec.loader.exec_module, path)(module)
    return module


def _blamed(function: Callable[..., Any], path: str) -> Callable[..., Any]:
    """The same function; what it raises is told as its file's mistake, not as ours."""

    @functools.wraps(function)
    def called(*values: Any) -> Any:
        try:
            return function(*values)
        except PullbackError:
            raise
        except Exception as error:
            raise CircuitError(
                f"{path} raised {type(error).__name__}: {error}",
                where=[f"{os.path.basename(path)}:{_line(error, path)}"],
                why="--debug shows the whole traceback.",
            ) from error

    return called


def _line(error: BaseException, path: str) -> int:
    """The last line of that file on the way to the error."""
    line, step = getattr(error, "lineno", None) or 0, error.__traceback__
    while step is not None:
        if os.path.abspath(step.tb_frame.f_code.co_filename) == os.path.abspath(path):
            line = step.tb_lineno
        step = step.tb_next
    return line
