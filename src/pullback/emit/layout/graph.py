"""What is laid out (boxes with ports, and nets between them) and what comes back (plain coordinates)."""

from __future__ import annotations

from dataclasses import dataclass, field

BOX, LEAF, ENTRY, EXIT = "box", "leaf", "entry", "exit"
Point = tuple[float, float]
End = tuple[int, int]  # (node, port)


@dataclass(frozen=True)
class Node:
    """A box. Ports are distances below its top; the rest is room that must stay free around it.

    kind: "box"; "leaf", a source that may stand anywhere left of its use; "entry" and "exit", a wire's
    way through the left and the right border. lead and trail: room for labels left of the input ports
    and right of the output ports; above and below: over and under the box.
    """

    width: float
    height: float
    inputs: tuple[float, ...] = ()
    outputs: tuple[float, ...] = ()
    kind: str = BOX
    lead: float = 0.0
    trail: float = 0.0
    above: float = 0.0
    below: float = 0.0


@dataclass(frozen=True)
class Net:
    """One wire: from its source port to every port that listens. A bus has several sources."""

    sources: tuple[End, ...]
    targets: tuple[End, ...]


@dataclass(frozen=True)
class Graph:
    """Boxes and nets without cycles."""

    nodes: tuple[Node, ...]
    nets: tuple[Net, ...]


@dataclass(frozen=True)
class Spacing:
    """Distances in pixels between things that could touch."""

    gap: float = 6.0  # between two leaves of a column, or a leaf and a box
    apart: float = 12.0  # between two boxes
    lane: float = 7.0  # between a wire that passes and what it passes
    track: float = 8.0  # between two vertical wires
    margin: float = 6.0  # between a column and the nearest vertical wire
    clear: float = 5.0  # nearer than this, two horizontal wires look like one


@dataclass
class Path:
    """One unbroken line of a net. target: which of the net's targets it ends at, or -1."""

    points: list[Point]
    target: int = -1


@dataclass
class Track:
    """A net's way: its lines and the dots where it splits."""

    paths: list[Path] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)


@dataclass
class Layout:
    """Left and top of each node, one track a net, and the size of it all. crossings counts wires."""

    width: float
    height: float
    x: list[float]
    y: list[float]
    tracks: list[Track]
    crossings: int
