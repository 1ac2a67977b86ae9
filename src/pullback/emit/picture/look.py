"""What a person may choose about a picture, and the numbers of one run that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from pullback.emit.picture.fold import Depth
from pullback.errors import OptionError

PAGE, READABLE, SMALLEST = (
    760.0,
    9.0,
    9.5,
)  # pixels: a usual page, text read with ease, our smallest text
THEMES = ("auto", "light", "dark", "print")


@dataclass(frozen=True)
class Look:
    """How a picture looks.

    values, grads, names, contributions: which texts to show; digits: how many a number has. patterns:
    how each gate passes its pull on. depth: how many levels of scopes are open ("all", or None for as
    many as can be read); open: scopes such as "layer1/n3" to open besides. inputs: "near" their first
    use, or all "left". split: one picture for the values and one for the gradients. direction: "right",
    "down", or "auto", right where that fits. width: of the page in pixels; where the picture would need
    smaller text than 9 pixels there, it runs down, or closes groups if `depth` is None; None: no limit.
    theme: "auto" follows the reader's light or dark; "light", "dark", "print" are fixed.
    """

    values: bool = True
    grads: bool = True
    names: bool = True
    contributions: bool = True
    patterns: bool = False
    split: bool = False
    digits: int = 3
    depth: Depth = None
    open: tuple[str, ...] = ()
    inputs: str = "near"
    direction: str = "auto"
    width: float | None = PAGE
    theme: str = "auto"

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise OptionError(f"theme must be one of {', '.join(THEMES)}, got {self.theme!r}.")
        if self.inputs not in ("near", "left"):
            raise OptionError(f"inputs must be 'near' or 'left', got {self.inputs!r}.")
        if self.direction not in ("auto", "right", "down"):
            raise OptionError(
                f"direction must be 'right', 'down' or 'auto', got {self.direction!r}."
            )
        if self.width is not None and not 0 < self.width < inf:
            raise OptionError(
                f"width must be a number of pixels above 0, or None, got {self.width!r}."
            )
        if self.digits not in range(1, 18):
            raise OptionError(f"digits must be a number from 1 to 17, got {self.digits!r}.")
        if not (self.depth in (None, "all") or (isinstance(self.depth, int) and self.depth >= 0)):
            raise OptionError(f"depth must be a number from 0, 'all' or None, got {self.depth!r}.")

    @property
    def widest(self) -> float:
        """How wide a picture may be drawn, so that its smallest text can be read on the page."""
        return inf if self.width is None else self.width * SMALLEST / READABLE


@dataclass(frozen=True)
class Numbers:
    """What one run gave, by wire.

    pulls: None where nothing pulls, and None altogether before a backward pass. branches: for each
    wire, what each use of it adds to its pull, as (gate, position, pull); gate -1 is the force.
    """

    values: Sequence[Any]
    pulls: Sequence[Any] | None = None
    branches: Mapping[int, Sequence[tuple[int, int, Any]]] = field(default_factory=dict)
