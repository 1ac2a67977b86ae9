"""The mutation campaign: every fault planted in the code that pulls must break a law.

    python bench/mutants.py                      all of them, with the score
    python bench/mutants.py --only d_softmax     the mutants of one function
    python bench/mutants.py --jobs 2             on two processors
    python bench/mutants.py --log FILE           go on where FILE ends; survivors are asked again

Ends with 1 if a mutant survives that tests/laws/mutants/equivalent.toml does not prove to be no fault,
if one that it lists is a fault after all, or if it lists one that is no longer there.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import cache
from multiprocessing import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from laws.mutants.generate import Mutant, mutants
from laws.mutants.judge import Judge, equivalent

MEMORY = 6 * 2**30  # bytes; without a fault all laws together need a tenth of it


def main() -> int:
    """Judge the mutants, say who survives as soon as it is known, and print the score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="mutants whose function has this in its name")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--log", type=Path, help="verdicts are added to this file and read from it")
    options = parser.parse_args()
    everyone = mutants()
    chosen = [m for m in everyone if options.only in m.target.name]
    gone = sorted(set(equivalent()) - {str(m) for m in everyone})
    start = time.perf_counter()
    known = noticed_before(options.log)
    verdicts = {m: known[m.mark] for m in chosen if m.mark in known}
    waiting = [m for m in chosen if m not in verdicts]
    for mutant, verdict, seconds in judged(waiting, options.jobs):
        verdicts[mutant] = verdict
        tell(mutant, verdict, seconds, f"{len(verdicts)}/{len(chosen)}", options.log)
    return report(verdicts, gone, time.perf_counter() - start)


def noticed_before(log: Path | None) -> dict[str, str]:
    """The faults that a log calls noticed; a law that noticed once stays."""
    if log is None or not log.exists():
        return {}
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return {e["mark"]: e["law"] for e in entries if e["law"]}


def judged(waiting: list[Mutant], jobs: int) -> Iterator[tuple[Mutant, str, float]]:
    """Each mutant with the law that it breaks, "" for a survivor, and the seconds that took."""
    # One function's mutants stay together: what noticed the last one likely notices the next.
    with Pool(jobs, initializer=limit_memory) as pool:
        answers = pool.imap(_verdict, [m.mark for m in waiting], chunksize=10)
        for mutant, (verdict, seconds) in zip(waiting, answers, strict=True):
            yield mutant, verdict, seconds


def limit_memory() -> None:
    """From here on, a runaway mutant ends in a MemoryError and not in the machine's last byte."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


@cache
def _worker() -> tuple[Judge, dict[str, Mutant]]:
    judge = Judge()
    if broken := judge.broken():
        raise AssertionError(f"without any fault, these laws fail: {broken}")
    return judge, {m.mark: m for m in mutants()}


def _verdict(mark: str) -> tuple[str, float]:
    judge, everyone = _worker()
    start = time.process_time()
    return judge.verdict(everyone[mark]), time.process_time() - start


def tell(mutant: Mutant, verdict: str, seconds: float, count: str, log: Path | None) -> None:
    """A survivor is printed at once, the rest only counted; the log keeps all."""
    if not verdict and str(mutant) not in equivalent():
        print(f"{count:>11} survives: {mutant}", flush=True)
    elif seconds > 20:
        print(f"{count:>11} {seconds:.0f} s, {verdict}: {mutant}", flush=True)
    elif sys.stderr.isatty():
        print(f"{count:>11}", end="\r", file=sys.stderr)
    if log:
        entry = {
            "mutant": str(mutant),
            "law": verdict,
            "seconds": round(seconds, 2),
            "mark": mutant.mark,
        }
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def report(verdicts: dict[Mutant, str], gone: list[str], seconds: float) -> int:
    """Print who noticed, who survives and the score; 0 if every fault was noticed."""
    harmless = equivalent()
    proven = [m for m, law in verdicts.items() if not law and str(m) in harmless]
    survivors = [m for m, law in verdicts.items() if not law and str(m) not in harmless]
    wrong = {m: law for m, law in verdicts.items() if law and str(m) in harmless}
    for law, count in Counter(filter(None, verdicts.values())).most_common():
        print(f"{count:6}  {law}")
    for mutant in survivors:
        print("survives:", mutant)
    for mutant, law in wrong.items():
        print(f"listed as no fault, but noticed by {law}: {mutant}")
    for name in gone:
        print("listed as no fault, but not there:", name)
    faults = len(verdicts) - len(proven)
    killed = faults - len(survivors)
    print(f"{len(verdicts)} mutants, {len(proven)} no faults; {killed} of {faults} noticed")
    print(f"score {100 * killed / max(1, faults):.2f} % in {seconds:.0f} s")
    return 1 if survivors or wrong or gone else 0


if __name__ == "__main__":
    sys.exit(main())
