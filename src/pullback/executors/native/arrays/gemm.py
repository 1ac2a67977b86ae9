"""Matrix products of fixed shape: y = a b with a tile of y in registers, and an epilogue on the tile.

Each element of y is one chain of fused multiply-adds over d, in order, starting from 0: so neither
tiles, blocks nor threads change a bit. A long sum is made in blocks of its terms and waits in memory
between them, so that the panels of b packed for one block stay in the caches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pullback.executors.native.arrays.nest import Body, Index, Placed, lanes_for
from pullback.executors.native.arrays.panels import (
    Columns,
    Left,
    Lines,
    Right,
    Terms,
    Tiles,
    whole_vectors,
)
from pullback.executors.native.llvm.code import KINDS, SIZES, Number
from pullback.executors.native.llvm.jit import has_fma, is_arm, vector_bits
from pullback.passes.planning.views import View

# What becomes of a piece of y: (y, rows down, columns right of the tile's corner).
Piece = Callable[[Number, int, int], None]
# (row, column of a tile's corner) -> what becomes of its pieces.
Epilogue = Callable[[Index, Index], Piece]
Place = tuple[int, int]  # of a vector in a tile: rows down, columns right

NEAR = 16 * 1024  # bytes that stay in the nearest cache beside everything else
# (more tiles of rows, more bytes over which b lies): then b is packed; else it stays near as it is.
PACKED_FROM = ((8, 48 * 1024), (2, 256 * 1024), (1, 4 * 1024 * 1024))
DEEP = 32 * 1024  # bytes of a whole panel in one block of terms: they stay in the nearest cache
WIDE = 1024 * 1024  # bytes of panels packed at a time: they stay in the next one or the one after
LINE, WAY = 64, 4096  # bytes of a cache line, and how far apart lines lie that share a place there
UNROLL = 2  # terms a turn


def register_tile() -> tuple[int, int]:
    """The most rows and vectors a tile: sums, a row of b and a number of a fill the registers."""
    if vector_bits() == 512:
        return 13, 2
    if is_arm():
        return 6, 4
    return (6, 2) if has_fma() else (4, 2)  # else each product needs a register of its own


@dataclass(frozen=True)
class Blocking:
    """How y (n, k) = a (n, d) b (d, k) is cut to suit the caches, and where in the scratch things lie."""

    a: View
    b: View

    @property
    def lanes(self) -> int:
        return lanes_for(KINDS[self.b.dtype])

    @property
    def width(self) -> int:
        """Columns of a whole panel: so many that few rows, too, fill the registers."""
        (rows, vectors), n = register_tile(), self.a.shape[-2]
        is_turned = self.b.strides[-1] != 1  # turning so many columns would take much code
        return self.lanes * max(vectors, 0 if is_turned else rows * vectors // max(n, 1))

    @property
    def blocks(self) -> int:
        """Into how many blocks of `deep` terms a sum is cut; the last one may be shorter."""
        return max(-(-self.a.shape[-1] // self.deep), 1)

    @cached_property
    def deep(self) -> int:
        d, k = self.a.shape[-1], self.b.shape[-1]
        width = min(self.width, whole_vectors(k, self.lanes))
        most = DEEP // (width * self.b.dtype.itemsize)
        return max(-(-d // max(-(-d // most), 1)), 1)

    @cached_property
    def panels(self) -> int:
        """How many panels make a group: those that are packed together."""
        count = max(self.b.shape[-1] // self.width, 1)
        packed = count * self.width * self.deep * self.b.dtype.itemsize
        groups = -(-packed // WIDE) if self.packs_right(self.width) else 1
        return -(-count // groups)

    def packs_right(self, width: int) -> bool:
        """Whether panels that wide are packed: turned and ragged ones, and those read often and from afar."""
        (n, d), (along, across) = self.a.shape[-2:], self.b.strides[-2:]
        tiles, spread = n / register_tile()[0], d * abs(along) * self.b.dtype.itemsize
        often = any(tiles > many and spread > size for many, size in PACKED_FROM)
        return across != 1 or width % self.lanes != 0 or often

    @cached_property
    def packs_left(self) -> bool:
        """Whether tiles are packed: their columns, so far apart, push each other out of the caches."""
        d, (down, along) = self.a.shape[-1], self.a.strides[-2:]
        step = abs(along) * self.a.dtype.itemsize
        room = d * max(math.gcd(step, WAY), LINE)
        panels = self.b.shape[-1] / self.width
        return down == 1 and step >= LINE and room > (NEAR if panels > 1 else 4 * NEAR)

    # The scratch, in elements: panels of b, tiles of a, sums that are not whole yet.

    @cached_property
    def left(self) -> int:
        k, width = self.b.shape[-1], self.width
        whole = self.panels * width if k >= width and self.packs_right(width) else 0
        rest = whole_vectors(k % width, self.lanes) if self.packs_right(k % width) else 0
        return max(whole, rest) * self.deep

    @cached_property
    def sums(self) -> int:
        packed = self.a.shape[-2] * self.deep if self.packs_left else 0
        return self.left + whole_vectors(packed, self.width)

    @cached_property
    def size(self) -> int:
        unfinished = self.a.shape[-2] * self.panels * self.width if self.blocks > 1 else 0
        return self.sums + unfinished


def scratch_size(a: View, b: View) -> int:
    """Bytes that packing and unfinished sums may need."""
    return Blocking(a, b).size * b.dtype.itemsize


class _Corner(NamedTuple):
    """Where a tile begins, and how high it is: panel j of some columns."""

    row: Index
    height: int
    columns: Columns
    j: Index


@dataclass(frozen=True)
class Gemm:
    """y (n, k) = a (n, d) b (d, k); the epilogue gets each piece of y. 2 n d k flops.

    a may have any strides. scratch: the register that points to `scratch_size` bytes. beside: what
    the epilogue reads and writes, shaped as y; what is large is fetched while the tile is computed.
    """

    body: Body
    a: Placed
    b: Placed
    scratch: str
    epilogue: Epilogue
    beside: Sequence[Placed] = ()

    @property
    def kind(self) -> str:
        return self.a.kind

    @property
    def lanes(self) -> int:
        return lanes_for(self.kind)

    @cached_property
    def blocking(self) -> Blocking:
        return Blocking(self.a.view, self.b.view)

    def write(self) -> None:
        """The loops: over groups of panels, blocks of terms, tiles of rows, and the panels of the group."""
        for start, count, width in self._widths():
            most = min(count, self.blocking.panels)
            with self.body.loop(-(-count // most)) as g:
                here: Index = most
                if count % most:
                    here = self.body.least(most, self.body.sum_of(count, (g, -most)))
                column = self.body.sum_of(start, (g, most * width))
                self._group(Columns(column, here, width, most))

    def _widths(self) -> Iterator[tuple[int, int, int]]:
        """(first column, how many, width) of equally wide panels that cover all columns."""
        k, width = self.b.view.shape[-1], self.blocking.width
        if k >= width:
            yield 0, k // width, width
        if k % width:
            yield k - k % width, 1, k % width

    def _group(self, columns: Columns) -> None:
        """Block after block; the last one ends the sums."""
        deep, blocks = self.blocking.deep, self.blocking.blocks
        if blocks > 1:
            size = self.a.view.shape[0] * columns.most * columns.stride(self.lanes)
            self.body.clear(self._at(self.blocking.sums), size * SIZES[self.kind])
            with self.body.loop(blocks - 1) as m:
                terms = Terms(self.body.sum_of(0, (m, deep)), deep)
                self._block(columns, terms, is_last=False)
        first = (blocks - 1) * deep
        self._block(columns, Terms(first, self.a.view.shape[1] - first), is_last=True)

    def _block(self, columns: Columns, terms: Terms, *, is_last: bool) -> None:
        """Each tile's rows of a are near while the panels go by."""
        body, tiles = self.body, list(self._tiles(columns.width))
        right = Right(body, self.b, terms, columns, self._packed_right(columns.width))
        left = Left(body, self.a, terms, self._packed_left)
        right.pack()
        left.pack(tiles)
        for some in tiles:
            with body.loop(some.many) as t:
                row = body.sum_of(some.first, (t, some.height))
                with body.loop(columns.many) as j:
                    corner = _Corner(row, some.height, columns, j)
                    self._tile(corner, left, right, is_last)

    def _tiles(self, width: int) -> Iterator[Tiles]:
        """Tiles of nearly the same height: none is slow for being small. Narrow ones may be taller."""
        n, (rows, vectors) = self.a.view.shape[0], register_tile()
        most = rows if self.blocking.packs_left else rows * vectors // -(-width // self.lanes)
        tiles = -(-n // most)
        tall, small = -(-n // tiles), n // tiles
        split = n - small * tiles  # so many tiles are one row taller
        for first, count, height in ((0, split, tall), (split * tall, tiles - split, small)):
            if count:
                yield Tiles(first, count, height)

    # The scratch

    def _at(self, place: Index) -> str:
        return self.body.at(self.scratch, place, self.kind)

    def _packed_right(self, width: int) -> str:
        return self._at(0) if self.blocking.packs_right(width) else ""

    @property
    def _packed_left(self) -> str:
        return self._at(self.blocking.left) if self.blocking.packs_left else ""

    def _waiting(self, corner: _Corner) -> dict[Place, str]:
        """Where the sums of a tile wait for the next block of terms: one tile behind the other."""
        if self.blocking.blocks == 1:
            return {}
        row, height, columns, j = corner
        wide = columns.stride(self.lanes)
        terms = (row, columns.most * wide), (j, height * wide)
        start = self._at(self.body.sum_of(self.blocking.sums, *terms))
        return {p: self.body.at(start, p[0] * wide + p[1], self.kind) for p in self._places(corner)}

    def _places(self, corner: _Corner) -> list[Place]:
        """Where in a tile each vector begins."""
        columns = range(0, corner.columns.stride(self.lanes), self.lanes)
        return [(i, j) for i in range(corner.height) for j in columns]

    # One tile

    def _tile(self, corner: _Corner, left: Left, right: Right, is_last: bool) -> None:
        """Take up the sums, add this block's terms, and lay them down again or hand them on."""
        body, kind, lanes = self.body, self.kind, self.lanes
        sums = {place: body.slot(kind, lanes) for place in self._places(corner)}
        waiting = self._waiting(corner)
        for place, slot in sums.items():
            zero = body.constant(0, kind, lanes)
            body.store(body.load(waiting[place], kind, lanes) if waiting else zero, slot)
        column = body.sum_of(0, (corner.columns.column, 1), (corner.j, corner.columns.width))
        if is_last:
            self._fetch(corner, column)
        sides = left.rows(corner.row, corner.height), right.panel(corner.j)
        self._add(*sides, left.terms.deep, sums)
        if is_last:
            self._hand_on(corner, column, sums)
            return
        for place, slot in sums.items():
            body.store(body.load(slot, kind, lanes), waiting[place])

    def _hand_on(self, corner: _Corner, column: Index, sums: Mapping[Place, str]) -> None:
        """Each vector to the epilogue, without the lanes that lie right of y."""
        use = self.epilogue(corner.row, column)
        for (i, j), slot in sums.items():
            y = self.body.load(slot, self.kind, self.lanes)
            use(self.body.part(y, 0, min(self.lanes, corner.columns.width - j)), i, j)

    def _add(self, rows: Lines, panel: Lines, deep: int, sums: Mapping[Place, str]) -> None:
        """sums += the rows of a times the panel of b, a few terms a turn."""
        whole = deep - deep % UNROLL
        for first, count, unroll in ((0, whole, UNROLL), (whole, deep - whole, 1)):
            if count:
                with self.body.loop(count, unroll) as p:
                    for u in range(unroll):
                        self._term(rows, panel, self.body.sum_of(first + u, (p, 1)), sums)

    def _term(self, rows: Lines, panel: Lines, p: Index, sums: Mapping[Place, str]) -> None:
        """sums += column p of the rows of a, times row p of the panel."""
        body, kind, lanes = self.body, self.kind, self.lanes
        column, line = (
            body.at(x.pointer, body.sum_of(0, (p, x.along)), kind) for x in (rows, panel)
        )
        right = {j: body.load(body.at(line, j, kind), kind, lanes) for i, j in sums if i == 0}
        for i in dict.fromkeys(i for i, _ in sums):
            x = body.splat(body.load(body.at(column, i * rows.down, kind), kind), lanes)
            for j, b in right.items():
                slot = sums[i, j]
                y = body.load(slot, kind, lanes)
                body.store(body.fma(x, b, y) if x.is_real else x * b + y, slot)

    def _fetch(self, corner: _Corner, column: Index) -> None:
        """Ask for what the epilogue will need of this tile, where that is not near anyway."""
        for at in self.beside:
            down, right = at.view.strides
            if right == 1 and at.view.bytes > NEAR:
                start = self.body.pointer(at, [corner.row, column])
                for i in range(corner.height):
                    self.body.fetch(self.body.at(start, i * down, at.kind))
