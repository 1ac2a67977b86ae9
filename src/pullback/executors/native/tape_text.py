"""The machine that runs a tape, as LLVM text: two loops with one case for each kind of row.

Cases are written from the gates' own values and pull rules (`lower.py`), so nothing is said twice. Each
case jumps to the next one by itself, and what the entry before put out stays in a register: most
gates listen to it, and memory would answer later.
"""

from __future__ import annotations

from collections.abc import Sequence

from pullback.executors.native.code import FAST, Code, Number
from pullback.executors.native.jit import has_fma
from pullback.executors.native.lower import lower_row, lower_rows
from pullback.executors.native.tape_plan import Kind
from pullback.passes.pull import pull_template

_TEXT = """{module}
@{name}.cases = internal constant [{count} x ptr] [{table}]
define void @{name}(ptr noalias %op, ptr noalias %a, ptr noalias %b, ptr noalias %values,
    i64 %start, i64 %from, i64 %to, ptr noalias %pulls) nounwind {{
entry:
  %own = getelementptr double, ptr %values, i64 %start
  %own.pulls = getelementptr double, ptr %pulls, i64 %start
  %before.first = sub i64 %start, 1
{begin}
  br label %next
next:
  %i = phi i64 [%begin, %entry], {indices}
  %carried = phi double [%begin.carried, %entry], {carried}
  %kind.at = getelementptr i8, ptr %op, i64 %i
  %kind = load i8, ptr %kind.at
  %kind.wide = zext i8 %kind to i64
  %case.at = getelementptr ptr, ptr @{name}.cases, i64 %kind.wide
  %case = load ptr, ptr %case.at
  %a.at = getelementptr i32, ptr %a, i64 %i
  %b.at = getelementptr i32, ptr %b, i64 %i
  %ia32 = load i32, ptr %a.at
  %ib32 = load i32, ptr %b.at
  %ia = zext i32 %ia32 to i64
  %ib = zext i32 %ib32 to i64
  %before = add i64 %before.first, %i
  %va.at = getelementptr double, ptr %values, i64 %ia
  %vb.at = getelementptr double, ptr %values, i64 %ib
  %y.at = getelementptr double, ptr %own, i64 %i
{fetch}
  indirectbr ptr %case, [{labels}]
{blocks}
out:
  ret void
}}"""

# Forward, the value at the place before is carried; backward, the pull on the entry itself.
_FORWARD = {
    "begin": """  %begin = add i64 %from, 0
  %begin.before = add i64 %before.first, %from
  %begin.at = getelementptr double, ptr %values, i64 %begin.before
  %begin.carried = load double, ptr %begin.at""",
    "fetch": """  %va.kept = load double, ptr %va.at
  %vb.kept = load double, ptr %vb.at
  %a.just = icmp eq i64 %ia, %before
  %b.just = icmp eq i64 %ib, %before
  %va = select i1 %a.just, double %carried, double %va.kept
  %vb = select i1 %b.just, double %carried, double %vb.kept""",
}
_BACKWARD = {
    "begin": """  %begin = sub i64 %to, 1
  %stop = sub i64 %from, 1
  %begin.at = getelementptr double, ptr %own.pulls, i64 %begin
  %begin.carried = load double, ptr %begin.at""",
    "fetch": """  %va = load double, ptr %va.at
  %vb = load double, ptr %vb.at
  %y = load double, ptr %y.at
  %dy.at = getelementptr double, ptr %own.pulls, i64 %i
  %pull.a.at = getelementptr double, ptr %pulls, i64 %ia
  %pull.b.at = getelementptr double, ptr %pulls, i64 %ib
  %before.at = getelementptr double, ptr %pulls, i64 %before
  %waiting = load double, ptr %before.at""",
}


def forward_text(kinds: Sequence[Kind], *, fast: bool) -> str:
    """`void @forward(op, a, b, values, start, from, to, _)`: entries from..to, one after the other."""
    loop = _Loop("add i64 %i, 1", "%to", fast)
    loop.close(0, "0.0")
    for number, kind in enumerate(kinds, 1):
        loop.open(number)
        loop.close(number, _put_out(loop.code, kind))
    return loop.text("forward", _FORWARD)


