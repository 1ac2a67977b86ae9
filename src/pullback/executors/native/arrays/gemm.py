"""Matrix products of fixed shape: y = a b with a tile of y in registers, and an epilogue on the tile.

Each element of y is one chain of fused multiply-adds over d, in order, starting from 0: so neither
tiles nor threads change a bit. A panel of b that is turned, ragged or far apart is packed first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pullback.executors.native.arrays.nest import Body, Index, Placed, View, lanes_for
from pullback.executors.native.code import SIZES, Number
from pullback.executors.native.jit import vector_bits

# What becomes of a piece of y: (y, rows down, columns right of the tile's corner).
Piece = Callable[[Number, int, int], None]
# (row, column of a tile's corner) -> what becomes of its pieces.
Epilogue = Callable[[Index, Index], Piece]

NEAR = 16 * 1024  # bytes that stay in the nearest cache beside everything else
PACKED_FROM = 16 * 1024  # bytes of b that a panel touches; smaller ones stay in the nearest cache


def register_tile() -> tuple[int, int]:
    """The most rows and vectors a tile: accumulators, a row of b and one of a fill the registers."""
    return (14, 2) if vector_bits() == 512 else (6, 2)


def scratch_size(a: View, b: View) -> int:
    """Bytes that packing may need: a panel of b, and all of a where that is packed."""
    (n, d), k, lanes = a.shape[-2:], b.shape[-1], lanes_for(b.kind)
    panel = d * min(register_tile()[1] * lanes, -(-k // lanes) * lanes)
    return (panel + (n * d if is_scattered(a) else 0)) * SIZES[b.kind]


def is_scattered(a: View) -> bool:
    """Whether the columns of a tile lie so far apart that they push each other out of the caches."""
    d, (down, along) = a.shape[-1], a.strides[-2:]
    step = abs(along) * SIZES[a.kind]
    return down == 1 and step >= 64 and (d >= 256 or (d >= 16 and step % 4096 == 0))


class _Panel(NamedTuple):
    """`width` columns of b from `column` on, as tiles read them: row p begins at pointer + p stride."""

    column: Index
    width: int
    pointer: str
    stride: int


class _Left(NamedTuple):
    """The rows of a that a tile takes: (i, p) lies at pointer + i down + p along."""

    pointer: str
    down: int
    along: int


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
        return self.a.view.kind

    @property
    def lanes(self) -> int:
        return lanes_for(self.kind)

    def write(self) -> None:
        """The loops: over panels of columns, over tiles of rows."""
        if is_scattered(self.a.view):
            self._pack_left()
        for start, count, width in self._panels():
            with self.body.loop(count) as panel:
                column = self.body.sum_of(start, (panel, width))
                self._rows(self._panel(column, width))

    def _panels(self) -> Iterator[tuple[int, int, int]]:
        """(first column, how many, width) of equally wide panels that cover all columns."""
        k = self.b.view.shape[-1]
        width = self.lanes * register_tile()[1]
        if k >= width:
            yield 0, k // width, width
        if k % width:
            yield k - k % width, 1, k % width

    # Packing

    def _panel(self, column: Index, width: int) -> _Panel:
        body, lanes, (along, across) = self.body, self.lanes, self.b.view.strides
        start = body.pointer(self.b, [0, column])
        often = self.a.view.shape[0] > register_tile()[0]
        touched = self.a.view.shape[1] * max(width, min(abs(along), 64)) * SIZES[self.kind]
        if across == 1 and width % lanes == 0 and not (often and touched > PACKED_FROM):
            return _Panel(column, width, start, along)
        packed = _Panel(column, width, self.scratch, -(-width // lanes) * lanes)
        if along == 1 and across != 1:
            self._pack_turned(start, packed)
        else:
            self._pack(start, packed)
        return packed

    @property
    def _left(self) -> str:
        """Where a is packed: tile by tile, a column of a tile in one piece."""
        d = self.a.view.shape[1]
        size = scratch_size(self.a.view._replace(strides=(d, 1)), self.b.view)
        return self.body.at(self.scratch, size // SIZES[self.kind], self.kind)

    def _pack_left(self) -> None:
        """Four columns of every tile, then the next four: few places are read and written at a time."""
        body, down, d = self.body, self.a.view.strides[0], self.a.view.shape[1]
        left = self._left
        for start, many, at_once in ((0, d - d % 4, 4), (d - d % 4, d % 4, 1)):
            if not many:
                continue
            with body.loop(many, at_once) as block:
                for first, count, height in self._tiles(register_tile()[0]):
                    with body.loop(count) as t:
                        row = body.sum_of(first, (t, height))
                        for u in range(at_once):
                            p = body.sum_of(start + u, (block, 1))
                            source = body.pointer(self.a, [row, p])
                            x = body.load_from(source, self.kind, height, down)
                            at = body.sum_of(0, (row, d), (p, height))
                            body.store(x, body.at(left, at, self.kind))

    def _pack(self, start: str, packed: _Panel) -> None:
        body, (along, across) = self.body, self.b.view.strides
        with body.loop(self.a.view.shape[1]) as p:
            source = body.at(start, body.sum_of(0, (p, along)), self.kind)
            target = body.at(self.scratch, body.sum_of(0, (p, packed.stride)), self.kind)
            for j in range(0, packed.width, self.lanes):
                some = min(self.lanes, packed.width - j)
                at = body.at(source, j * across, self.kind)
                x = body.widened(body.load_from(at, self.kind, some, across), self.lanes)
                body.store(x, body.at(target, j, self.kind))

    def _pack_turned(self, start: str, packed: _Panel) -> None:
        """Columns of b lie one behind the other: squares of them are turned in registers."""
        body, lanes, d = self.body, self.lanes, self.a.view.shape[1]
        whole = d - d % lanes
        for first, count, height in ((0, whole, lanes), (whole, d - whole, d - whole)):
            if not count:
                continue
            with body.loop(count, height) as p:
                row = body.sum_of(first, (p, 1))
                for j in range(0, packed.width, lanes):
                    square = self._square(start, row, j, (height, min(lanes, packed.width - j)))
                    for i, x in enumerate(turned(body, square)[:height]):
                        at = body.sum_of(i * packed.stride + j, (row, packed.stride))
                        body.store(x, body.at(self.scratch, at, self.kind))

    def _square(self, start: str, row: Index, j: int, size: tuple[int, int]) -> list[Number]:
        """A vector along d for each of some columns, filled up with zeros to a square."""
        body, lanes, across = self.body, self.lanes, self.b.view.strides[1]
        height, columns = size
        places = [body.sum_of((j + i) * across, (row, 1)) for i in range(columns)]
        loaded = [body.load(body.at(start, at, self.kind), self.kind, height) for at in places]
        zeros = [body.constant(0, self.kind, lanes)] * (lanes - columns)
        return [body.widened(x, lanes) for x in loaded] + zeros

    # Tiles

    def _tiles(self, most: int) -> Iterator[tuple[int, int, int]]:
        """(first row, how many, height) of tiles of nearly the same height: none is slow for being small."""
        n = self.a.view.shape[0]
        tiles = -(-n // most)
        tall, small = -(-n // tiles), n // tiles
        split = n - small * tiles  # so many tiles are one row taller
        for first, count, height in ((0, split, tall), (split * tall, tiles - split, small)):
            if count:
                yield first, count, height

    def _rows(self, panel: _Panel) -> None:
        """All rows of one panel. A narrow one may have taller tiles, unless a is packed in tiles."""
        rows, vectors = register_tile()
        scattered = is_scattered(self.a.view)
        most = rows if scattered else rows * vectors // -(-panel.width // self.lanes)
        for first, count, height in self._tiles(most):
            with self.body.loop(count) as t:
                row = self.body.sum_of(first, (t, height))
                if scattered:
                    at = self.body.sum_of(0, (row, self.a.view.shape[1]))
                    left = _Left(self.body.at(self._left, at, self.kind), 1, height)
                else:
                    left = _Left(self.body.pointer(self.a, [row, 0]), *self.a.view.strides)
                self._tile(row, height, left, panel)

    def _tile(self, row: Index, height: int, left: _Left, panel: _Panel) -> None:
        body, kind, lanes = self.body, self.kind, self.lanes
        vectors = -(-panel.width // lanes)
        sums = [[body.slot(kind, lanes) for _ in range(vectors)] for _ in range(height)]
        for slot in (s for line in sums for s in line):
            body.store(body.constant(0, kind, lanes), slot)
        self._fetch(row, height, panel)
        for first, count, unroll in _unrolled(self.a.view.shape[1]):
            with body.loop(count, unroll) as p:
                for u in range(unroll):
                    self._multiply(left, body.sum_of(first + u, (p, 1)), panel, sums)
        use = self.epilogue(row, panel.column)
        for i, line in enumerate(sums):
            for j, slot in enumerate(line):
                some = min(lanes, panel.width - j * lanes)
                use(body.part(body.load(slot, kind, lanes), 0, some), i, j * lanes)

    def _fetch(self, row: Index, height: int, panel: _Panel) -> None:
        """Ask for what the epilogue will need of this tile, where that is not near anyway."""
        for at in self.beside:
            down, right = at.view.strides
            if right == 1 and at.view.size * SIZES[at.view.kind] > NEAR:
                corner = self.body.pointer(at, [row, panel.column])
                for i in range(height):
                    self.body.fetch(self.body.at(corner, i * down, at.view.kind))

    def _multiply(self, left: _Left, p: Index, panel: _Panel, sums: list[list[str]]) -> None:
        """sums += column p of the tile's rows of a, times row p of the panel."""
        body, kind, lanes = self.body, self.kind, self.lanes
        at = body.at(panel.pointer, body.sum_of(0, (p, panel.stride)), kind)
        right = [body.load(body.at(at, j * lanes, kind), kind, lanes) for j in range(len(sums[0]))]
        column = body.at(left.pointer, body.sum_of(0, (p, left.along)), kind)
        for i, line in enumerate(sums):
            x = body.splat(body.load(body.at(column, i * left.down, kind), kind), lanes)
            for slot, b in zip(line, right, strict=True):
                y = body.load(slot, kind, lanes)
                body.store(body.fma(x, b, y) if x.is_real else x * b + y, slot)


def _unrolled(d: int) -> Iterator[tuple[int, int, int]]:
    """(first, count, unroll): most of d two at a time."""
    if d >= 2:
        yield 0, d - d % 2, 2
    if d % 2:
        yield d - 1, 1, 1


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
