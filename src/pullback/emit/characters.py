"""A sheet of character cells: text is written once, wires join only themselves and cross all others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

LEFT, RIGHT, UP, DOWN = 1, 2, 4, 8
ACROSS, ALONG = LEFT | RIGHT, UP | DOWN

Run = tuple[str, str]  # ink, text
Cell = tuple[int, int]  # row, column


@dataclass(frozen=True)
class Charset:
    """How wires and boxes are spelled. `wires` by the sides from which a cell is reached."""

    wires: dict[int, str]
    idle: dict[int, str]  # the same for a wire that nothing pulls
    fork: str
    crossing: str
    box: str  # corners from top left clockwise, flat, upright, port at the left, port at the right


UNICODE = Charset(
    wires={
        **dict.fromkeys((LEFT, RIGHT, ACROSS), "─"),
        **dict.fromkeys((UP, DOWN, ALONG), "│"),
        LEFT | DOWN: "╮", LEFT | UP: "╯", RIGHT | DOWN: "╭", RIGHT | UP: "╰",
    },
    idle={**dict.fromkeys((LEFT, RIGHT, ACROSS), "╌"), ALONG: "╎"},
    fork="●",
    crossing="┼",
    box="┌┐┘└─│┤├",
)  # fmt: skip
ASCII = Charset(
    wires={
        **dict.fromkeys((LEFT, RIGHT, ACROSS), "-"),
        **dict.fromkeys((UP, DOWN, ALONG), "|"),
        LEFT | DOWN: ".", LEFT | UP: "'", RIGHT | DOWN: ".", RIGHT | UP: "'",
    },
    idle={**dict.fromkeys((LEFT, RIGHT, ACROSS), "~"), ALONG: ":"},
    fork="o",
    crossing="+",
    box="++++-|||",
)  # fmt: skip


class Sheet:
    """Cells by row and column. Writing a cell twice is a mistake of the layout, so it is asserted."""

    def __init__(self, charset: Charset) -> None:
        self.charset = charset
        self.cells: dict[Cell, Run] = {}
        self.arms: dict[Cell, dict[int, int]] = {}  # cell -> wire -> sides it is reached from
        self.idle: set[int] = set()

    def text(self, row: int, column: int, text: str, ink: str) -> None:
        for place, character in enumerate(text):
            cell = (row, column + place)
            assert cell not in self.cells, f"{cell} is written twice"
            assert cell not in self.arms, f"text runs over a wire at {cell}"
            self.cells[cell] = (ink, character)

    def across(self, wire: int, row: int, start: int, stop: int) -> None:
        """A wire through every cell from `start` up to, not including, `stop`."""
        for column in range(start, stop):
            self._reach(wire, (row, column), ACROSS)

    def along(self, wire: int, column: int, start: int, stop: int) -> None:
        """A wire down from row `start` to row `stop`, where it is met from the side."""
        self._reach(wire, (start, column), DOWN)
        for row in range(start + 1, stop):
            self._reach(wire, (row, column), ALONG)
        self._reach(wire, (stop, column), UP | RIGHT)

    def _reach(self, wire: int, cell: Cell, arms: int) -> None:
        assert cell not in self.cells, f"a wire runs over text at {cell}"
        met = self.arms.setdefault(cell, {})
        met[wire] = met.get(wire, 0) | arms
        # Two wires share a cell only where one runs straight across the other.
        assert len(met) == 1 or sorted(met.values()) == [ACROSS, ALONG], f"wires touch at {cell}"

    def box(self, row: int, column: int, height: int, width: int) -> None:
        """The frame of a gate. Its ports are drawn over the frame by `port`."""
        corners, flat, upright = self.charset.box[:4], self.charset.box[4], self.charset.box[5]
        last, edge = row + height - 1, column + width - 1
        self.text(row, column, corners[0] + flat * (width - 2) + corners[1], "box")
        self.text(last, column, corners[3] + flat * (width - 2) + corners[2], "box")
        for inside in range(row + 1, last):
            self.text(inside, column, upright, "box")
            self.text(inside, edge, upright, "box")

    def port(self, row: int, column: int, at_right: bool = False) -> None:
        """Turn a piece of a frame into the place where a wire meets it."""
        assert self.cells[row, column][0] == "box", f"no frame at {(row, column)}"
        self.cells[row, column] = ("box", self.charset.box[7 if at_right else 6])

    def rows(self) -> tuple[tuple[Run, ...], ...]:
        """Every row as runs of one ink, without blanks at its end."""
        drawn = {**self.cells, **{cell: self._wire(met) for cell, met in self.arms.items()}}
        rows: list[list[tuple[int, Run]]] = [[] for _ in range(1 + max(r for r, _ in drawn))]
        for (row, column), run in sorted(drawn.items()):
            rows[row].append((column, run))
        return tuple(_runs(row) for row in rows)

    def _wire(self, met: dict[int, int]) -> Run:
        if len(met) == 2:
            return "wire", self.charset.crossing
        wire, arms = next(iter(met.items()))
        ink = "idle" if wire in self.idle else "wire"
        if arms in self.charset.idle and wire in self.idle:
            return ink, self.charset.idle[arms]
        return ink, self.charset.wires.get(arms, self.charset.fork)


def _runs(row: list[tuple[int, Run]]) -> tuple[Run, ...]:
    cells: list[Run] = []
    for column, run in row:
        cells += [("", " ")] * (column - len(cells))
        cells.append(run)
    return tuple((ink, "".join(c for _, c in some)) for ink, some in groupby(cells, lambda r: r[0]))
