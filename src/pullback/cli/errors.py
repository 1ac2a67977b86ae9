"""An error as a person at a terminal reads it: one screen on stderr, no traceback unless asked for."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterator

from pullback.cli.printing import Run, tell
from pullback.errors import NotFiniteError, PullbackError, RunError

NO, ASKED_WRONGLY, OUR_MISTAKE = 1, 2, 70
LONGEST = 2_000  # characters of one line: a name typed by a machine must not fill the screen


def report(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Say what went wrong on stderr; the exit code."""
    if debug:
        traceback.print_exception(error)
    if as_json:
        print(json.dumps({"error": _fields(error)}), file=sys.stderr)
    else:
        tell(*_rows(error, debug))
    if isinstance(error, NotFiniteError | RunError):
        return NO
    return ASKED_WRONGLY if isinstance(error, PullbackError | OSError) else OUR_MISTAKE


def _fields(error: Exception) -> dict[str, object]:
    if not isinstance(error, PullbackError):
        return {"code": "", "what": _first_line(error), "where": [], "why": "", "fix": ""}
    return {
        "code": error.code,
        "what": error.what,
        "where": list(error.where),
        "why": error.why,
        "fix": error.fix,
    }


def _rows(error: Exception, debug: bool) -> Iterator[str | list[Run]]:
    code = f"[{error.code}]" if isinstance(error, PullbackError) else ""
    yield [("error", f"error{code}:"), ("", f" {_clean(_first_line(error))}")]
    if isinstance(error, PullbackError):
        yield from (f"    {_clean(line)}" for line in error.where if line.strip())
        if error.why:
            yield f"  {_clean(error.why)}"
        if error.fix:
            yield f"  Try: {_clean(error.fix)}"
    elif not isinstance(error, OSError) and not debug:
        yield "  This is a bug in pullback, not a mistake of yours. --debug shows the traceback."


def _first_line(error: Exception) -> str:
    if isinstance(error, PullbackError):
        return error.what
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        return f"{what}: '{error.filename}'." if error.filename else f"{what}."
    said = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}: {said}" if said else f"{type(error).__name__}."


def _clean(line: str) -> str:
    """No escape codes and no line breaks of somebody else's, and an end."""
    shown = "".join(c if c.isprintable() else "?" for c in line[:LONGEST])
    return f"{shown} ..." if len(line) > LONGEST else shown
