"""From a folded circuit to frames: the place of each item, and how each wire runs through the borders.

Wires that run side by side between closed boxes are one bus.
"""

from __future__ import annotations

from pullback.core.circuit import Circuit
from pullback.emit.picture.fold import Group
from pullback.emit.picture.frames import (
    CLOSED,
    CONSTANT,
    END,
    ENTRY,
    EXIT,
    GATE,
    JOIN,
    LEAF,
    OPEN,
    Cable,
    Frame,
    Item,
    Link,
    Use,
    common,
)  # fmt: skip
from pullback.emit.picture.ports import put_in_order

BUS = 3  # wires side by side that are drawn as one
TAGS = 8  # inputs into one closed box that still get a name each

Place = tuple[Frame, Item]


def wired(circuit: Circuit, root: Group) -> list[Frame]:
    """The frames of a folded circuit, outer ones first, with every wire threaded through them."""
    return _Wiring(circuit, root).frames


class _Wiring:
    """One pass: seats for gates, then leaves and ends, then cables."""

    def __init__(self, circuit: Circuit, root: Group) -> None:
        self.circuit = circuit
        self.frames: list[Frame] = []
        self.seat: dict[int, Place] = {}  # of each gate row
        self._seat_gates(root)
        # Of each wire: who listens, in running order, as (frame, item, port) -> uses.
        self.listeners: list[dict[tuple[Frame, Item, int], list[Use]]] = [{} for _ in circuit.op]
        self._find_listeners()
        self.leaves: dict[int, Place] = {}
        self._seat_leaves()
        for cable, places in self._cables():
            self._thread(cable, places)
        for frame in reversed(self.frames):
            put_in_order(frame)

    # Seats

    def _seat_gates(self, root: Group) -> None:
        self.frames.append(Frame(root, None, 0))
        for frame in self.frames:  # grows while it is walked
            for member in frame.group.members:
                if not isinstance(member, Group):
                    self.seat[member] = frame, frame.add(Item(GATE, (member,)))
                elif member.open:
                    outside = frame.add(Item(OPEN, group=member))
                    outside.inside = Frame(member, frame, frame.level + 1, outside)
                    self.frames.append(outside.inside)
                else:
                    closed = frame.add(Item(CLOSED, group=member))
                    self.seat.update(dict.fromkeys(member.rows, (frame, closed)))

    def _find_listeners(self) -> None:
        for row in self.circuit.rows():
            if row.gate is None:
                continue
            frame, item = self.seat[row.wire]
            for position, wire in enumerate(row.inputs):
                at_home = self.seat.get(wire, (None, None))[1] is item
                if not (item.kind == CLOSED and at_home):
                    port = position if item.kind == GATE else 0
                    uses = self.listeners[wire].setdefault((frame, item, port), [])
                    uses.append((row.wire, position))
        root = self.frames[0]
        for position, wire in enumerate(self.circuit.outputs):
            end = root.add(Item(END, (wire,), position=position))
            self.listeners[wire][root, end, 0] = [(-1, position)]

    def _seat_leaves(self) -> None:
        circuit, root = self.circuit, self.frames[0]
        for wire, role in zip(circuit.inputs, circuit.roles, strict=True):
            listeners = list(self.listeners[wire])
            boxes = {item for _, item, _ in listeners}
            inside = role != "data" and listeners
            if inside and len(boxes) == 1 and listeners[0][1].kind == CLOSED:
                self.listeners[wire].clear()  # it lives in the box, unseen
                continue
            frame = common(f for f, _, _ in listeners) if inside else root
            self.leaves[wire] = frame, frame.add(Item(LEAF, (wire,)))
        for wire in range(len(circuit)):
            if circuit.is_constant(wire):
                self._seat_constant(wire)

    def _seat_constant(self, wire: int) -> None:
        """One tag a use: a constant has no pull to collect, so a long wire would say nothing."""
        for (frame, item, port), uses in self.listeners[wire].items():
            if item.kind != CLOSED:
                tag = frame.add(Item(CONSTANT, (wire,)))
                cable = Cable((wire,), [tag], [(item, port, uses)])
                frame.links.append(Link(cable, [(tag, 0)], [(item, port, uses)]))
        self.listeners[wire].clear()

    # Cables

    def _cables(self) -> list[tuple[Cable, list[Place]]]:
        """One cable a wire; wires side by side between closed boxes share one."""
        found: list[tuple[Cable, list[Place]]] = []
        together: dict[tuple[object, ...], list[int]] = {}
        for wire in range(len(self.circuit)):
            place = self.seat.get(wire) or self.leaves.get(wire)
            listeners = self.listeners[wire]
            if place is None or (place[1].kind == CLOSED and not listeners):
                continue
            boxes = [item for _, item, _ in listeners]
            # A gate in sight keeps its wire, for the value that is written there.
            hidden = place[1].kind != GATE and all(item.kind == CLOSED for item in boxes)
            if boxes and hidden:
                together.setdefault(self._company(place, boxes), []).append(wire)
            else:
                found.append((Cable((wire,)), [place]))
        for wires in together.values():
            found += self._bus(wires)
        return sorted(found, key=lambda pair: pair[0].wires[0])

    def _company(self, place: Place, boxes: list[Item]) -> tuple[object, ...]:
        """Wires with equal company run side by side: from one frame (or run of gates) to the same boxes."""
        frame, item = place
        assert item.group is not None or item.kind != CLOSED
        if item.kind == CLOSED and item.group is not None and not item.group.path:
            return (item,)
        runs = [box for box in boxes if box.group is not None and not box.group.path]
        return frame, item.kind == LEAF, frozenset(runs[:1] or boxes)

    def _bus(self, wires: list[int]) -> list[tuple[Cable, list[Place]]]:
        places = [self.seat.get(w) or self.leaves[w] for w in wires]
        leaves = places[0][1].kind == LEAF
        if len(wires) < (TAGS + 1 if leaves else BUS):
            return [(Cable((w,)), [p]) for w, p in zip(wires, places, strict=True)]
        if leaves:
            return [(Cable(tuple(wires)), [self._tag(wires)])]
        return [(Cable(tuple(wires)), list(dict.fromkeys(places)))]

    def _tag(self, wires: list[int]) -> Place:
        """One leaf in the place of many."""
        frame, first = self.leaves[wires[0]]
        gone = {self.leaves[w][1] for w in wires[1:]}
        frame.items = [item for item in frame.items if item not in gone]
        first.wires = tuple(wires)
        return frame, first

    def _thread(self, cable: Cable, places: list[Place]) -> None:
        """Lead a cable from its sources up to the frame that holds all its ends, and down to each."""
        listeners: dict[tuple[Frame, Item, int], list[Use]] = {}
        for wire in cable.wires:
            for key, uses in self.listeners[wire].items():
                listeners.setdefault(key, []).extend(uses)
        cable.sources = [item for _, item in places]
        cable.targets = [(item, port, uses) for (_, item, port), uses in listeners.items()]
        frame = places[0][0]
        top = common([frame, *(f for f, _, _ in listeners)])
        link = self._link(frame, cable, [(item, 0) for _, item in places])
        gathering = len(places) > 1
        if gathering and frame is top:
            link.targets.append((frame.add(Item(JOIN, cable.wires)), 0, []))
            link = self._link(frame, cable, [(link.targets[0][0], 0)])
            gathering = False
        link.labelled = not gathering
        while frame is not top:
            link.targets.append((frame.add(Item(EXIT, cable.wires)), 0, []))
            link = self._link(frame.around, cable, [(frame.standing, 0)])
            frame = frame.around
            link.labelled, gathering = gathering, False
        for (there, item, port), uses in listeners.items():
            self._reach(cable, there, item, port, uses)

    def _link(self, frame: Frame, cable: Cable, sources: list[tuple[Item, int]]) -> Link:
        link = frame.of_cable[cable] = Link(cable, sources)
        frame.links.append(link)
        return link

    def _reach(self, cable: Cable, frame: Frame, item: Item, port: int, uses: list[Use]) -> None:
        """From a listener outwards until a frame is met in which the cable already runs."""
        while True:
            link = frame.of_cable.get(cable)
            met = link is not None
            if link is None:
                link = self._link(frame, cable, [(frame.add(Item(ENTRY, cable.wires)), 0)])
            link.targets.append((item, port, uses))
            if met:
                return
            item, port, frame, uses = frame.standing, 0, frame.around, []
