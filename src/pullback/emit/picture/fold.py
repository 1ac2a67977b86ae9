"""Which gates stand together in a picture: scopes as groups, some of them opened, long circuits in runs.

A group drawn as a box must not have a way out and back in. A scope that has one is drawn in pieces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from pullback.core.circuit import Circuit
from pullback.emit.picture.repeats import stretches

LIMIT = 200  # things to look at; beyond, a flat picture cannot be read in any layout
SAMPLE = 40  # gates of a repeated part that is still shown open
STRANDS = 3  # wires that may leave the hidden repetitions for the first and last to be shown open
Depth = int | str | None


@dataclass(eq=False)
class Group:
    """Gates that are drawn as one box, closed, or as a frame with its members inside, open.

    path: the scope. rows: all gates inside, at any depth. members: gates and groups in running order.
    """

    path: tuple[str, ...]
    name: str
    rows: list[int]
    members: list[int | Group] = field(default_factory=list)
    open: bool = False

    @property
    def groups(self) -> list[Group]:
        return [m for m in self.members if isinstance(m, Group)]


@dataclass
class Folding:
    """The root group, and a sentence on what is folded and how to see more ("" when nothing is).

    depth: how many levels are open; 0 for runs of a circuit without scopes.
    """

    root: Group
    note: str
    depth: int


def folded(circuit: Circuit, depth: Depth = None, opened: Collection[str] = ()) -> Folding:
    """The groups of a picture.

    depth: how many levels of scopes are open; "all"; or None, as many as stay under 200 boxes.
    opened: scopes such as "layer1/n3" that are open at any depth.
    """
    root = grouped(circuit)
    levels = _levels(root)
    wanted = _fitting(levels) if depth is None else len(levels) if depth == "all" else int(depth)
    for level, groups in enumerate(levels):
        for group in groups:
            group.open = level <= wanted or (bool(opened) and "/".join(group.path) in opened)
    if depth is None and _seen(levels, 0) > LIMIT:
        return Folding(_in_runs(circuit, root), _note_of_runs(root), 0)
    return Folding(root, _note(root, levels, wanted), wanted)


# Scopes


def grouped(circuit: Circuit) -> Group:
    """All scopes as nested groups, closed except for the root."""
    operands, first = circuit.operands.tolist(), circuit.first.tolist()
    listened = [operands[a:b] for a, b in pairwise(first)]
    paths = _numbered(circuit)
    rows = [w for w, op in enumerate(circuit.op.tolist()) if op > 1]
    root = Group((), "", rows, open=True)
    member = [-1] * len(circuit)  # of each row, its member in the group at hand
    waiting = [root]
    for group in waiting:  # grows while it is walked
        for scope, piece in _pieces(group, paths, listened, member):
            if scope is None:
                group.members.append(piece[0])
            else:
                path = circuit.groups[int(circuit.group[piece[0]])][: len(group.path) + 1]
                inner = Group(path, path[-1], piece)
                group.members.append(inner)
                waiting.append(inner)
        for row in group.rows:
            member[row] = -1
    _number_pieces(root)
    return root


Piece = tuple[int | None, list[int]]


def _numbered(circuit: Circuit) -> list[list[int]]:
    """For each row a number for each scope around it, outermost first: quick to compare, however deep."""
    known: dict[tuple[int, str], int] = {}
    chains = []
    for path in circuit.groups:
        chain, around = [], -1
        for name in path:
            around = known.setdefault((around, name), len(known))
            chain.append(around)
        chains.append(chain)
    return [chains[g] for g in circuit.group.tolist()]


def _pieces(
    group: Group, paths: list[list[int]], listened: list[list[int]], member: list[int]
) -> list[Piece]:
    """The members of `group`, each a scope with its rows or a single gate, in running order."""
    depth = len(group.path)
    pieces: list[Piece] = []
    known: dict[int, int] = {}
    for row in group.rows:
        scope = paths[row][depth] if len(paths[row]) > depth else None
        if scope is None or scope not in known:
            if scope is not None:
                known[scope] = len(pieces)
            pieces.append((scope, []))
        member[row] = len(pieces) - 1 if scope is None else known[scope]
        pieces[member[row]][1].append(row)
    tangled = _tangled(group.rows, len(pieces), listened, member) if known else set()
    return _cut(pieces, tangled) if tangled else pieces


def _tangled(rows: list[int], count: int, listened: list[list[int]], member: list[int]) -> set[int]:
    """Members on a way that leads out of a member and back: all that is left after peeling both ends."""
    after: list[set[int]] = [set() for _ in range(count)]
    before: list[set[int]] = [set() for _ in range(count)]
    for row in rows:
        for i in listened[row]:
            if member[i] >= 0 and member[i] != member[row]:
                after[member[i]].add(member[row])
                before[member[row]].add(member[i])
    left = set(range(count))
    for towards, back in ((after, before), (before, after)):
        waiting = {i: len(back[i] & left) for i in sorted(left)}
        ready = [i for i, n in waiting.items() if not n]
        for i in ready:  # grows while it is walked
            left.discard(i)
            for j in sorted(towards[i]):
                if j in waiting:
                    waiting[j] -= 1
                    if not waiting[j]:
                        ready.append(j)
    return left


def _cut(pieces: list[Piece], tangled: set[int]) -> list[Piece]:
    """The tangled members cut where another of them runs in between: then no way leads back."""
    kept = [piece for i, piece in enumerate(pieces) if i not in tangled]
    rows = sorted((row, i) for i in tangled for row in pieces[i][1])
    last = -1
    for row, i in rows:
        if i != last or pieces[i][0] is None:
            kept.append((pieces[i][0], []))
        kept[-1][1].append(row)
        last = i
    return sorted(kept, key=lambda piece: piece[1][0])


def _number_pieces(root: Group) -> None:
    for group in every(root):
        count: dict[str, int] = {}
        for inner in group.groups:
            name = inner.path[-1]
            count[name] = count.get(name, 0) + 1
            if count[name] > 1:
                inner.name = f"{name} ({count[name]})"


def every(root: Group) -> Iterator[Group]:
    """All groups, outer ones first."""
    waiting = [root]
    for group in waiting:  # grows while it is walked
        waiting.extend(group.groups)
    return iter(waiting)


# How far to open


def _levels(root: Group) -> list[list[Group]]:
    levels = [[root]]
    while inner := [g for group in levels[-1] for g in group.groups]:
        levels.append(inner)
    return levels


def _seen(levels: list[list[Group]], depth: int) -> int:
    """How many boxes a picture of this depth has."""
    inside = [g for level in levels[: depth + 1] for g in level]
    gates = sum(len(g.members) - len(g.groups) for g in inside)
    return gates + (len(levels[depth + 1]) if depth + 1 < len(levels) else 0)


def _fitting(levels: list[list[Group]]) -> int:
    seen, depth = 0, 0
    for level, groups in enumerate(levels):
        seen += sum(len(g.members) for g in groups) - len(groups) * (level > 0)
        if seen <= LIMIT:
            depth = level
    return depth


def _note(root: Group, levels: list[list[Group]], depth: int) -> str:
    closed = sum(1 for g in _visible(root) if not g.open)
    if not closed:
        return ""
    more = f"depth={depth + 1} opens one level more, " if depth + 1 < len(levels) - 1 else ""
    boxes = "1 closed box" if closed == 1 else f"{closed:,} closed boxes"
    return f"{_gates(root)} in {boxes}. {more}depth='all' shows every gate."


def _visible(root: Group) -> Iterator[Group]:
    waiting = [root]
    for group in waiting:
        if group.open:
            waiting.extend(group.groups)
    return iter(waiting)


def _gates(group: Group) -> str:
    return gate_count(len(group.rows))


def gate_count(count: int) -> str:
    """
    >>> gate_count(1), gate_count(1200)
    ('1 gate', '1,200 gates')
    """
    return "1 gate" if count == 1 else f"{count:,} gates"


# Long circuits without scopes


def _in_runs(circuit: Circuit, root: Group) -> Group:
    """The root's members in runs of their running order; repeated parts by their first and last."""
    members: list[int | Group] = []
    for stretch in stretches(circuit, [_first(m) for m in root.members]):
        some = root.members[stretch.start : stretch.stop]
        members.extend(_repeated(circuit, some, stretch.period) if stretch.period else [_run(some)])
    return Group((), "", root.rows, members, open=True)


