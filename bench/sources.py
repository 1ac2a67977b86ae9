"""How far printed JavaScript and C are from the engine, line by line, over random circuits.

    python bench/sources.py --circuits 1000

Every line is fed the engine's own numbers for what it reads; each circuit runs on moderate numbers
and on hard ones (NaN, infinities, signed zeros, subnormals), float64 and float32 mixed. Prints for
each language how many lines gave the very number, and the gates that did not, in ulps.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from laws.other_machines import MACHINES, line_by_line, run_pieces
from laws.test_other_languages import PRECISIONS, drawn, lines_of

from pullback.emit.language import Language
from pullback.lens.source import SOURCES

CHUNK = 100


def lines(language: Language, circuits: int) -> Iterator[tuple[str, float]]:
    """The gate of every line in every run, and how many ulps it is apart from the engine."""
    for first in range(0, circuits, CHUNK):
        seeds = range(first, min(first + CHUNK, circuits))
        asked = [drawn(seed, language, PRECISIONS) for seed in seeds]
        pieces = [line_by_line(language, f, inputs, "gates") for f, inputs in asked]
        for piece, found in zip(pieces, run_pieces(language, pieces), strict=True):
            yield from ((gate, apart) for gate, apart, _ in lines_of(piece, found))


def report(language: Language, circuits: int) -> None:
    """Print one line about a language."""
    exact, total = 0, 0
    worst: Counter[str] = Counter()
    for gate, apart in lines(language, circuits):
        exact, total = exact + (apart == 0), total + 1
        worst[gate] = max(worst[gate], apart)  # type: ignore[call-overload]
    apart = ", ".join(f"{gate} {ulps:g}" for gate, ulps in worst.most_common() if ulps)
    print(f"{language.name}: {circuits} circuits, {total} lines, {exact} exact; ulps: {apart}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--circuits", type=int, default=100)
    wanted = parser.parse_args().circuits
    for name in MACHINES:
        report(SOURCES[name], wanted)
