"""Write src/pullback/__init__.pyi: what editors and type checkers see of `import pullback as pb`.

python docs/signatures/make.py writes it; with --check it fails when it is out of date. Public names are
imported lazily and gates are made by a decorator, so without this file an editor would see neither.
"""

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import pullback
import pullback.gates  # fills the registry
from pullback.core.gate import GATES, Gate

STUB = Path(pullback.__file__).with_suffix(".pyi")
HEAD = '''\
"""What editors and type checkers see. Written by docs/signatures/make.py: change that, or the gate."""

# mypy: disable-error-code="overload-overlap, no-redef"
# pyright: reportOverlappingOverload=false

from collections.abc import Sequence
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

'''
KINDS = """
Number: TypeAlias = float | np.floating[Any] | np.integer[Any] | np.bool_
Array: TypeAlias = Number | NDArray[Any] | Sequence[Any]
Axis: TypeAlias = int | Sequence[int] | None
Shape: TypeAlias = int | Sequence[int]

__version__: str
"""
# The type of a keyword by its name, where the gate itself does not say.
KEYWORDS = {"axis": "Axis", "axes": "Axis", "shape": "Shape"}


def stub() -> str:
    """The whole text of the stub."""
    homes = [
        f"from {home} import {name} as {name}\n"
        for home, names in sorted(pullback._HOMES.items())
        for name in sorted(names)
    ]
    gates = [written(gate) for _, gate in sorted(GATES.items()) if _is_ours(gate)]
    public = sorted([*pullback._HOME_OF, *(n for n, g in GATES.items() if _is_ours(g))])
    names = "".join(f'    "{name}",\n' for name in ["__version__", *public])
    return f"{HEAD}{''.join(homes)}{KINDS}\n__all__ = [\n{names}]\n\n" + "\n".join(gates)


def _is_ours(gate: Gate) -> bool:
    return gate.__module__.startswith("pullback.gates.")


def written(gate: Gate) -> str:
    """One gate: a signature for plain numbers, for arrays, for wires and for Units."""
    return "".join(
        f"@overload\ndef {gate.name}({_parameters(gate, takes)}) -> {gives}:{_doc(gate, i)}\n"
        for i, (takes, gives) in enumerate(_kinds(gate))
    )


def _kinds(gate: Gate) -> Iterator[tuple[list[str], str]]:
    """What each input takes, and what comes out: one row an overload."""
    count = len(gate.inputs)
    if gate.elementwise:
        yield ["Number"] * count, "bool" if gate.result == np.bool_ else "float"
    yield ["Array"] * count, "NDArray[Any]"
    for kind in ("Wire", "Unit"):
        # The first input of this kind is at `i`: so no overload also takes arrays alone.
        for i in range(count):
            either = f"{kind} | Array"
            first = either if gate.variadic else kind
            yield ["Array"] * i + [first] + [either] * (count - i - 1), kind


def _parameters(gate: Gate, takes: list[str]) -> str:
    given = list(inspect.signature(gate.body).parameters.values())
    inputs = [p for p in given if p.kind is not p.KEYWORD_ONLY]
    keywords = [_keyword(p) for p in given if p.kind is p.KEYWORD_ONLY]
    parts = [f"{p.name}: {kind}" for p, kind in zip(inputs, takes, strict=True)]
    if gate.variadic:
        return ", ".join([f"*{parts[0]}", *keywords])
    return ", ".join([*parts, "/", *(["*", *keywords] if keywords else [])])


def _keyword(parameter: inspect.Parameter) -> str:
    said = inspect.formatannotation(parameter.annotation)
    kind = KEYWORDS.get(parameter.name, said) if said in ("Any", "typing.Any") else said
    default = parameter.default
    if default is parameter.empty:
        return f"{parameter.name}: {kind}"
    shown = default if default in (None, True, False) or isinstance(default, int | str) else ...
    return f"{parameter.name}: {kind} = {'...' if shown is ... else repr(shown)}"


def _doc(gate: Gate, overload: int) -> str:
    """The gate's formula, once: editors show it beside the signature."""
    line = (inspect.getdoc(gate.body) or "").partition("\n")[0]
    return " ..." if overload or not line else f"\n    {_quoted(line)}"


def _quoted(line: str) -> str:
    return f'r"""{line}"""' if "\\" in line else f'"""{line}"""'


def main() -> int:
    wanted = stub()
    if "--check" in sys.argv:
        if not STUB.exists() or STUB.read_text(encoding="utf-8") != wanted:
            print(f"out of date: {STUB.name}; run python docs/signatures/make.py")
            return 1
        return 0
    STUB.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