def _first(member: int | Group) -> int:
    return member.rows[0] if isinstance(member, Group) else member


def _run(members: list[int | Group], name: str = "") -> int | Group:
    if len(members) == 1 and not name:
        return members[0]
    rows = [r for m in members for r in (m.rows if isinstance(m, Group) else [m])]
    return Group((), name or f"{_first(members[0])}…{rows[-1]}", rows, list(members))


def _repeated(circuit: Circuit, members: list[int | Group], period: int) -> list[int | Group]:
    """First, the hidden rest, last. A loop hands on few wires: then first and last are shown open."""
    times = len(members) // period
    parts = [
        _run(members[:period], f"1 of {times:,}"),
        _run(members[period:-period], f"{times - 2:,} more like it"),
        _run(members[-period:], f"{times:,} of {times:,}"),
    ]
    loop = _strands(circuit, parts[1]) <= STRANDS
    for part in (parts[0], parts[2]):
        if isinstance(part, Group):
            part.open = loop and len(part.rows) <= SAMPLE and not part.groups
    return parts


def _strands(circuit: Circuit, part: int | Group) -> int:
    """How many wires lead out of a group."""
    assert isinstance(part, Group)
    inside = np.zeros(len(circuit), bool)
    inside[part.rows] = True
    listener = np.repeat(np.arange(len(circuit)), np.diff(circuit.first))
    outside = ~inside[listener]
    used = np.union1d(circuit.operands[outside], np.array(circuit.outputs, np.int64))
    return int(inside[used].sum())


def _note_of_runs(root: Group) -> str:
    return (
        f"{_gates(root)} without scopes, folded by running order. "
        "with scope(\"layer1\"): groups them by meaning, depth='all' shows every gate."
    )
