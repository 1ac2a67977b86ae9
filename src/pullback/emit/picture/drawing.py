"""A picture as plain data: boxes, wires, labels with coordinates. SVG and other forms are written from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pullback.emit.layout.graph import Point

VALUE, PULL, PART, NAME, SYMBOL, FAINT, TITLE = (
    "value", "pull", "part", "name", "symbol", "faint", "title",
)  # fmt: skip


@dataclass(frozen=True)
class Label:
    """Text with its baseline. ink: what it says. anchor: start, middle or end. odd: NaN or infinite.

    turned: it is read from above to below.
    """

    x: float
    y: float
    text: str
    ink: str
    size: float
    anchor: str = "start"
    odd: bool = False
    turned: bool = False


@dataclass(frozen=True)
class Strip:
    """A row of cells, each from 0 (nothing) to 1 (the most in this picture); NaN for a bad number."""

    x: float
    y: float
    width: float
    height: float
    ink: str
    cells: tuple[float, ...]


@dataclass(frozen=True)
class Box:
    """A gate, leaf, end, constant or closed group.

    levers: the switch inside; contact: the point that a raised arm does not touch.
    """

    kind: str
    x: float
    y: float
    width: float
    height: float
    labels: tuple[Label, ...] = ()
    wire: int = -1
    group: str = ""
    title: str = ""
    levers: tuple[tuple[Point, Point], ...] = ()
    contact: Point | None = None
    strips: tuple[Strip, ...] = ()


@dataclass(frozen=True)
class Branch:
    """One line of a wire. gate and position say which input it ends at; still: nothing pulls here."""

    points: tuple[Point, ...]
    gate: int = -1
    position: int = -1
    still: bool = False


@dataclass(frozen=True)
class Wire:
    """A wire in one frame, with its labels; a bus carries several wires."""

    wires: tuple[int, ...]
    branches: tuple[Branch, ...]
    dots: tuple[Point, ...]
    labels: tuple[Label, ...]
    title: str = ""
    still: bool = False

    @property
    def bus(self) -> bool:
        return len(self.wires) > 1


@dataclass(frozen=True)
class FrameBox:
    """The frame of an opened group."""

    x: float
    y: float
    width: float
    height: float
    labels: tuple[Label, ...]
    group: str
    title: str


@dataclass
class Drawing:
    """All of a picture. sentences: the same in words."""

    width: float
    height: float
    title: str
    sentences: list[str]
    note: str = ""
    frames: list[FrameBox] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
