"""What a person may choose about a picture, and the numbers of one run that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullback.emit.picture.fold import Depth
from pullback.errors import OptionError

THEMES = ("auto", "light", "dark", "print")


@dataclass(frozen=True)
class Look:
    """How a picture looks.

    values, grads, names, contributions: which texts to show; digits: how many a number has. patterns:
    how each gate passes its pull on. depth: how many levels of scopes are open ("all", or None for as
    many as can be read); open: scopes such as "layer1/n3" to open besides. inputs: "near" their first
    use, or all "left". split: one picture for the values and one for the gradients. theme: "auto"
    follows the reader's light or dark; "light", "dark", "print" are fixed.
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
    theme: str = "auto"

    def __post_init__(self) -> None:
        if self.theme not in THEMES:
            raise OptionError(f"theme={self.theme!r}; it is one of {', '.join(THEMES)}.")
        if self.inputs not in ("near", "left"):
            raise OptionError(f"inputs={self.inputs!r}; it is 'near' or 'left'.")
        if self.digits not in range(1, 18):
            raise OptionError(f"digits={self.digits!r}; it is a number from 1 to 17.")
        if not (self.depth in (None, "all") or (isinstance(self.depth, int) and self.depth >= 0)):
            raise OptionError(f"depth={self.depth!r}; it is a number from 0, 'all' or None.")


@dataclass(frozen=True)
class Numbers:
    """What one run gave, by wire.

    pulls: None where nothing pulls, and None altogether before a backward pass. branches: for each
    wire, what each use of it adds to its pull, as (gate, position, pull); gate -1 is the force.
    """

    values: Sequence[Any]
    pulls: Sequence[Any] | None = None
    branches: Mapping[int, Sequence[tuple[int, int, Any]]] = field(default_factory=dict)
