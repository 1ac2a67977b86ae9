"""A long campaign against the reader of tables: clean tables written in random export habits, read back.

    python bench/messy_tables.py --tables 20000
    python bench/messy_tables.py --tables 1 --first 1234      show one table and what is said of it

Every number has to come back as it was, at once or with the flags that a refusal names ("flags"), or the
table is refused by place ("refused"). The same number of a table gives the same table. Ends with 1 where
a number is another, a column is left out, or anything but a `DataError` is raised.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from multiprocessing import Pool
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from laws.messy_tables import Habit, fitting, outcome, random_habit, truth, written

CHUNK = 200


def table_of(number: int) -> tuple[bytes, str, str, Habit]:
    """One table, how it ended, what was said, and the habit it was written in."""
    random = Random(number)
    clean = truth(random, gaps=random.random() < 0.5)
    habit = fitting(clean, random_habit(random))
    data = written(clean, habit)
    return data, *outcome(data, clean, habit), habit


def chunk(first: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """How the tables of a chunk ended, and the numbers of those that are wrong or refused for good."""
    ends: Counter[str] = Counter()
    bad = []
    for number in range(first, first + CHUNK):
        _, end, said, _ = table_of(number)
        ends[end] += 1
        if end in ("wrong", "refused"):
            bad.append((number, f"{end}: {said.splitlines()[0]}"))
    return ends, bad


def show(number: int) -> None:
    """One table, its habit and its end."""
    data, end, said, habit = table_of(number)
    changed = {
        name: value for name, value in vars(habit).items() if value != getattr(Habit(), name)
    }
    print(data.decode(habit.encoding), changed, end, said, sep="\n")


def main() -> int:
    """Read the options, run, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    if asked.tables == 1:
        show(asked.first)
        return 0
    began = time.perf_counter()
    ends: Counter[str] = Counter()
    bad: list[tuple[int, str]] = []
    with Pool(asked.processes) as pool:
        for some, worse in pool.imap_unordered(
            chunk, range(asked.first, asked.first + asked.tables, CHUNK)
        ):
            ends += some
            bad += worse
    for number, said in sorted(bad)[:20]:
        print(f"table {number}: {said}")
    counts = ", ".join(f"{count:,} {end}" for end, count in ends.most_common())
    print(f"{ends.total():,} tables in {time.perf_counter() - began:.0f} s: {counts}")
    return 1 if ends["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
