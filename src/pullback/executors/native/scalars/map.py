"""One circuit of single numbers over many points: each point has a lane of a vector register.

Outputs come out point by point, or summed over all points (the pulls on parameters). Sums are made
in splits that depend on the number of points alone, so any number of threads gives the same bits;
a processor with wider vectors may give others.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from pullback.core.circuit import Circuit
from pullback.core.dtypes import FLOAT64
from pullback.executors.native.llvm.code import KINDS, Code, type_of
from pullback.executors.native.llvm.fingerprint import fingerprint
from pullback.executors.native.llvm.interruptible import in_pieces
from pullback.executors.native.llvm.jit import build, vector_bits
from pullback.executors.native.llvm.pool import share
from pullback.executors.native.scalars.loop import addresses, lower_outputs, pointer_in
from pullback.executors.native.scalars.straight import PLAIN, Slots, filled_slots, new_code
from pullback.executors.reference.points import Points

SPLITS = 256  # at most so many partial sums
SMALLEST = 4096  # points in a split


class Lanes(Points):
    """A map as machine code, a lane of a vector register a point.

    Cost: about a quarter of the straight-line time a point with AVX2; memory is the outputs' own.
    """

    def __init__(
        self,
        circuit: Circuit,
        *,
        mapped: Sequence[int],
        summed: Sequence[int] = (),
        threads: int = 1,
        fast: bool = False,
    ) -> None:
        super().__init__(circuit, mapped=mapped, summed=summed)
        self.threads = threads
        self.fixed = tuple(i for i in range(len(circuit.inputs)) if i not in self.mapped)
        self.apart = tuple(o for o in range(len(circuit.outputs)) if o not in self.summed)
        self.lanes = lanes_of(circuit)
        added = [self.dtype(o) for o in self.summed]
        # Of each dtype which summed outputs have it: their partial sums lie in one block.
        self._blocks = {d: [n for n, own in enumerate(added) if own == d] for d in added}
        specs = [circuit.spec_of(circuit.inputs[i]) for i in self.fixed]
        self._is_plain = all(spec.dtype == FLOAT64 for spec in specs)
        self._library = build(
            lambda: _text(self, fast) + _PART,
            ["points", "part"],
            level=0,
            fingerprint=fingerprint(circuit, fast, self.mapped, self.summed),
        )
        self._points = self._library.function("points", None, *_ARGUMENTS)

    def run(self, inputs: Sequence[Any]) -> list[Any]:
        """An array an output, or one number for a summed one; arrays at the mapped inputs."""
        columns = self.columns(inputs)
        fixed = self._slots([inputs[i] for i in self.fixed])
        count = len(columns[0])
        found = [np.empty(count, self.dtype(o)) for o in self.apart]
        whole = count - count % self.lanes
        sums = [self._go([c[:whole] for c in columns], fixed, [f[:whole] for f in found])]
        if count > whole:
            sums.append(self._rest([c[whole:] for c in columns], fixed, [f[whole:] for f in found]))
        outputs: list[Any] = [None] * len(self.circuit.outputs)
        for o, value in zip(self.apart, found, strict=True):
            outputs[o] = value
        for o, value in zip(self.summed, self._totals(sums), strict=True):
            outputs[o] = value
        return outputs

    def _slots(self, values: list[Any]) -> Slots:
        """What all points share, an 8-byte slot each."""
        if self._is_plain and PLAIN.issuperset(map(type, values)):
            return np.array([*values, 0.0])
        return filled_slots(self.circuit, [self.circuit.inputs[i] for i in self.fixed], values)

    def _go(self, columns: list[Slots], fixed: Slots, found: list[Slots]) -> list[Slots]:
        """All whole vectors; for each summed output a partial sum a split and lane, block by block."""
        count = len(columns[0])
        size = max(SMALLEST, -(-count // (SPLITS * self.lanes)) * self.lanes)
        splits = -(-count // size)
        sums = [np.empty((len(o), splits, self.lanes), dtype) for dtype, o in self._blocks.items()]
        tables = (addresses(columns), fixed, addresses(found), self._places(sums))
        places = [t.ctypes.data for t in tables]
        parts = min(self.threads, splits)

        def work(start: int, stop: int) -> None:
            if parts == 1:
                self._points(*places, start, stop, size, count)
            else:
                job = np.array([*places, start, stop, size, count, parts], np.int64)
                share(self._library.address("part"), job.ctypes.data, parts)

        in_pieces(splits, work, first=parts)
        return sums

    def _rest(self, columns: list[Slots], fixed: Slots, found: list[Slots]) -> list[Slots]:
        """The points that fill no vector, filled up with copies of the last one."""
        count = len(columns[0])
        padded = [np.append(c, np.repeat(c[-1:], self.lanes - count)) for c in columns]
        wide = [np.empty(self.lanes, f.dtype) for f in found]
        sums = self._go(padded, fixed, wide)
        for narrow, filled in zip(found, wide, strict=True):
            narrow[:] = filled[:count]
        for partial in sums:
            partial[:, :, count:] = -0.0
        return sums

    def _places(self, blocks: list[Slots]) -> Slots:
        """Where the partial sums of each summed output lie."""
        table = np.zeros(len(self.summed) + 1, np.int64)
        for block, those in zip(blocks, self._blocks.values(), strict=True):
            table[those] = block.ctypes.data + block.strides[0] * np.arange(len(those))
        return table

    def _totals(self, parts: list[list[Slots]]) -> list[Any]:
        """The sum of each output over its partial sums, those of whole vectors first.

        Row by row, then lane by lane: an order that nothing but the number of points decides.
        """
        found: list[Any] = [None] * len(self.summed)
        for those, blocks in zip(self._blocks.values(), zip(*parts, strict=True), strict=True):
            block = np.concatenate(blocks, axis=1)
            sums = np.add.reduce(np.add.reduce(block, axis=1), axis=1)
            for o, total in zip(those, sums, strict=True):
                found[o] = total
        return found


def lanes_of(circuit: Circuit) -> int:
    """How many points go side by side: a register full of the widest real number.

    Two registers' worth would hide more waiting, but spills more than that is worth.
    """
    sizes = [spec.dtype.itemsize for spec in circuit.specs if spec.dtype.kind == "f"]
    return vector_bits() // 8 // max(sizes, default=8)


# Text

_ARGUMENTS = (*[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 4)

# The stack begins where a register's worth may lie: what does not fit the registers lies there.
_HEAD = """define void @points(ptr noalias %columns, ptr noalias %fixed, ptr noalias %found,
    ptr noalias %sums, i64 %from, i64 %to, i64 %size, i64 %count) alignstack({register}) nounwind {{"""


def _text(plan: Lanes, fast: bool) -> str:
    """Two loops: over splits, and over the vectors of one split."""
    code = new_code(plan.circuit, fast=fast)
    code.lines.append("entry:")
    columns = [pointer_in(code, "%columns", n) for n in range(len(plan.mapped))]
    found = [pointer_in(code, "%found", n) for n in range(len(plan.apart))]
    sums = [pointer_in(code, "%sums", n) for n in range(len(plan.summed))]
    kinds = [KINDS[plan.dtype(o)] for o in plan.summed]
    for n, kind in enumerate(kinds):
        code.line(f"%sum{n} = alloca {type_of(kind, plan.lanes)}")
    inputs = {}
    for n, i in enumerate(plan.fixed):
        value = code.load(code.at("%fixed", n, "double"), _kind(plan, i))
        inputs[i] = code.splat(value, plan.lanes)
    _begin_split(code)
    for n, kind in enumerate(kinds):
        code.store(code.constant(-0.0, kind, plan.lanes), f"%sum{n}")
    _begin_vector(code)
    for pointer, i in zip(columns, plan.mapped, strict=True):
        inputs[i] = code.load(code.at(pointer, "%i", _kind(plan, i)), _kind(plan, i), plan.lanes)
    outputs = lower_outputs(code, plan.circuit, inputs)
    for pointer, o in zip(found, plan.apart, strict=True):
        code.store(outputs[o], code.at(pointer, "%i", outputs[o].kind))
    for n, o in enumerate(plan.summed):
        code.store(code.load(f"%sum{n}", kinds[n], plan.lanes) + outputs[o], f"%sum{n}")
    _end_vector(code, plan.lanes)
    for n, (pointer, kind) in enumerate(zip(sums, kinds, strict=True)):
        code.store(code.load(f"%sum{n}", kind, plan.lanes), code.at(pointer, "%sum.at", kind))
    _end_split(code)
    head = _HEAD.format(register=vector_bits() // 8)
    return "\n".join([code.module(), head, *code.lines, "}"])


def _kind(plan: Lanes, i: int) -> str:
    return KINDS[plan.circuit.spec_of(plan.circuit.inputs[i]).dtype]


def _begin_split(code: Code) -> None:
    code.line("br label %split")
    code.block("split")
    code.line("%s = phi i64 [%from, %entry], [%s.next, %ended]")
    code.line("%start = mul i64 %s, %size")
    code.line("%full = add i64 %start, %size")
    code.line("%cut = icmp sgt i64 %full, %count")
    code.line("%stop = select i1 %cut, i64 %count, i64 %full")


def _begin_vector(code: Code) -> None:
    code.line("br label %vector")
    code.block("vector")
    code.line("%i = phi i64 [%start, %split], [%next, %vector]")


def _end_vector(code: Code, lanes: int) -> None:
    code.line(f"%next = add i64 %i, {lanes}")
    code.line("%more = icmp slt i64 %next, %stop")
    code.line("br i1 %more, label %vector, label %ended")
    code.block("ended")
    code.line(f"%sum.at = mul i64 %s, {lanes}")


def _end_split(code: Code) -> None:
    code.line("%s.next = add i64 %s, 1")
    code.line("%again = icmp slt i64 %s.next, %to")
    code.line("br i1 %again, label %split, label %done")
    code.block("done")
    code.line("ret void")


# What a thread does of the splits of a job: the arguments of @points, and behind them how many parts.
_PART = "\n".join([
    "\ndefine void @part(ptr %job, i64 %part) nounwind {",
    *[f"  %at{n} = getelementptr i64, ptr %job, i64 {n}\n"
      f"  %a{n} = load {'ptr' if n < 4 else 'i64'}, ptr %at{n}" for n in range(9)],
    """  %many = sub i64 %a5, %a4
  %later = add i64 %part, 1
  %before.all = mul i64 %part, %many
  %before = udiv i64 %before.all, %a8
  %after.all = mul i64 %later, %many
  %after = udiv i64 %after.all, %a8
  %from = add i64 %a4, %before
  %to = add i64 %a4, %after
  %some = icmp slt i64 %from, %to
  br i1 %some, label %go, label %done
go:
  call void @points(ptr %a0, ptr %a1, ptr %a2, ptr %a3, i64 %from, i64 %to, i64 %a6, i64 %a7)
  br label %done
done:
  ret void
}"""])  # fmt: skip
