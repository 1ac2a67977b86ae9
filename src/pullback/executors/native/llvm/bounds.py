"""A build for testing: each load and store of an array is checked against its bounds.

PULLBACK_BOUNDS=check asks for it, slower by some times. An access from outside goes to a place of its
own instead, nothing is damaged, and the run ends with an error.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

from pullback.errors import OptionError, PullbackError
from pullback.executors.native.llvm.code import SIZES, Code
from pullback.executors.native.llvm.jit import Library

WIDEST = 64  # bytes that one instruction takes at most
OUTSIDE = f"""
@nowhere = internal global [{WIDEST} x i8] zeroinitializer, align {WIDEST}
@seen = internal global i64 0
define i64 @outside() nounwind {{
  %n = atomicrmw xchg ptr @seen, i64 0 monotonic
  ret i64 %n
}}"""


def asked() -> bool:
    """Whether arrays are to be compiled with checks."""
    said = os.environ.get("PULLBACK_BOUNDS", "")
    if said not in ("", "check"):
        fix = "PULLBACK_BOUNDS=check, or leave it unset for no checks"
        raise OptionError(f"PULLBACK_BOUNDS is {said!r:.60}; the only value is 'check'.", fix=fix)
    return bool(said)


def exports() -> list[str]:
    """What a checked build offers besides."""
    return ["outside"] if asked() else []


class Bounds:
    """How many bytes lie behind each pointer of a function, and which of them an address started from."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._starts: dict[str, str] = {}

    def known(self, pointer: str, size: int) -> None:
        """`size` bytes lie behind this pointer."""
        self._sizes[pointer] = size

    def moved(self, there: str, here: str) -> None:
        """The address `there` was counted from `here`."""
        if there != here:
            self._starts[there] = self._starts.get(here, here)

    def inside(self, code: Code, pointer: str, kind: str, lanes: int) -> str:
        """The address to use for so many numbers: the same, or nowhere if they lie outside."""
        start = self._starts.get(pointer, pointer)
        if start not in self._sizes:
            return pointer  # a slot of the function's own
        room = self._sizes[start] - SIZES[kind] * lanes
        a, b = (code.impure(f"ptrtoint ptr {p} to i64", "i64").text for p in (pointer, start))
        off = code.impure(f"sub i64 {a}, {b}", "i64").text
        good = code.impure(f"icmp ule i64 {off}, {room}" if room >= 0 else "or i1 0, 0", "i1")
        bad = code.impure(f"xor i1 {good.text}, true", "i1").text
        bit = code.impure(f"zext i1 {bad} to i64", "i64").text
        code.line(f"atomicrmw or ptr @seen, i64 {bit} monotonic")
        return code.impure(f"select i1 {good.text}, ptr {pointer}, ptr @nowhere", "i64").text


def checked(library: Library, run: Callable[..., Any]) -> Callable[..., Any]:
    """`run`, with an error after it if something lay outside."""
    if not asked():
        return run
    outside = library.function("outside", ctypes.c_int64)

    def ran(*places: Any) -> Any:
        said = run(*places)
        if outside():
            raise PullbackError(
                "generated code reaches outside of its arrays. Please report this.",
                why="it was compiled with PULLBACK_BOUNDS=check, which stopped it.",
            )
        return said

    return ran
