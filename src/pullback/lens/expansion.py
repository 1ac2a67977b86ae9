"""expand and collapse: which gates, and the errors for gates that cannot."""

from __future__ import annotations

from collections.abc import Sequence

from pullback.core.circuit import Circuit
from pullback.core.gate import find_gate
from pullback.errors import CircuitError, OptionError
from pullback.passes.expand import expand
from pullback.passes.opening.collapse import collapse, is_recognised

LARGEST = 4_000  # gates; beyond this nobody looks, and opening everything was a slip


def expanded(circuit: Circuit, gates: Sequence[str]) -> Circuit:
    """The circuit with `gates` opened; with everything that can be opened if none are named."""
    here = [g for g in circuit.gates if g is not None]
    known = {g.name for g in here if g.inside is not None}
    for name in gates:
        if find_gate(name).inside is None:
            raise OptionError(
                f"{name} is not made of other gates.", why=_said("can be opened", known)
            )
        if name not in circuit.ops:
            raise OptionError(
                f"there is no {name} in this circuit.", why=_said("can be opened", known)
            )
    made = expand(circuit, set(gates) if gates else _Everything())
    if not gates and made.gate_count > LARGEST:
        raise CircuitError(
            f"opened, this circuit has {made.gate_count:,} gates.", fix="name the gates to open"
        )
    return made


def collapsed(circuit: Circuit, gates: Sequence[str]) -> Circuit:
    """The circuit with all that makes up one of `gates` closed into it; of all gates if none are named."""
    for name in gates:
        if not is_recognised(find_gate(name)):
            raise OptionError(
                f"{name} cannot be recognised.",
                why="Recognised are gates with parts that work number by number, such as sigmoid.",
            )
    return collapse(circuit, set(gates) if gates else None)


class _Everything:
    """Contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


def _said(what: str, names: set[str]) -> str:
    return f"Here {', '.join(sorted(names)) or 'nothing'} {what}."
