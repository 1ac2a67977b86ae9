"""Odd calls of every gate: wrong shapes, axes, options, types and counts, in four ways.

    python bench/odd_calls.py [--doubles 2000] [--seed 0] [--show 20]

Plain numbers, Units, a circuit run by the reference executor and the same circuit as machine code have to
give the same answer or the same error of ours with the same first line. Ends with 1 where they do not.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from laws.odd_calls import fault, odd_calls, outcomes


def main() -> int:
    """Run the campaign and say what it came to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--doubles", type=int, default=2000, help="calls with two oddities")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=20, help="faults that are printed")
    asked = parser.parse_args()
    kinds: Counter[str] = Counter()
    by_gate: Counter[str] = Counter()
    faults = []
    for call in odd_calls(asked.seed, asked.doubles):
        wrong = fault(call)
        outcome = outcomes(call)["numbers"]
        kinds[outcome.error.__name__ if outcome.error else "an answer"] += 1
        by_gate[call.gate.name] += bool(wrong)
        faults += [wrong] if wrong else []
    total = kinds.total()
    print(f"{total:,} odd calls of {len(by_gate)} gates; seed {asked.seed}")
    print("\n".join(f"  {count:>7,}  {kind}" for kind, count in kinds.most_common()))
    print(
        f"faults: {len(faults):,}", *(f"{n} {g}" for g, n in by_gate.most_common() if n), sep="\n  "
    )
    print("\n".join(faults[: asked.show]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