def backward_text(kinds: Sequence[Kind], *, fast: bool) -> str:
    """`void @backward(op, a, b, values, start, from, to, pulls)`: entries from..to, the last first."""
    loop = _Loop("sub i64 %i, 1", "%stop", fast)
    loop.close(0, "%waiting")
    for number, kind in enumerate(kinds, 1):
        loop.open(number)
        loop.close(number, _pull(loop.code, kind))
    return loop.text("backward", _BACKWARD)


class _Loop:
    """The cases of one loop, each with its own step to the next entry."""

    def __init__(self, step: str, stop: str, fast: bool) -> None:
        self.step, self.stop = step, stop
        self.code = Code(flags=FAST if fast else "", fused=has_fma(), inline=False)
        self.indices: list[str] = []
        self.carried: list[str] = []
        self.open(0)

    def open(self, number: int) -> None:
        self.code.block(f"kind.{number}")

    def close(self, number: int, carried: str) -> None:
        """The end of a case, which hands `carried` on."""
        up, end = self.code.fresh(), self.code.fresh()
        self.code.line(f"{up} = {self.step}")
        self.code.line(f"{end} = icmp eq i64 {up}, {self.stop}")
        self.code.line(f"br i1 {end}, label %out, label %next")
        self.indices.append(f"[{up}, %kind.{number}]")
        self.carried.append(f"[{carried}, %kind.{number}]")

    def text(self, name: str, parts: dict[str, str]) -> str:
        count = len(self.indices)
        return _TEXT.format(
            name=name,
            module=self.code.module(),
            count=count,
            table=", ".join(f"ptr blockaddress(@{name}, %kind.{k})" for k in range(count)),
            labels=", ".join(f"label %kind.{k}" for k in range(count)),
            indices=", ".join(self.indices),
            carried=", ".join(self.carried),
            blocks="\n".join(self.code.lines),
            **parts,
        )


def _put_out(code: Code, kind: Kind) -> str:
    """Store the value of one entry. What is carried on, if it is a float64."""
    value = lower_row(code, kind.gate, _inputs(code, kind), kind.attributes, kind.kind, 1)
    code.store(value, "%y.at")
    return value.text if value.kind == "double" else "0.0"


def _pull(code: Code, kind: Kind) -> str:
    """Add the pulls of one entry to those on its inputs, in their order. The pull on the entry before."""
    waiting = code.number("%waiting", "double")
    if not kind.pulled:
        return waiting.text
    circuit, kept = pull_template(kind.use)
    dy = _as(code, "%carried", "%dy.at", kind.kind)
    y = _as(code, "%y", "%y.at", kind.kind)
    values = lower_rows(code, circuit, [dy, y, *_inputs(code, kind)])
    pulls = iter(circuit.outputs)
    for column, k in enumerate(kept):
        pull = values[next(pulls)] if k else None
        if pull is not None:
            index, at = _pull_place(code, column)
            total = code.load(at, pull.kind) + pull
            code.store(total, at)
            if pull.kind == "double":
                just = code.compare("eq", code.number(index, "i64"), code.number("%before", "i64"))
                waiting = code.select(just, total, waiting)
    return waiting.text


def _inputs(code: Code, kind: Kind) -> list[Number]:
    """The inputs of an entry; the third and fourth stand in the entry behind it."""
    found = []
    for column, k in enumerate(kind.kinds):
        if column < 2:
            found.append(_as(code, ("%va", "%vb")[column], ("%va.at", "%vb.at")[column], k))
        else:
            found.append(code.load(code.at("%values", _behind(code, column), "double"), k))
    return found


def _as(code: Code, fetched: str, at: str, kind: str) -> Number:
    """A number that is fetched already if it is a float64."""
    return code.number(fetched, kind) if kind == "double" else code.load(at, kind)


def _pull_place(code: Code, column: int) -> tuple[str, str]:
    """The place of an input, and where the pull on it is."""
    if column < 2:
        return ("%ia", "%ib")[column], ("%pull.a.at", "%pull.b.at")[column]
    index = _behind(code, column)
    return index, code.at("%pulls", index, "double")


def _behind(code: Code, column: int) -> str:
    """The place that the entry behind this one names for input 2 or 3."""
    at, short, index = code.fresh(), code.fresh(), code.fresh()
    code.line(f"{at} = getelementptr i32, ptr {('%a.at', '%b.at')[column - 2]}, i64 1")
    code.line(f"{short} = load i32, ptr {at}")
    code.line(f"{index} = zext i32 {short} to i64")
    return index
