"""A long campaign against the expression language: mutated text, and arithmetic as Python sees it.

    python bench/fuzz_expression.py --strings 20000000 --trees 1000000

strings: good and hostile texts, cut, spliced and sprinkled at random. Each must be read or refused
with a place in the text; what is read must survive printing and reading.
trees: random arithmetic. Each must have Python's own value, bit for bit, before and after printing.

The same seed gives the same texts, whatever the number of processes. Ends with 1 if anything fails.
"""
# ruff: noqa: T201 - a command prints

from __future__ import annotations

import argparse
import operator
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pool
from random import Random

from pullback.core.expression import Instruction, parse, to_text
from pullback.errors import ExpressionError

CHUNK = 10_000  # texts that share one seed

GOOD = [
    "(x + y) * z",
    "var q = a*x + b*y + c; var f = sig(q); // a neuron",
    "s = 1.0/(1+Math.exp(-(w*x + b)))",
    "loss = Math.pow((w*x + b) - y, 2) / 2",
    "dw = x * dy; dw += w * 0.1;",
    "var x = -2, y = 5;\nq = x + y\nreturn q * Math.PI",
    "dh = h > 0 ? dy : 0",
    "p ? a : q ? b : -c ** -2",
    "sum(x @ W, axis=(0, -1), keepdims=true) <= 1e-3",
    "max(max(a, b),\n  min(c, .5)) # the switch",
]
HOSTILE = [
    "9**9**9**9",
    "__import__('os').system('true')",
    "().__class__.__bases__[0]",
    "lambda x: x",
    "[x for x in y]",
    "f'{x!r}'",
    "ｘ + 1 − 2",
    "1e999 0x10 1_000 2j",
    "a < b < c ? d",
    "((((((((((",
    "f(x, axis=0, axis=99999999999, y)",
    "x // 2 /* y */ ^ z",
]
ALPHABET = "abexyz_0123456789.+-*/@<>=!?:;,()[]{}'\"\\#^&|~%$ \t\n\r\0\ud800−ｘ🙂"
WORDS = ["**", "//", "==", "+=", "var ", "return ", "Math.", "exp(", "axis=", "true", "if ", "__"]
SIGNS = [" + ", "-", "*", " / ", "**"]


def mutated(random: Random) -> str:
    """One text: a piece of a good or hostile one, with one to three accidents."""
    text = random.choice(GOOD if random.random() < 0.7 else HOSTILE)
    for _ in range(random.randint(1, 3)):
        start = int(random.random() * (len(text) + 1))
        accident = random.random()
        if accident < 0.35:  # put something in
            text = text[:start] + random.choice(ALPHABET) + text[start:]
        elif accident < 0.5:
            text = text[:start] + random.choice(WORDS) + text[start:]
        elif accident < 0.7:  # take something out
            text = text[:start] + text[start + random.randint(1, 4) :]
        elif accident < 0.8:  # change one character
            text = text[:start] + random.choice(ALPHABET) + text[start + 1 :]
        elif accident < 0.9:  # repeat a piece
            stop = start + random.randint(1, 12)
            text = text[:stop] + text[start:stop] * random.randint(1, 8) + text[stop:]
        else:  # go on with another text
            text = text[:start] + random.choice(GOOD + HOSTILE)[random.randint(0, 20) :]
    return text


def arithmetic(random: Random) -> str:
    """One random tree in Python's notation, with brackets where needed and where not."""
    done: list[str] = []
    for _ in range(random.randint(3, 24)):
        dice = random.random()
        if dice < 0.5 or not done:
            # Always with a point: on whole numbers Python would compute 9**9**9 to the last digit.
            done.append(repr(random.choice((random.random(), float(random.randint(0, 9))))))
        elif dice < 0.6:
            done[-1] = f"-{done[-1]}"
        elif dice < 0.75:
            done[-1] = f"({done[-1]})"
        elif len(done) > 1:
            right = done.pop()
            done[-1] = f"{done[-1]}{random.choice(SIGNS)}{right}"
    return " + ".join(done)


ACTS: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
}


def run(steps: Sequence[Instruction]) -> float:
    """The smallest machine that arithmetic needs."""
    stack: list[float] = []
    for step in steps:
        values = stack[len(stack) - step.arity :]
        del stack[len(stack) - step.arity :]
        stack.append(ACTS[step.text](*values) if values else step.value)
    return stack.pop()


def meaning(text: str) -> list[Instruction]:
    """Instructions without their place in the text."""
    return [step._replace(start=0, stop=0) for step in parse(text).instructions]


