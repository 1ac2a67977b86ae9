"""All errors: what happened, where, why it matters, and the fix, on one screen.

    PullbackError
    |- CircuitError      (ValueError)       a circuit is put together wrongly
    |  |- ShapeError                        shapes do not fit
    |  `- DtypeError     (also TypeError)   a kind of number that does not fit
    |- RangeError        (IndexError)       an index points outside its array
    |- UnknownName       (LookupError)      no such wire, gate, column, run or data set
    |  `- UnknownAttribute (AttributeError) no such attribute; says what to write
    |- ExpressionError   (ValueError)       a typed expression cannot be parsed; has the position
    |- GateError         (TypeError)        a gate is declared or called wrongly
    |- FaceError         (LookupError)      a gate has no code in some language
    |- NotFiniteError    (ArithmeticError)  a checked run met a NaN or an infinity
    |- FileError         (ValueError)       a model file is damaged, foreign or hostile
    |- DataError         (ValueError)       a table cannot be used; has line and column
    |- OptionError       (ValueError)       an option lies outside its range
    |- RunError          (RuntimeError)     training cannot go on
    `- MissingExtra      (ImportError)      an optional library is not installed

Each class is also the builtin a caller would catch. The first line alone must suffice; the lines
below it say where, why and what to try.
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable, Sequence
from typing import Any


class PullbackError(Exception):
    """The root: `except PullbackError` catches everything this library raises on purpose.

    >>> print(PullbackError("cannot add 'x' and 'y'", where=["x  (2,)", "y  (3,)"], fix="y[:2]"))
    cannot add 'x' and 'y'
      x  (2,)
      y  (3,)
      Try: y[:2]
    """

    code = "PB000"

    def __init__(
        self, what: str, *, where: Sequence[str] = (), why: str = "", fix: str = ""
    ) -> None:
        super().__init__(what)
        self.what, self.where, self.why, self.fix = what, tuple(where), why, fix

    def __str__(self) -> str:
        lines = [self.what, *(f"  {line}" for line in self.where)]
        if self.why:
            lines.append(f"  {self.why}")
        if self.fix:
            lines.append(f"  Try: {self.fix}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again without `__init__`, whose arguments differ: a worker's error arrives whole."""
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class CircuitError(PullbackError, ValueError):
    """A circuit is put together wrongly: a Python `if` on a wire, a wire of another circuit."""

    code = "PB100"


class ShapeError(CircuitError):
    """Shapes do not fit each other or a gate's signature."""

    code = "PB101"


class DtypeError(CircuitError, TypeError):
    """A kind of number that a gate or circuit does not take."""

    code = "PB102"


class RangeError(PullbackError, IndexError):
    """An index points outside its array."""

    code = "PB103"


class UnknownName(PullbackError, LookupError):
    """No such wire, gate, column, run or data set; says what is near it."""

    code = "PB200"


class UnknownAttribute(UnknownName, AttributeError):
    """No such attribute of a wire, a Unit or the package; says what to write instead."""

    code = "PB201"


class ExpressionError(PullbackError, ValueError):
    """A typed expression cannot be read. `position` counts characters from 0."""

    code = "PB300"

    def __init__(
        self, what: str, *, text: str, position: int, why: str = "", fix: str = ""
    ) -> None:
        self.text, self.position = text, position
        super().__init__(what, where=point_at(text, position), why=why, fix=fix)


class GateError(PullbackError, TypeError):
    """A gate is declared or called wrongly."""

    code = "PB400"


class FaceError(PullbackError, LookupError):
    """A gate has no spelling in the asked language; names the line to add."""

    code = "PB401"


class NotFiniteError(PullbackError, ArithmeticError):
    """A checked run met a NaN or an infinity; names the first wire."""

    code = "PB500"


class FileError(PullbackError, ValueError):
    """A model file is damaged, foreign or hostile. Loading raises nothing else for bad bytes."""

    code = "PB600"


class DataError(PullbackError, ValueError):
    """A table or data file cannot be used as asked; names line and column."""

    code = "PB700"


class OptionError(PullbackError, ValueError):
    """An option lies outside its range."""

    code = "PB800"


class RunError(PullbackError, RuntimeError):
    """Training cannot go on: a diverged loss, a run folder that cannot be used."""

    code = "PB900"


class MissingExtra(PullbackError, ImportError):
    """An optional library is not installed, or cannot be loaded; names the extra to install."""

    code = "PB950"


def point_at(text: str, position: int, width: int = 72) -> list[str]:
    """Two lines: the piece of `text` around `position`, and a caret below it. Long text is cut."""
    before = text.rfind("\n", 0, position) + 1
    after = text.find("\n", position)
    line = text[before : len(text) if after < 0 else after]
    column = position - before
    start = max(0, column - width // 2)
    piece = line[start : start + width]
    return ["".join(c if c.isprintable() else "?" for c in piece), " " * (column - start) + "^"]


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """The nearest known name as a hint; an empty string for none, or for what is no name at all.

    >>> did_you_mean("sigmiod", ["sigmoid", "tanh"])
    "did you mean 'sigmoid'?"
    """
    if not isinstance(name, str):
        return ""
    near = difflib.get_close_matches(name[:80], list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
