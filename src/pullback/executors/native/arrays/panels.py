"""The sides of a matrix product as tiles read them: where they lie, or copied to where they lie better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pullback.executors.native.arrays.nest import Body, Index, Placed, lanes_for
from pullback.executors.native.llvm.code import Number

ROWS, COLUMNS = (
    8,
    4,
)  # of b and of a that are packed at a time: few places are read and written then


class Terms(NamedTuple):
    """`deep` of the d terms of every sum, from `first` on."""

    first: Index
    deep: int


class Columns(NamedTuple):
    """`many` panels of b from `column` on, `width` columns each. most: as many as there are at most."""

    column: Index
    many: Index
    width: int
    most: int

    def stride(self, lanes: int) -> int:
        """From row to row of a packed panel."""
        return whole_vectors(self.width, lanes)


class Tiles(NamedTuple):
    """`many` tiles from row `first` on, `height` rows each."""

    first: int
    many: int
    height: int


class Lines(NamedTuple):
    """What a tile reads: number (i, p), or row p of a panel, lies at pointer + i down + p along."""

    pointer: str
    down: int
    along: int


@dataclass(frozen=True)
class Right:
    """Some panels of b in one block of terms. packed: the register that says where to, or ""."""

    body: Body
    b: Placed
    terms: Terms
    columns: Columns
    packed: str

    @property
    def lanes(self) -> int:
        return lanes_for(self.b.kind)

    @property
    def stride(self) -> int:
        return self.columns.stride(self.lanes)

    def panel(self, j: Index) -> Lines:
        """Panel j as tiles read it."""
        if not self.packed:
            return Lines(self._source(j, 0), 0, self.b.view.strides[0])
        return Lines(self._target(j, 0), 0, self.stride)

    def pack(self) -> None:
        """Copy the panels, if they are to be copied; what a row lacks to whole vectors is 0."""
        along, across = self.b.view.strides
        if not (self.packed and self.terms.deep):
            return
        if along == 1 and across != 1:
            self._pack_turned()
        else:
            self._pack_rows()

    def _source(self, j: Index, p: Index) -> str:
        row = self.body.sum_of(0, (self.terms.first, 1), (p, 1))
        column = self.body.sum_of(0, (self.columns.column, 1), (j, self.columns.width))
        return self.body.pointer(self.b, [row, column])

    def _target(self, j: Index, p: Index) -> str:
        at = self.body.sum_of(0, (j, self.terms.deep * self.stride), (p, self.stride))
        return self.body.at(self.packed, at, self.b.kind)

    def _pack_rows(self) -> None:
        """Some rows of b through all panels, then the next: so b is read from end to end."""
        deep = self.terms.deep
        whole = deep - deep % ROWS
        for first, count, several in ((0, whole, ROWS), (whole, deep - whole, 1)):
            if count:
                with self.body.loop(count, several) as p, self.body.loop(self.columns.many) as j:
                    for u in range(several):
                        self._copy(j, self.body.sum_of(first + u, (p, 1)))

    def _copy(self, j: Index, p: Index) -> None:
        """Row p of panel j."""
        body, kind, across = self.body, self.b.kind, self.b.view.strides[1]
        source, target = self._source(j, p), self._target(j, p)
        for at in range(0, self.columns.width, self.lanes):
            some = min(self.lanes, self.columns.width - at)
            x = body.load_from(body.at(source, at * across, kind), kind, some, across)
            body.store(body.widened(x, self.lanes), body.at(target, at, kind))

    def _pack_turned(self) -> None:
        """Columns of b lie one behind the other: squares of them are turned in registers."""
        body, lanes, deep = self.body, self.lanes, self.terms.deep
        whole = deep - deep % lanes
        with body.loop(self.columns.many) as j:
            for first, count, height in ((0, whole, lanes), (whole, deep - whole, deep - whole)):
                if count:
                    with body.loop(count, height) as p:
                        self._turn(j, body.sum_of(first, (p, 1)), height)

    def _turn(self, j: Index, p: Index, height: int) -> None:
        """`height` rows of a panel from row p on, square by square."""
        body, lanes, kind = self.body, self.lanes, self.b.kind
        source, target = self._source(j, p), self._target(j, p)
        for at in range(0, self.columns.width, lanes):
            square = self._square(source, at, (height, min(lanes, self.columns.width - at)))
            for i, x in enumerate(turned(body, square)[:height]):
                body.store(x, body.at(target, i * self.stride + at, kind))

    def _square(self, source: str, at: int, size: tuple[int, int]) -> list[Number]:
        """A vector along d for each of some columns, filled up with zeros to a square."""
        body, lanes, kind, across = self.body, self.lanes, self.b.kind, self.b.view.strides[1]
        height, columns = size
        places = [body.at(source, (at + i) * across, kind) for i in range(columns)]
        zeros = [body.constant(0, kind, lanes)] * (lanes - columns)
        return [body.widened(body.load(x, kind, height), lanes) for x in places] + zeros


@dataclass(frozen=True)
class Left:
    """The rows of a in one block of terms. packed: as of `Right`; a column of a tile is in one piece."""

    body: Body
    a: Placed
    terms: Terms
    packed: str

    def rows(self, row: Index, height: int) -> Lines:
        """`height` rows from `row` on, as a tile reads them."""
        if self.packed:
            return Lines(self._target(row, 0, height), 1, height)
        return Lines(self.body.pointer(self.a, [row, self.terms.first]), *self.a.view.strides)

    def pack(self, tiles: Sequence[Tiles]) -> None:
        """Copy the rows of all tiles, if they are to be copied: some columns of every tile at a time."""
        deep = self.terms.deep if self.packed else 0
        whole = deep - deep % COLUMNS
        for first, count, several in ((0, whole, COLUMNS), (whole, deep - whole, 1)):
            if count:
                with self.body.loop(count, several) as p:
                    places = [self.body.sum_of(first + u, (p, 1)) for u in range(several)]
                    for some in tiles:
                        self._pack(some, places)

    def _pack(self, tiles: Tiles, places: Sequence[Index]) -> None:
        body, kind, height = self.body, self.a.kind, tiles.height
        with body.loop(tiles.many) as t:
            row = body.sum_of(tiles.first, (t, height))
            for p in places:
                at = body.sum_of(0, (self.terms.first, 1), (p, 1))
                source = body.pointer(self.a, [row, at])
                x = body.load_from(source, kind, height, self.a.view.strides[0])
                body.store(x, self._target(row, p, height))

    def _target(self, row: Index, p: Index, height: int) -> str:
        at = self.body.sum_of(0, (row, self.terms.deep), (p, height))
        return self.body.at(self.packed, at, self.a.kind)


def whole_vectors(width: int, lanes: int) -> int:
    """So many columns, filled up to whole vectors.

    >>> whole_vectors(10, 8)
    16
    """
    return -(-width // lanes) * lanes


def turned(body: Body, square: list[Number]) -> list[Number]:
    """A square of vectors with rows and columns exchanged, by halves, quarters, ..."""
    lanes = len(square)
    half = lanes // 2
    while half:
        after = list(square)
        for i in range(lanes):
            if not i & half:
                a, b = square[i], square[i + half]
                low = [x if not x & half else lanes + x - half for x in range(lanes)]
                high = [x + half if not x & half else lanes + x for x in range(lanes)]
                after[i], after[i + half] = _mixed(body, a, b, low), _mixed(body, a, b, high)
        square, half = after, half // 2
    return square


def _mixed(body: Body, a: Number, b: Number, order: list[int]) -> Number:
    said = ", ".join(f"i32 {i}" for i in order)
    return body.emit(f"shufflevector {a}, {b}, <{len(order)} x i32> <{said}>", a.kind, len(order))
