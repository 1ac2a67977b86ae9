"""Font sizes and distances of pictures, and how wide a label is."""

from __future__ import annotations

from math import fsum

from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Text
from pullback.emit.picture.drawing import FAINT
from pullback.emit.picture.look import SMALLEST

TEXT, SMALL, TINY, LARGE = 12.0, 10.0, SMALLEST, 19.0  # font sizes
SPACE = 4.0  # between a wire's start and its label, and between a name and a value
HEADER, EDGE = 19.0, 8.0  # of a frame: its title, and the room left on the other side


def spread(count: int, pitch: float, length: float) -> tuple[float, ...]:
    """Places of `count` ports around the middle.

    >>> spread(2, 36.0, 60.0)
    (12.0, 48.0)
    """
    return tuple(length / 2 + (i - (count - 1) / 2) * pitch for i in range(count))


def symbol_size(symbol: str) -> float:
    """Operators are written large, names small."""
    return LARGE if len(symbol) <= 2 else TEXT


def size_of(text: Text) -> float:
    """The font size of a piece of a label."""
    return SMALL if text.ink == FAINT else TEXT


def row_width(texts: list[Text]) -> float:
    """The width of a label's pieces beside each other."""
    return fsum(text_width(t.text, size_of(t)) for t in texts) + SPACE * max(len(texts) - 1, 0)
