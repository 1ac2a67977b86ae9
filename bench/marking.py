"""Is homework marked as a teacher would? Right works in many spellings, and every slip planted into them.

    python bench/marking.py [CASE ...] [--all] [--broken COUNT]

A right work must pass. A work with a slip that changes what NumPy computes must not, and the mistake
should be named for what was planted. Prints a row a kind of slip; with --all every other answer too.
--broken grades texts that are broken at random: none may raise.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from laws.homework_cases import CASES, SAID, Case, Slip, dice, garbled, planted, respelled

from pullback.lens.mark import RIGHT, Marker

SPELLINGS = 20  # of each work, beside those that are written out


def main(arguments: list[str]) -> int:
    """Ask all cases, or those that are named."""
    if "--broken" in arguments:
        return broken(int(arguments[arguments.index("--broken") + 1]))
    told, names = "--all" in arguments, [a for a in arguments if a in CASES] or list(CASES)
    start, counts = time.perf_counter(), Counter[tuple[str, str]]()
    for name in names:
        case = CASES[name]
        marker = Marker(case.circuit, case.values)
        counts.update(right(case, marker))
        for slip in planted(case):
            answer, said = judged(marker, slip)
            counts[slip.kind, answer] += 1
            if told and answer != "named":
                print(f"{name} | {slip.kind} | {slip.name} | {said}\n{slip.text}\n")
    show(counts, time.perf_counter() - start)
    return 1 if counts["right works", "not passed"] or any(a == "passed" for _, a in counts) else 0


def broken(count: int) -> int:
    """Grade `count` texts that are broken at random; the slowest is told."""
    markers, worst = {n: Marker(c.circuit, c.values) for n, c in CASES.items()}, (0.0, "")
    for seed in range(count):
        chosen = dice(seed)
        name = chosen.choice(list(CASES))
        text, start = garbled(CASES[name], chosen), time.perf_counter()
        repr(markers[name].grade(text))
        worst = max(worst, (time.perf_counter() - start, text))
    print(f"{count:,} broken texts graded; the slowest took {worst[0]:.2f} s:\n{worst[1]}")
    return 0


def right(case: Case, marker: Marker) -> list[tuple[str, str]]:
    """How the right works of a case fare."""
    works = [respelled(t, dice(seed)) for t in case.numpy for seed in range(SPELLINGS)]
    every = dict.fromkeys([*case.numpy, *case.ours, *works])
    return [("right works", "ok" if marker.grade(w).passed else "not passed") for w in every]


def judged(marker: Marker, slip: Slip) -> tuple[str, str]:
    """Whether a slip passed, was named, was described otherwise, or told in numbers alone."""
    grade = marker.grade(slip.text)
    wrong = [m for m in grade.marks if m.verdict != RIGHT]
    said = " | ".join(m.mistake for m in wrong) or grade.error
    if grade.passed:
        return "passed", ""
    if re.search(SAID[slip.kind], said):
        return "named", said
    return ("in numbers" if re.match(r"at \[|it is |its shape", said) else "otherwise"), said


def show(counts: Counter[tuple[str, str]], seconds: float) -> None:
    """A row a kind of slip, and the sum of all."""
    answers = ("named", "otherwise", "in numbers", "passed")
    print(
        f"right works: {counts['right works', 'ok']} passed, {counts['right works', 'not passed']} did not"
    )
    print(f"{'slip':14}" + "".join(f"{a:>12}" for a in answers))
    kinds = [k for k in SAID if any(counts[k, a] for a in answers)]
    for kind in kinds:
        print(f"{kind:14}" + "".join(f"{counts[kind, a]:12}" for a in answers))
    print(f"{'all':14}" + "".join(f"{sum(counts[k, a] for k in kinds):12}" for a in answers))
    print(f"{seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
