"""The place in the person's own code where a gate was used: file, line, and the variable it stores into.

`q = x + y` names its wire `q` because the instruction after the `+` is `STORE_FAST q`. Reading the
compiled code costs nothing while a circuit is traced (one dictionary look-up a gate) and sees loops
and reassignments, which looking at local variables afterwards does not.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pullback.core.names import check_name, is_safe


class Site(NamedTuple):
    """One place in the person's code."""

    file: str
    line: int
    name: str  # the variable stored into, or ""

    def __str__(self) -> str:
        return f"{self.file.rsplit('/', 1)[-1]}:{self.line}"


NOWHERE = Site("", 0, "")
SCOPE: ContextVar[tuple[str, ...]] = ContextVar("scope", default=())
_OURS = ("pullback.core.", "pullback.gates.")
_TABLES: WeakKeyDictionary[CodeType, dict[int, tuple[int, str]]] = WeakKeyDictionary()


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Everything recorded inside belongs to the group `name`; scopes nest. Pictures fold by it.

    >>> with scope("layer1"):
    ...     pass
    """
    token = SCOPE.set((*SCOPE.get(), check_name(name)))
    try:
        yield
    finally:
        SCOPE.reset(token)


def unnamed(*values: Any) -> AbstractContextManager[None]:
    """Rows recorded inside are steps to what the line stores: none has its name. values: wires or not."""
    builder = next((x.builder for x in values if hasattr(x, "builder")), None)
    return builder.unnamed() if builder else nullcontext()


def caller() -> FrameType | None:
    """The nearest frame outside `core` and `gates`: the code that used a gate."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return frame


def site_of(code: CodeType, offset: int) -> Site:
    """The site of the instruction at `offset` of `code`."""
    table = _TABLES.get(code)
    if table is None:
        table = _TABLES[code] = _read(code)
    while offset > 0 and offset not in table:
        offset -= 2  # CPython 3.12 may point behind an instruction, into what it remembers of it
    line, name = table.get(offset, (code.co_firstlineno, ""))
    return Site(code.co_filename, line, name)


def _read(code: CodeType) -> dict[int, tuple[int, str]]:
    lines = {start: line for start, _, line in _ranges(code)}
    table: dict[int, tuple[int, str]] = {}
    line, before = code.co_firstlineno, -1
    for instruction in dis.get_instructions(code):
        line = lines.get(instruction.offset, line)
        table[instruction.offset] = (line, "")
        if before >= 0 and instruction.opname.startswith("STORE_"):
            table[before] = (table[before][0], _stored(instruction.opname, instruction.argval))
        before = instruction.offset
    return table


def _ranges(code: CodeType) -> list[tuple[int, int, int]]:
    return [(start, stop, line) for start, stop, line in code.co_lines() if line is not None]


def _stored(opname: str, argument: object) -> str:
    if opname in ("STORE_SUBSCR", "STORE_ATTR", "STORE_SLICE"):
        return ""
    name = argument[0] if isinstance(argument, tuple) else argument  # 3.13 fuses two instructions
    return str(name) if is_safe(name) else ""
