"""`Item`: one number of the guide; `Answer`: the computed result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Numbers = float | tuple[float, ...]


@dataclass(frozen=True)
class Item:
    """One promise. `guide` is what the text prints, `ours` computes it with this library.

    erratum: the id and the reason, where the text's number is not the true one.
    """

    id: str
    what: str
    guide: Numbers | None
    ours: Callable[[], Numbers]
    erratum: str = ""


@dataclass(frozen=True)
class Answer:
    """An item and its computed number. `agrees`: equal to every digit that the guide prints."""

    item: Item
    value: Numbers

    @property
    def agrees(self) -> bool:
        if self.item.guide is None:
            return True
        pairs = zip(numbers(self.item.guide), numbers(self.value), strict=True)
        return all(agrees_as_printed(said, found) for said, found in pairs)

    @property
    def holds(self) -> bool:
        """The guide is right here, or it is known why not."""
        return self.agrees or bool(self.item.erratum)


def numbers(value: Numbers) -> tuple[float, ...]:
    """One number or several, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def agrees_as_printed(said: float, found: float) -> bool:
    """Whether `found`, rounded to the digits that `said` has, is `said`.

    >>> agrees_as_printed(-5.87, -5.8706), agrees_as_printed(0.8825, 0.88255018)
    (True, False)
    """
    digits = max(1, len(repr(float(said)).partition(".")[2].rstrip("0")))
    return math.isclose(round(found, digits), said, rel_tol=0.0, abs_tol=10.0**-12)


def answered(items: Iterable[Item]) -> list[Answer]:
    """Every item computed, in order."""
    return [Answer(item, item.ours()) for item in items]
