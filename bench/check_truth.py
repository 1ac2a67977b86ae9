"""Is what gradcheck says true? Random right expressions at hard points, and planted faults of 1e-8.

    python bench/check_truth.py --count 10000 --planted 500
    python bench/check_truth.py --by-hand        the same as Python functions that cannot be looked into

A right expression may be called ok, at a kink or unsure, never wrong; what is called ok must have the
derivative that mpmath computes with 500 digits. A fault planted at a well-conditioned point must be
called wrong, and its gate named. Ends with 1 otherwise.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from laws.hard_questions import asked, caught, planted, question, untrue


def main() -> int:
    """Ask, count the verdicts, and print what was not true."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--planted", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--by-hand", action="store_true")
    options = parser.parse_args()
    found = _ask(range(options.seed, options.seed + options.count), options.by_hand)
    missed = _plant(range(options.seed, options.seed + options.planted))
    return 1 if found or missed else 0


def _ask(seeds: range, by_hand: bool) -> int:
    verdicts: Counter[str] = Counter()
    count = 0
    for one in map(question, seeds):
        with np.errstate(all="ignore"):
            report = asked(one, by_hand=by_hand)
        verdicts.update(f.verdict for f in report.findings)
        for line in untrue(one, report, by_hand=by_hand):
            count += 1
            print(line, flush=True)
    print(f"{len(seeds)} right expressions: {dict(verdicts)}; untrue: {count}")
    return count


def _plant(seeds: range) -> int:
    missed = [one for one in map(planted, seeds) if not caught(*one)]
    for one in missed:
        print("missed", *one)
    print(f"{len(seeds)} planted faults of 1e-8: {len(seeds) - len(missed)} caught")
    return len(missed)


if __name__ == "__main__":
    raise SystemExit(main())
