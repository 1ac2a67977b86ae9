"""The machine that runs a tape, as LLVM text: two loops with one case for each word.

Cases are written from the gates' own values and pull rules (`lower.py`), so nothing is said twice. What
the entry before put out stays in a register, and so does the pull on it: most gates listen to the one
before them, and memory would answer later. A pull is taken out of its place when it is needed, so the
places are ready for the next pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pullback.executors.native.llvm.code import FAST, Code, Number
from pullback.executors.native.llvm.jit import has_fma
from pullback.executors.native.llvm.lower import lower_row, lower_rows
from pullback.executors.native.llvm.subnormals import flush_subnormals
from pullback.executors.native.tape.plan import BEFORE, FIXED, ONLY, Entry
from pullback.passes.pull import pull_template

Word = Sequence[Entry]

_TEXT = """{module}
define void @{name}(ptr noalias %word, ptr noalias %a, ptr noalias %b, ptr noalias %values,
    i64 %start, i64 %from, i64 %to, ptr noalias %pulls) nounwind {{
entry:
  %own = getelementptr double, ptr %values, i64 %start
  %own.pulls = getelementptr double, ptr %pulls, i64 %start
{begin}
  br label %next
next:
  %i = phi i64 [%begin, %entry], {indices}
  %carried = phi double [%begin.carried, %entry], {carried}
  %word.at = getelementptr i8, ptr %word, i64 %i
  %a.at = getelementptr i32, ptr %a, i64 %i
  %b.at = getelementptr i32, ptr %b, i64 %i
  %y.at = getelementptr double, ptr %own, i64 %i
  %dy.at = getelementptr double, ptr %own.pulls, i64 %i
  %this = load i8, ptr %word.at
  switch i8 %this, label %never [{labels}]
{blocks}
never:
  unreachable
out:
  %last = phi double {carried}
{end}
  ret void
}}"""

# %i is the first entry of a word, and what is carried the value of the entry before it.
_FORWARD = {
    "begin": """  %begin = add i64 %from, 0
  %before.at = getelementptr double, ptr %own, i64 %from
  %begin.at = getelementptr double, ptr %before.at, i64 -1
  %begin.carried = load double, ptr %begin.at""",
    "end": "",
}
# %i is the last entry of a word, and what is carried the pull on it.
_BACKWARD = {
    "begin": """  %begin = sub i64 %to, 1
  %stop = sub i64 %from, 1
  %begin.at = getelementptr double, ptr %own.pulls, i64 %begin
  %begin.carried = load double, ptr %begin.at""",
    "end": """  %end.at = getelementptr double, ptr %own.pulls, i64 %stop
  store double %last, ptr %end.at""",
}


def forward_text(words: Sequence[Word], *, fast: bool, flush: bool = False) -> str:
    """`void @forward(word, a, b, values, start, from, to, _)`: entries from..to, one after the other.

    flush: subnormal numbers count as 0.
    """
    loop = _Loop("%to", fast)
    for word in words:
        loop.open()
        value = loop.code.number("%carried", "double")
        for here, entry in _places(word):
            value = _put_out(loop.code, entry, here, value)
        loop.close(_length(word), value.text if value.kind == "double" else "0.0")
    return loop.text("forward", _flushing(loop.code) if flush else _FORWARD)


def _flushing(code: Code) -> dict[str, str]:
    """_FORWARD between switching subnormals off and on again."""
    cases, code.lines = code.lines, []
    restore = flush_subnormals(code)
    begin, code.lines = code.lines, []
    restore()
    end, code.lines = code.lines, cases
    return {"begin": "\n".join([_FORWARD["begin"], *begin]), "end": "\n".join(end)}


def backward_text(words: Sequence[Word], *, fast: bool) -> str:
    """`void @backward(word, a, b, values, start, from, to, pulls)`: entries from..to, the last first."""
    loop = _Loop("%stop", fast)
    for word in words:
        loop.open()
        before = _pull_word(loop.code, word)
        loop.close(-_length(word), before.text)
    return loop.text("backward", _BACKWARD)


class _Loop:
    """The cases of one loop, each with its own step to the next word."""

    def __init__(self, stop: str, fast: bool) -> None:
        self.stop = stop
        self.code = Code(flags=FAST if fast else "", fused=has_fma(), inline=False)
        self.indices: list[str] = []
        self.carried: list[str] = []

    def open(self) -> None:
        self.code.block(f"word.{len(self.indices)}")

    def close(self, step: int, carried: str) -> None:
        """The end of a case, which hands `carried` on."""
        to, end, label = self.code.fresh(), self.code.fresh(), f"%word.{len(self.indices)}"
        self.code.line(f"{to} = add i64 %i, {step}")
        self.code.line(f"{end} = icmp eq i64 {to}, {self.stop}")
        self.code.line(f"br i1 {end}, label %out, label %next")
        self.indices.append(f"[{to}, {label}]")
        self.carried.append(f"[{carried}, {label}]")

    def text(self, name: str, parts: dict[str, str]) -> str:
        numbers = range(len(self.indices))
        return _TEXT.format(
            name=name,
            module=self.code.module(),
            labels=" ".join(f"i8 {k}, label %word.{k}" for k in numbers),
            indices=", ".join(self.indices),
            carried=", ".join(self.carried),
            blocks="\n".join(self.code.lines),
            **parts,
        )


def _length(word: Word) -> int:
    return sum(entry.kind.size for entry in word)


def _places(word: Word, first: int = 0) -> Iterator[tuple[int, Entry]]:
    """Each entry with its distance from %i."""
    for entry in word:
        yield first, entry
        first += entry.kind.size


def _put_out(code: Code, entry: Entry, here: int, before: Number) -> Number:
    """Store the value of one entry."""
    kind = entry.kind
    inputs = _inputs(code, entry, here, before)
    value = lower_row(code, kind.gate, inputs, kind.attributes, kind.kind, 1)
    code.store(value, code.at("%y.at", here, "double"))
    return value


def _pull_word(code: Code, word: Word) -> Number:
    """Pull each entry of a word, the last one first. The pull on the entry before the word."""
    first = 1 - _length(word)
    dy: Number | None = code.number("%carried", "double")
    for here, entry in reversed(list(_places(word, first))):
        own, before = (code.at("%dy.at", k, "double") for k in (here, here - 1))
        given = _pull(code, entry, here, _pull_on(code, entry, here, dy, own))
        dy = None
        if BEFORE in entry.near:
            dy = code.load(before, "double") if here == first else _taken(code, before, "double")
        for pull in given:
            dy = pull if dy is None else dy + pull
        if dy is None and ONLY in entry.near:
            dy = code.constant(-0.0, "double")
    return code.load(before, "double") if dy is None else dy


def _pull_on(
    code: Code, entry: Entry, here: int, carried: Number | None, own: str
) -> Number | None:
    """The complete pull on an entry, out of its place if it is not at hand."""
    if not entry.kind.pulled:
        return None
    if carried is None or entry.kind.kind != "double" or entry.kind.size > 1:
        return _taken(code, own, entry.kind.kind)
    if here == 0:  # what was carried here may have left something behind
        code.store(code.constant(-0.0, "double"), own)
    return carried


def _taken(code: Code, place: str, kind: str) -> Number:
    """The number at a place that is left as it was before: -0, which changes nothing it is added to."""
    found = code.load(place, kind)
    code.store(code.constant(-0.0, kind), place)
    return found


def _pull(code: Code, entry: Entry, here: int, dy: Number | None) -> list[Number]:
    """Add the pulls of one entry to those on its inputs, in their order; those on the entry before are
    handed back instead."""
    if dy is None:
        return []
    wanted = tuple(w and n != FIXED for w, n in zip(entry.kind.use.wanted, entry.near, strict=True))
    circuit, kept = pull_template(entry.kind.use._replace(wanted=wanted))
    y = code.load(code.at("%y.at", here, "double"), entry.kind.kind)
    inputs = [
        code.load(_input_at(code, entry, here, column), kind)
        for column, kind in enumerate(entry.kind.kinds)
    ]
    values = lower_rows(code, circuit, [dy, y, *inputs])
    pulls, given = iter(circuit.outputs), []
    for column, (k, near) in enumerate(zip(kept, entry.near, strict=True)):
        pull = values[next(pulls)] if k else None
        if pull is not None and near in (BEFORE, ONLY):
            given.append(pull)
        elif pull is not None:
            at = _place(code, "%pulls", here, column)
            code.store(code.load(at, pull.kind) + pull, at)
    return given


def _input_at(code: Code, entry: Entry, here: int, column: int) -> str:
    if entry.near[column] in (BEFORE, ONLY):
        return code.at("%y.at", here - 1, "double")
    return _place(code, "%values", here, column)


def _inputs(code: Code, entry: Entry, here: int, before: Number) -> list[Number]:
    """The inputs of an entry; the value before it is at hand."""
    return [
        before if near in (BEFORE, ONLY) else code.load(_place(code, "%values", here, column), kind)
        for column, (kind, near) in enumerate(zip(entry.kind.kinds, entry.near, strict=True))
    ]


def _place(code: Code, base: str, here: int, column: int) -> str:
    """Where input number `column` lies among `base`, the third and fourth as the entry behind says."""
    at = code.at(("%a.at", "%b.at")[column % 2], here + column // 2, "i32")
    short, index = code.fresh(), code.fresh()
    code.line(f"{short} = load i32, ptr {at}")
    code.line(f"{index} = zext i32 {short} to i64")
    return code.at(base, index, "double")
