"""The front page: all commands, drawn as the branches of what they work on."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from itertools import groupby
from typing import Protocol

_TREE = ("──┬──", "  ├──", "  ╰──", "─────")
_ASCII_TREE = ("--+--", "  |--", "  '--", "-----")


class Listed(Protocol):
    """A command as the front page sees it."""

    @property
    def group(self) -> str: ...
    @property
    def summary(self) -> str: ...


def front_page(commands: Mapping[str, Listed]) -> str:
    """Everything `pullback` alone has to say, in at most 24 lines of 80 characters."""
    lines = ["pullback: neural networks you can see through.", ""]
    for group, some in groupby(commands, lambda name: commands[name].group):
        if group:
            lines += _branches(group, [(n, commands[n].summary) for n in some])
    return "\n".join([*lines, "", *_NOTES])


def _branches(group: str, commands: list[tuple[str, str]]) -> list[str]:
    """One line a command: the first and the last branch are drawn differently."""
    only, last = len(commands) == 1, len(commands) - 1
    first, middle, end, alone = _tree()
    lines = []
    for place, (name, summary) in enumerate(commands):
        branch = alone if only else first if place == 0 else end if place == last else middle
        lines.append(f"{group if place == 0 else '':>11} {branch} {name:<9} {summary}")
    return lines


def _tree() -> tuple[str, ...]:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "".join(_TREE).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _ASCII_TREE
    return _TREE


_NOTES = """\
A circuit is an expression or file.py:name, followed by a value for each input:
  $ pullback show "(x+y)*z" x=-2 y=5 z=-4         more: pullback show --help
--json for programs, --debug for tracebacks.
Exit codes: 0 success, 1 check failed, 2 usage error.""".splitlines()
