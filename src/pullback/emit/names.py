"""What the variables of a program are called: the author's names, dq for the pull on q, t1, t2 ..."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pullback.core.names import is_safe
from pullback.emit.language import Language
from pullback.emit.script import Script


class Names:
    """Hands out names; none is a reserved word, and none is given twice."""

    def __init__(self, language: Language, helpers: Iterable[str]) -> None:
        self.language, self.helpers = language, frozenset(helpers)
        self._taken: set[str] = set()  # as they are shown: in LaTeX x2 and x_2 look the same
        self._temporaries = 0

    def clashes(self, name: str) -> bool:
        """Whether a variable of that name would hide a word of the language or a helper."""
        return name in self.language.reserved or name in self.helpers or self.usable(name) != name

    def usable(self, name: str) -> str:
        """`name` with a letter before it where the language keeps such names for itself."""
        owned = self.language.owned
        return f"w{name}" if owned and re.match(owned, name) else name

    def fresh(self, name: str) -> str:
        """`name`, or the nearest name that is free."""
        name = self.usable(name)
        while self.clashes(name):
            name += "_"
        made, number = name, 2
        while self.language.show(made) in self._taken:
            made, number = f"{name}_{number}", number + 1
        self._taken.add(self.language.show(made))
        return made

    def temporary(self) -> str:
        """t1, t2, ...: the next one."""
        self._temporaries += 1
        return self.fresh(f"t{self._temporaries}")

    def of_function(self, name: str) -> str:
        """The function's own name; it may be that of a variable, but of nothing that is called."""
        name = self.usable(name) if is_safe(name) else "f"
        while self.clashes(name) or name in self.language.functions:
            name += "_"
        return name


def wire_names(names: Names, script: Script, steps: bool) -> dict[int, str]:
    """The variable of each forward row that gets a line of its own: author's names, then t1, t2 ..."""
    given = [(w, name) for w, name in enumerate(script.names) if name]
    given = [(w, name) for w, name in given if script.live[script.row_of[w]]]
    called: dict[int, str] = {}
    # A name that may stay as it is comes first, so that a changed one cannot take it.
    for wire, name in sorted(given, key=lambda pair: names.clashes(pair[1])):
        if script.row_of[wire] not in called:
            called[script.row_of[wire]] = names.fresh(name)
    for row in script.rows[: script.forward] if steps else ():
        own = row.gate is not None and script.live[row.wire] and row.wire in script.own
        if own and row.wire not in called:
            called[row.wire] = names.temporary()
    return called


def pull_names(names: Names, script: Script) -> dict[int, str]:
    """The variable of each pull: dq for the pull on q, and for each of several branches dq_1, dq_2."""
    written = [
        r.gate is not None and r.wire >= script.forward and script.live[r.wire] for r in script.rows
    ]
    wires = [w for w in reversed(range(len(script.names))) if script.names[w]]
    finished = {script.pulls[w] for w in wires}
    found: dict[int, str] = {}
    for wire in wires:
        pull, name = script.pulls[wire], f"d{script.names[wire]}"
        branches = script.branches.get(wire, [])
        for number, (_, row) in enumerate(branches, start=1):
            if len(branches) > 1 and written[row] and row not in found and row not in finished:
                found[row] = names.fresh(f"{name}_{number}")
        if pull >= 0 and written[pull] and pull not in found:
            found[pull] = names.fresh(name)
    return found
