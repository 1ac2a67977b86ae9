"""A circuit becomes a drawing: fold, wire up, measure and lay out, then stamp each frame at its place."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pullback.core.circuit import Circuit
from pullback.emit.layout.graph import Node, Path, Point
from pullback.emit.layout.labels import text_width
from pullback.emit.picture.captions import Captions, Text
from pullback.emit.picture.drawing import (
    FAINT,
    NAME,
    PART,
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
from pullback.emit.picture.fold import Group, folded
from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    END,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    Frame,
    Item,
    Link,
)  # fmt: skip
from pullback.emit.picture.look import Look, Numbers
from pullback.emit.picture.measure import (
    EDGE,
    HEADER,
    SPACE,
    TEXT,
    TINY,
    Kind,
    Measure,
    size_of,
    speaks,
    symbol_size,
)  # fmt: skip
from pullback.emit.picture.wiring import wired

BORDER = 8.0  # around the whole picture
TOLD = 8  # wires of a bus that its title lists
Texts = Callable[[Link], tuple[list[Text], list[Text]]]  # what stands over and under a wire


def picture(
    circuit: Circuit, numbers: Numbers | None = None, look: Look | None = None, name: str = "f"
) -> Drawing:
    """The drawing of a circuit, with the numbers of one run if there are any.

    name: what the function is called; it names an output that has no name of its own.
    """
    with _collector_resting():
        return _Stamp(Captions(circuit, numbers, look or Look(), name)).drawing()


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
    """Draws the frames of one circuit."""

    def __init__(self, captions: Captions) -> None:
        self.captions, self.circuit = captions, captions.circuit
        folding = folded(self.circuit, captions.look.depth, captions.look.open)
        self.note = folding.note
        self.frames = wired(self.circuit, folding.root)
        self.measure = Measure(captions)
        self.measure.lay_out(self.frames)
        self.kind_of = self.measure.kind_of

    def drawing(self) -> Drawing:
        """Every frame at its place, outer ones first; values and pulls apart if that is wanted."""
        captions, layout = self.captions, self.kind_of[self.frames[0]].layout
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
                y += HEADER
            for item, node, left, high in zip(
                frame.items, kind.graph.nodes, kind.layout.x, kind.layout.y, strict=True
            ):
                if item.inside is not None:
                    origin[item.inside] = x + left, y + high
                elif item.kind not in (ENTRY, EXIT, JOIN):
                    made.boxes.append(self._box(item, node, x + left, y + high))
            self._wires(made, frame, (x, y), texts)

    def _frame_box(self, frame: Frame, kind: Kind, x: float, y: float) -> FrameBox:
        """The count stands beside the name if there is room for it."""
        group, width = frame.group, kind.layout.width
        path, count = _path(group), self.captions.group(group)
        labels = [Label(x + 8, y + 14, group.name, TITLE, TEXT)]
        start = x + 16 + text_width(group.name, TEXT)
        if start + text_width(count, TINY) + SPACE <= x + width:
            labels.append(Label(start, y + 14, count, FAINT, TINY))
        height = HEADER + kind.layout.height + EDGE
        return FrameBox(x, y, width, height, tuple(labels), path, f"{path}: {count}")

    # Wires

    def _wires(self, made: Drawing, frame: Frame, origin: Point, texts: Texts) -> None:
        kind = self.kind_of[frame]
        order = {item: i for i, item in enumerate(frame.items)}
        for link, track in zip(frame.links, kind.layout.tracks, strict=True):
            item, port = link.sources[0]
            node, at = kind.graph.nodes[order[item]], order[item]
            start = (
                kind.layout.x[at] + node.width,
                kind.layout.y[at] + (node.outputs[port] if node.outputs else 0.0),
            )
            stub = Path([start, (start[0] + node.trail, start[1])])
            paths = [Path(_moved(p.points, origin), p.target) for p in track.paths or [stub]]
            above, below = texts(link) if speaks(link) else ([], [])
            x, y = origin[0] + start[0] + SPACE, origin[1] + start[1]
            labels = [*_row(above, x, y - 5), *_row(below, x, y + 13.5)]
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
                x, y = path.points[-1]
                labels.append(Label(x - SPACE, y + 11, part.text, PART, TINY, "end", part.odd))
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
        text, base = self.captions.tag(item), y + self.measure.up + 4
        ink = FAINT if item.kind == CONSTANT or len(item.wires) > 1 else NAME
        label = Label(x + node.width - SPACE, base, text, ink, TEXT, "end")
        if item.kind == END:
            label = Label(x + SPACE, base, text, ink, TEXT)
        title = self.captions.sentence(item.wires[0]) if len(item.wires) == 1 else text
        return Box(item.kind, x, y, node.width, node.height, (label,), item.wires[0], title=title)

    def _gate_box(self, item: Item, node: Node, x: float, y: float) -> Box:
        wire = item.wires[0]
        gate = self.captions.rows[wire].gate
        assert gate is not None
        symbol, under = self.captions.symbol(gate), self.captions.under(wire)
        size = symbol_size(symbol)
        through = self.captions.gauges.switched(wire)
        levers = _levers(node, through, x, y)
        under = "tie" if through and len(through) > 1 and not under else under
        middle, base = x + node.width / 2, y + node.height / 2 + size * 0.35 - (5 if under else 0)
        if levers:  # the text keeps out of the way of the switch
            low = levers[0][0][1] <= y + node.height / 2
            base = y + node.height - (18 if under else 7) if low else y + 14
        labels = [Label(middle, base, symbol, SYMBOL, size, "middle")]
        if under:
            labels.append(Label(middle, base + 12, under, FAINT, TINY, "middle"))
        return Box(
            GATE, x, y, node.width, node.height, tuple(labels), wire,
            title=self.captions.gate_title(wire), levers=levers, on=through != (),
        )  # fmt: skip

    def _closed_box(self, item: Item, node: Node, x: float, y: float) -> Box:
        group = item.group
        assert group is not None
        path, count = _path(group), self.captions.group(group)
        asleep = self.captions.gauges.off(group) == (1, 1)
        shift = text_width(" off", TEXT) / 2 if asleep else 0.0
        middle = x + node.width / 2
        base = y + node.height / 2 - (9 if self.measure.metered else 3)
        labels = [
            Label(middle - shift, base, group.name, TITLE, TEXT, "middle"),
            Label(middle, base + 12, count, FAINT, TINY, "middle"),
        ]
        if asleep:
            edge = middle - shift + text_width(group.name, TEXT) / 2 + SPACE
            labels.append(Label(edge, base, "off", FAINT, TINY))
        return Box(
            CLOSED, x, y, node.width, node.height, tuple(labels), group=path,
            title=f"{path}: {count}", strips=self._strips(group, x + 5, base + 17, node.width - 9),
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


def _levers(
    node: Node, through: tuple[int, ...] | None, x: float, y: float
) -> tuple[tuple[Point, Point], ...]:
    """From the input that is let through to the output; a raised arm where a single one is not."""
    left, right, out = x + 9, x + node.width - 9, y + node.outputs[0]
    if through == () and len(node.inputs) == 1:
        return (((left, out), (right, out - 11)),)
    if through is None or len(through) != 1:
        return ()
    return (((left, y + node.inputs[through[0]]), (right, out)),)


def _row(texts: list[Text], x: float, y: float) -> list[Label]:
    """Pieces of a label beside each other."""
    labels = []
    for text in texts:
        labels.append(Label(x, y, text.text, text.ink, size_of(text), "start", text.odd))
        x += text_width(text.text, size_of(text)) + SPACE
    return labels