def check_string(text: str) -> str:
    """What became of the text: read, or refused and why."""
    try:
        steps = meaning(text)
    except ExpressionError as error:
        return refused(text, error)
    assert meaning(to_text(steps)) == steps, "printing and reading changed it"
    return "read"


def refused(text: str, error: ExpressionError) -> str:
    """The kind of refusal, without the words of this one text."""
    assert 0 <= error.position <= len(text), "the caret points outside the text"
    return "refused: " + re.sub(r"'.*'|U\+.* is|[\d,]{5,}", "...", error.what)[:60]


def check_tree(text: str) -> str:
    """Whether the value is Python's, to the last bit."""
    steps = meaning(text)
    assert meaning(to_text(steps)) == steps, "printing and reading changed it"
    try:
        expected = eval(text)  # noqa: S307 - the text was generated here
    except ArithmeticError as error:
        return f"Python has no value: {type(error).__name__}"
    if isinstance(expected, complex):
        return "Python has no real value"
    assert repr(run(steps)) == repr(expected), f"{run(steps)!r} instead of {expected!r}"
    return "equal to Python"


@dataclass
class Tally:
    """What a chunk of texts, or all of them, came to."""

    count: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.outcomes += other.outcomes
        self.failures += other.failures
        self.slowest = max(self.slowest, other.slowest)


CAMPAIGNS = {"strings": (mutated, check_string), "trees": (arithmetic, check_tree)}


def run_chunk(job: tuple[str, int, int, int]) -> Tally:
    """Make and check the texts of one chunk; runs in a process of its own."""
    campaign, seed, chunk, count = job
    make, check = CAMPAIGNS[campaign]
    random, tally = Random(f"{campaign} {seed} {chunk}"), Tally(count)
    for _ in range(count):
        text = make(random)
        started = time.process_time()  # what else the machine does is not our slowness
        try:
            tally.outcomes[check(text)] += 1
        except Exception as error:  # noqa: BLE001 - whatever escapes is what we look for
            tally.failures.append(f"{text!r}: {type(error).__name__}: {error}")
        tally.slowest = max(tally.slowest, (time.process_time() - started, text))
    return tally


def jobs(campaign: str, seed: int, count: int) -> Iterator[tuple[str, int, int, int]]:
    """The chunks of a campaign: its name, the seed, the chunk's number and its size."""
    for chunk, start in enumerate(range(0, count, CHUNK)):
        yield campaign, seed, chunk, min(CHUNK, count - start)


def report(campaign: str, tally: Tally, seconds: float) -> None:
    """Print what a campaign came to."""
    print(
        f"\n{campaign}: {tally.count:,} in {seconds:.0f} s, {tally.count / seconds:,.0f} a second"
    )
    for outcome, count in tally.outcomes.most_common(30):
        print(f"  {count:>12,}  {outcome}")
    slow, text = tally.slowest
    print(f"  slowest: {slow * 1e3:.1f} ms, again: {best_time(text) * 1e3:.2f} ms: {text[:60]!r}")
    print(f"  failures: {len(tally.failures)}")
    for failure in tally.failures[:10]:
        print(f"    {failure}")


def best_time(text: str) -> float:
    """Processor seconds to read or refuse one text, best of five."""
    times = []
    for _ in range(5):
        started = time.process_time()
        with suppress(ExpressionError):
            parse(text)
        times.append(time.process_time() - started)
    return min(times)


LONG = {
    "a name of 1,000,000": "x" * 10**6,
    "1,000,000 brackets": "(" * 10**6,
    "200,000 terms": "+".join("x" * 200_000),
    "12,500 terms": "+".join("x" * 12_500),
    "24,000 signs": "-" * 24_000 + "x",
    "6,000 statements": "a=x;" * 6_000,
    "600 attributes a call": "f(x," + ",".join(f"a{i}=1" for i in range(600)) + ")",
    "1,000,000 lines": "\n" * 10**6,
    "1,000,000 blanks": " " * 10**6,
    "1,000,000 commented": "#" * 10**6,
    "1e1e1e ...": "1e" * 500_000,
}


def main() -> int:
    """Run both campaigns, time the long texts, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--strings", type=int, default=1_000_000)
    parser.add_argument("--trees", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.processes} processes")
    failed = 0
    with Pool(asked.processes) as pool:
        for campaign in CAMPAIGNS:
            total, started = Tally(), time.perf_counter()
            for tally in pool.imap_unordered(
                run_chunk, jobs(campaign, asked.seed, getattr(asked, campaign))
            ):
                total.add(tally)
            report(campaign, total, time.perf_counter() - started)
            failed += len(total.failures)
    print("\nlong texts, milliseconds to read or refuse")
    for name, text in LONG.items():
        print(f"  {best_time(text) * 1e3:8.1f}  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
