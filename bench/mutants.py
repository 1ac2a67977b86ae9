"""The mutation campaign: every fault planted in the code that pulls must break a law.

    python bench/mutants.py                      all of them, with the score
    python bench/mutants.py --only d_softmax     the mutants of one function
    python bench/mutants.py --jobs 2             on two processors

Ends with 1 if a mutant survives that tests/laws/mutants/equivalent.toml does not prove to be no fault,
or if one that it lists is a fault after all.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from laws.mutants.generate import Mutant, mutants
from laws.mutants.judge import Judge, equivalent

WORKER: dict[str, object] = {}


def main() -> int:
    """Judge the mutants and print the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants whose function has this in its name")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    chosen = [m for m in mutants() if options.only in m.target.name]
    start = time.perf_counter()
    verdicts = judged(chosen, options.jobs)
    return report(chosen, verdicts, time.perf_counter() - start)


def judged(chosen: list[Mutant], jobs: int) -> list[str]:
    """The law that each mutant breaks, "" for a survivor."""
    # One function's mutants stay together: what noticed the last one likely notices the next.
    with Pool(jobs, initializer=_prepare) as pool:
        return pool.map(_verdict, [str(m) for m in chosen], chunksize=40)


def _prepare() -> None:
    WORKER["judge"] = Judge()
    WORKER["mutants"] = {str(m): m for m in mutants()}


def _verdict(name: str) -> str:
    return WORKER["judge"].verdict(WORKER["mutants"][name])  # type: ignore[attr-defined,index]


def report(chosen: list[Mutant], verdicts: list[str], seconds: float) -> int:
    """Print survivors and score; 0 if every fault was noticed."""
    harmless = equivalent()
    named = {str(m): verdict for m, verdict in zip(chosen, verdicts, strict=True)}
    survivors = [m for m, verdict in named.items() if not verdict and m not in harmless]
    wrong = [m for m in harmless if named.get(m)]
    for law, count in Counter(v for v in verdicts if v).most_common():
        print(f"{count:6}  {law}")
    for mutant in survivors:
        print("survives:", mutant)
    for mutant in wrong:
        print("listed as no fault, but noticed by", named[mutant] + ":", mutant)
    faults = len(chosen) - sum(m in harmless and not v for m, v in named.items())
    killed = faults - len(survivors)
    print(
        f"{len(chosen)} mutants, {len(chosen) - faults} of them no faults; {killed} of {faults} noticed"
    )
    print(f"score {100 * killed / max(1, faults):.2f} % in {seconds:.0f} s")
    return 1 if survivors or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
