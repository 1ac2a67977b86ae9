"""Rows of data copied to where a step reads its batch, in parts where several threads share that."""

from __future__ import annotations

from collections.abc import Sequence

LARGE = 64 * 1024  # bytes of a batch from which on threads share the copying


def gathering(columns: Sequence[int], rows: int, threads: int, team: int) -> tuple[str, str, str]:
    """Text beside `@steps`, at its head, and in a step: `rows` rows are put where the table says.

    columns: the bytes of a row of each. team: where in the table those stand who share work.
    """
    text = _gather(columns)
    if threads == 1 or rows * sum(columns) < LARGE:
        call = f"  call void @gather(ptr %table, ptr %rows.at, ptr %data, i64 0, i64 {rows})"
        return text, "", _FIRST.format(rows=rows) + call
    part = _PART.format(rows=rows, parts=threads)
    return text + part, _TEAM.format(team=team), _FIRST.format(rows=rows) + _SHARE.format(threads)


def _gather(columns: Sequence[int]) -> str:
    places = [_PLACE.format(n=n) for n in range(len(columns))]
    copies = [_COPY.format(n=n, row=row) for n, row in enumerate(columns)]
    return _GATHER.replace("PLACES", "\n".join(places)).replace("COPIES", "\n".join(copies))


_GATHER = """
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)

define internal void @gather(ptr %table, ptr %rows, ptr %data, i64 %from, i64 %to) nounwind {
entry:
PLACES
  br label %look
look:
  %r = phi i64 [%from, %entry], [%r.next, %row]
  %more = icmp slt i64 %r, %to
  br i1 %more, label %row, label %done
row:
  %row.at = getelementptr i64, ptr %rows, i64 %r
  %row.number = load i64, ptr %row.at
COPIES
  %r.next = add i64 %r, 1
  br label %look
done:
  ret void
}
"""

_PLACE = """  %data{n}.at = getelementptr ptr, ptr %data, i64 {n}
  %data{n} = load ptr, ptr %data{n}.at
  %place{n}.at = getelementptr ptr, ptr %table, i64 {n}
  %place{n} = load ptr, ptr %place{n}.at"""

_COPY = """  %from{n}.bytes = mul i64 %row.number, {row}
  %from{n} = getelementptr i8, ptr %data{n}, i64 %from{n}.bytes
  %to{n}.bytes = mul i64 %r, {row}
  %to{n} = getelementptr i8, ptr %place{n}, i64 %to{n}.bytes
  call void @llvm.memcpy.p0.p0.i64(ptr %to{n}, ptr %from{n}, i64 {row}, i1 false)"""

_PART = """
define internal void @gather.part(ptr %given, i64 %part) nounwind {{
  %table = load ptr, ptr %given
  %rows.at = getelementptr ptr, ptr %given, i64 1
  %rows = load ptr, ptr %rows.at
  %data.at = getelementptr ptr, ptr %given, i64 2
  %data = load ptr, ptr %data.at
  %before = mul i64 %part, {rows}
  %from = udiv i64 %before, {parts}
  %after = add i64 %before, {rows}
  %to = udiv i64 %after, {parts}
  call void @gather(ptr %table, ptr %rows, ptr %data, i64 %from, i64 %to)
  ret void
}}
"""

_TEAM = """  %given = alloca [3 x ptr]
  store ptr %table, ptr %given
  %given.rows = getelementptr ptr, ptr %given, i64 1
  %given.data = getelementptr ptr, ptr %given, i64 2
  store ptr %data, ptr %given.data
  %team.at = getelementptr ptr, ptr %table, i64 {team}
  %team = load ptr, ptr %team.at
  %share = load ptr, ptr %team"""

_FIRST = """  %first = mul i64 %i, {rows}
  %rows.at = getelementptr i64, ptr %rows, i64 %first
"""

_SHARE = """  store ptr %rows.at, ptr %given.rows
  call void %share(ptr %team, ptr @gather.part, ptr %given, i64 {})"""
