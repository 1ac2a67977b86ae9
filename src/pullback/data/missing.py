"""Which cells are missing: common words for it, and the words of the options."""

from __future__ import annotations

import re
from collections.abc import Collection

# Compared in lower case. Not "none" and "unknown": these are often levels of their own.
WORDS = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "?", "-", ".", "missing"})
_NO_DECIMALS = re.compile(r"([+-]?[0-9]+)[.,]0*")


class Missing:
    """Which cells say that nothing is known. words: further spellings; kept: spellings that are values.

    >>> gone = Missing(["-999"], ["NA"])
    >>> [gone(cell) for cell in ("n/a", "NA", "none", "-999.0")]
    [True, False, False, True]
    """

    def __init__(self, words: Collection[str] = (), kept: Collection[str] = ()) -> None:
        self.words, self.kept = lowered(words), lowered(kept)
        self._gone = (WORDS | set(self.words)) - set(self.kept)

    def __call__(self, cell: str) -> bool:
        plain = cell.strip().lower()
        if plain in self._gone:
            return True
        # -999 stands for -999.0 too: a column is written with as many decimals as it has.
        number = _NO_DECIMALS.fullmatch(plain) if self.words else None
        return number is not None and number[1] in self._gone


def lowered(words: Collection[str]) -> list[str]:
    """Words as they are compared, each once and in order."""
    return sorted({word.strip().lower() for word in words})
