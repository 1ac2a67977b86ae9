"""A plan in words: its groups in running order, and where every array lies."""

from __future__ import annotations

from pullback.passes.planning.groups import Group, Plan
from pullback.passes.planning.memory import Memory


def described(plan: Plan, memory: Memory) -> str:
    """The arena, and a line for each storage in it, the largest first."""
    circuit = plan.circuit
    lines = [f"{len(plan.groups)} groups, arena {memory.bytes:,} bytes"]
    for wire, piece in sorted(memory.pieces.items(), key=lambda p: -p[1].size):
        over = f", over {circuit.describe(memory.inplace[wire])}" if wire in memory.inplace else ""
        place = f"{piece.offset:>9,} + {piece.size:>9,}"
        lines.append(f"  {place}  {circuit.spec_of(wire)} {circuit.describe(wire)}{over}")
    return "\n".join(lines)


def explained(plan: Plan, memory: Memory) -> str:
    """The groups: about how long each takes on one core, what it goes through, computes and keeps."""
    lines = [f"about {plan.work / 1000:,.2f} us on one core, in running order:"]
    lines += [f"  {n:>3}  {_line(plan, group)}" for n, group in enumerate(plan.groups, 1)]
    return "\n".join([*lines, "", described(plan, memory)])


def _line(plan: Plan, group: Group) -> str:
    circuit = plan.circuit
    us = group.kernel.cost(plan, group) / 1000
    head = f"{us:>9,.2f} us  {group.kind}"
    if group.index >= 0:
        return f"{head}  {circuit.describe(group.index)} within 0..{group.size - 1}"
    shape = "x".join(map(str, group.shape)) or "1"
    gates = " ".join(row.gate.name for row in group.rows if row.gate)
    kept = ", ".join(circuit.describe(wire) for wire in group.writes)
    parts = f"  in {group.parts} parts" if group.parts > 1 else ""
    return f"{head}  {shape}  {gates}  -> {kept}{parts}"
