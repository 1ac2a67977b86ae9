"""A circuit becomes a drawing: fold, wire up, measure and lay out, then stamp each frame at its place."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pullback.core.circuit import Circuit
from pullback.emit.layout.graph import Node, Path, Point
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Captions, Text
from pullback.emit.picture.direction import Direction
from pullback.emit.picture.downward import Downward
from pullback.emit.picture.drawing import (
    FAINT,
    NAME,
    PULL,
    SYMBOL,
    TITLE,
    VALUE,
    Box,
    Branch,
    Drawing,
    FrameBox,
    Label,
    Strip,
    Wire,
)  # fmt: skip
from pullback.emit.picture.fold import Folding, Group, folded
from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    Frame,
    Item,
    Link,
)  # fmt: skip
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.measure import Kind, Measure, speaks
from pullback.emit.picture.rightward import Rightward
from pullback.emit.picture.sizes import EDGE, HEADER, SPACE, TEXT, TINY, symbol_size
from pullback.emit.picture.wiring import wired

BORDER = 8.0  # around the whole picture
TOLD = 8  # wires of a bus that its title lists
Texts = Callable[[Link], tuple[list[Text], list[Text]]]  # what stands over and under a wire


def picture(
    circuit: Circuit, numbers: Numbers | None = None, look: Look | None = None, name: str = "f"
) -> Drawing:
    """The drawing of a circuit, with the numbers of one run if there are any.

    name: what the function is called; it names an output that has no name of its own. It runs right if
    that fits the page (`look.width`), else down; if neither fits, more groups are closed.
    """
    with _collector_resting():
        captions = Captions(circuit, numbers, look or Look(), name)
        stamps = _candidates(captions)
        first = next(stamps)
        widest = captions.look.widest
        fitting = (
            first
            if first.width <= widest
            else next((s for s in stamps if s.width <= widest), first)
        )
        return fitting.drawing()


def _candidates(captions: Captions) -> Iterator[_Stamp]:
    """The ways to draw a circuit, the most telling first."""
    look = captions.look
    folding = folded(captions.circuit, look.depth, look.open)
    while True:
        for direction in DIRECTIONS if look.direction == "auto" else (look.direction,):
            yield _Stamp(captions, folding, DIRECTIONS[direction](captions.pulled))
        if look.depth is not None or folding.depth < 1:
            return
        folding = folded(captions.circuit, folding.depth - 1, look.open)


@contextmanager
def _collector_resting() -> Iterator[None]:
    """A drawing is many small things that all stay: looking for garbage among them costs a sixth."""
    resting = not gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not resting:
            gc.enable()


class _Stamp:
    """Draws the frames of one circuit, folded in one way, in one direction."""

    def __init__(self, captions: Captions, folding: Folding, direction: Direction) -> None:
        self.captions, self.circuit = captions, captions.circuit
        self.direction, self.note = direction, folding.note
        self.frames = wired(self.circuit, folding.root)
        measure = Measure(captions, direction)
        measure.lay_out(self.frames)
        self.metered, self.kind_of = measure.metered, measure.kind_of

    @property
    def width(self) -> float:
        """Of the whole picture."""
        return self.kind_of[self.frames[0]].placed.width + 2 * BORDER

    def drawing(self) -> Drawing:
        """Every frame at its place, outer ones first; values and pulls apart if that is wanted."""
        captions, layout = self.captions, self.kind_of[self.frames[0]].placed
        notes = [self.note] if self.note else []
        if captions.numbers is not None and captions.numbers.pulls is None:
            notes.append("Backward not run: there are no pulls yet.")
        width, height = layout.width + 2 * BORDER, layout.height + 2 * BORDER
        title = f"Circuit {captions.name}"
        made = Drawing(width, height, title, captions.sentences(), " ".join(notes))
        if not captions.look.split or captions.numbers is None:
            self._stamp(made, BORDER, self._both)
            return made
        panel = height + HEADER
        for number, (texts, caption) in enumerate(
            ((self._values, "(Values)"), (self._pulls, "(Gradients)"))
        ):
            top = number * panel + BORDER
            made.labels.append(Label(width - BORDER, top + TEXT, caption, FAINT, TEXT, "end"))
            self._stamp(made, top + HEADER, texts)
        made.height = 2 * panel
        return made

    def _both(self, link: Link) -> tuple[list[Text], list[Text]]:
        return self.captions.above(link.cable), self.captions.below(link.cable)

    def _values(self, link: Link) -> tuple[list[Text], list[Text]]:
        return self.captions.above(link.cable), []

    def _pulls(self, link: Link) -> tuple[list[Text], list[Text]]:
        names = [t for t in self.captions.above(link.cable) if t.ink != VALUE]
        return names, self.captions.below(link.cable)

    def _stamp(self, made: Drawing, top: float, texts: Texts) -> None:
        origin = {self.frames[0]: (BORDER, top)}
        for frame in self.frames:
            x, y = origin[frame]
            kind = self.kind_of[frame]
            if frame.parent is not None:
                made.frames.append(self._frame_box(frame, kind, x, y))
                x, y = self.direction.inside((x, y))
            for item, node, left, high in zip(
                frame.items, kind.graph.nodes, kind.placed.x, kind.placed.y, strict=True
            ):
                if item.inside is not None:
                    origin[item.inside] = x + left, y + high
                elif item.kind not in (ENTRY, EXIT, JOIN):
                    made.boxes.append(self._box(item, node, x + left, y + high))
            self._wires(made, frame, (x, y), texts)

    def _frame_box(self, frame: Frame, kind: Kind, x: float, y: float) -> FrameBox:
        path, count = _path(frame.group), self.captions.group(frame.group)
        along, across = kind.layout.width, HEADER + kind.layout.height + EDGE
        width, height = self.direction.size(Node(along, across))
        labels = self.direction.title(frame.group.name, count, (x, y), along)
        return FrameBox(x, y, width, height, labels, path, f"{path}: {count}")

    # Wires

    def _wires(self, made: Drawing, frame: Frame, origin: Point, texts: Texts) -> None:
        kind = self.kind_of[frame]
        order = {item: i for i, item in enumerate(frame.items)}
        for link, track in zip(frame.links, kind.placed.tracks, strict=True):
            item, port = link.sources[0]
            at = order[item]
            node, corner = kind.graph.nodes[at], (kind.placed.x[at], kind.placed.y[at])
            (start,) = _moved([self.direction.port(node, port)], corner)
            stub = Path([start, self.direction.stub(node, start)])
            paths = [Path(_moved(p.points, origin), p.target) for p in track.paths or [stub]]
            above, below = texts(link) if speaks(link) else ([], [])
            labels = self.direction.beside(above, below, _moved([start], origin)[0])
            if texts != self._values:
                labels += self._parts(link, paths)
            made.wires.append(
                Wire(
                    link.cable.wires,
                    tuple(self._branch(link, path) for path in paths),
                    tuple(_moved(track.dots, origin)),
                    tuple(labels),
                    self._wire_title(link),
                    self.captions.still(link.cable),
                )
            )

    def _parts(self, link: Link, paths: list[Path]) -> list[Label]:
        """What each branch adds, small, where it arrives."""
        labels = []
        for path in paths:
            uses = link.targets[path.target][2] if path.target >= 0 else []
            part = self.captions.part(link.cable, uses) if uses else None
            if part:
                labels.append(self.direction.arriving(part, path.points[-1]))
        return labels

    def _branch(self, link: Link, path: Path) -> Branch:
        uses = link.targets[path.target][2] if path.target >= 0 else []
        gate, position = uses[0] if uses else (-1, -1)
        still = self.captions.branch_still(link.cable, uses)
        return Branch(tuple(path.points), gate, position, still)

    def _wire_title(self, link: Link) -> str:
        wires = link.cable.wires
        told = "; ".join(self.captions.sentence(w) for w in wires[:TOLD])
        return told if len(wires) <= TOLD else f"{told}; and {len(wires) - TOLD:,} more"

    # Boxes

    def _box(self, item: Item, node: Node, x: float, y: float) -> Box:
        if item.kind == GATE:
            return self._gate_box(item, node, x, y)
        if item.kind == CLOSED:
            return self._closed_box(item, node, x, y)
        text = self.captions.tag(item)
        ink = FAINT if item.kind == CONSTANT or len(item.wires) > 1 else NAME
        label = self.direction.tagged(node, text, ink, (x, y))
        title = self.captions.sentence(item.wires[0]) if len(item.wires) == 1 else text
        size = self.direction.size(node)
        return Box(item.kind, x, y, *size, (label,), item.wires[0], title=title)

    def _gate_box(self, item: Item, node: Node, x: float, y: float) -> Box:
        wire = item.wires[0]
        gate = self.captions.rows[wire].gate
        assert gate is not None
        symbol, under = self.captions.symbol(gate), self.captions.under(wire)
        through = self.captions.gauges.switched(wire)
        levers, contact = self.direction.switch(node, through, (x, y))
        under = "tie" if through and len(through) > 1 and not under else under
        width, height = self.direction.size(node)
        first = bool(levers) and levers[0][0][1] <= y + height / 2
        size = symbol_size(symbol)
        middle = x + width / 2
        base = y + self.direction.symbol(node, size, bool(under), bool(levers), first)
        labels = [Label(middle, base, symbol, SYMBOL, size, "middle")]
        if under:
            labels.append(Label(middle, base + 12, under, FAINT, TINY, "middle"))
        title = self.captions.gate_title(wire)
        return Box(
            GATE,
            x,
            y,
            width,
            height,
            tuple(labels),
            wire,
            title=title,
            levers=levers,
            contact=contact,
        )

    def _closed_box(self, item: Item, node: Node, x: float, y: float) -> Box:
        group = item.group
        assert group is not None
        path, count = _path(group), self.captions.group(group)
        asleep = self.captions.gauges.off(group) == (1, 1)
        shift = text_width(" off", TEXT) / 2 if asleep else 0.0
        width, height = self.direction.size(node)
        middle = x + width / 2
        base = y + height / 2 - (9 if self.metered else 3)
        labels = [
            Label(middle - shift, base, group.name, TITLE, TEXT, "middle"),
            Label(middle, base + 12, count, FAINT, TINY, "middle"),
        ]
        if asleep:
            edge = middle - shift + text_width(group.name, TEXT) / 2 + SPACE
            labels.append(Label(edge, base, "off", FAINT, TINY))
        return Box(
            CLOSED, x, y, width, height, tuple(labels), group=path,
            title=f"{path}: {count}", strips=self._strips(group, x + 5, base + 17, width - 9),
        )  # fmt: skip

    def _strips(self, group: Group, x: float, y: float, width: float) -> tuple[Strip, ...]:
        numbers = self.captions.numbers
        if numbers is None:
            return ()
        inks = [VALUE] if numbers.pulls is None else [VALUE, PULL]
        cells = [(ink, self.captions.gauges.cells(group, ink)) for ink in inks]
        return tuple(
            Strip(x, y + 7 * i, width, 5.0, ink, some) for i, (ink, some) in enumerate(cells)
        )


def _path(group: Group) -> str:
    return "/".join(group.path) or group.name


def _moved(points: list[Point], origin: Point) -> list[Point]:
    return [(origin[0] + x, origin[1] + y) for x, y in points]


DIRECTIONS: dict[str, Callable[[bool], Direction]] = {"right": Rightward, "down": Downward}
