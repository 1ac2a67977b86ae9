"""Makes docs/ten-tables.md: what the trainer says of ten public tables.

    PULLBACK_DATA=FOLDER python docs/tables/make.py            write the page
    PULLBACK_DATA=FOLDER python docs/tables/make.py --check    is it up to date? numbers apart

FOLDER holds tables/penguins.csv and the others; the page says where they come from.
"""
# ruff: noqa: E501 - a note is one line

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "ten-tables.md"

# table, target, where it comes from, what to look at
TABLES = [
    ("penguins.csv", "species", "palmerpenguins, CC0",
     "Three kinds of penguins by their measures. Missing cells are counted, not dropped."),
    ("penguins-raw.csv", "Species", "palmerpenguins, CC0",
     "The same birds on the untidied field sheet. Two columns are constant, one is free text, one "
     "names the bird; each is left out with its reason. What remains includes the chemistry of the blood."),
    ("titanic.csv", "Survived", "the usual training table",
     "A row number, names, tickets and cabins are recognised and left out. What remains is coarse: a fifth of the "
     "test rows are duplicates of training rows, and the score to believe is the one without them."),
    ("cars.csv", "Miles_per_Gallon", "UCI Auto MPG, CC BY 4.0",
     "A regression, so R² and RMSE in miles per gallon. Rows without a target are left out."),
    ("winequality-red.csv", "quality", "UCI Wine Quality, CC BY 4.0 (Cortez et al. 2009)",
     "Separated by semicolons, which a line says. Six classes, and the most common error is off by one. Duplicate rows are counted."),
    ("credit.csv", "Status", "modeldata, MIT",
     "Beats always predicting 'good' by more than twice the error bar, and not by much."),
    ("seattle-weather.csv", "weather", "NOAA, public domain",
     "Days in order: the last ones are the test. The error bar is wide because days resemble their neighbours."),
    ("shuttle.csv", "anomaly", "UCI Statlog Shuttle, CC BY 4.0",
     "One row in fourteen is odd, so accuracy alone is misleading, and this is said before training; so is one value "
     "far beyond all others."),
    ("co2.csv", "co2", "Mauna Loa, public domain",
     "A date alone, as one long number. The rise continues beyond the training years; R² is below what "
     "interpolation would give, because extrapolation is harder."),
    ("sunspots.csv", "SUNACTIVITY", "public domain",
     "The year does not predict the spots, and that is the answer."),
]  # fmt: skip

HEAD = """# Ten tables

What `pullback train FILE --target NAME` says of ten public tables, seed 0, with the lines of the epochs left out.
Only penguins comes along; the others are easily found by their names. `python docs/tables/make.py` wrote
this page.
"""


def page(folder: Path) -> str:
    """The page, from ten runs."""
    parts = [HEAD]
    for name, target, source, note in TABLES:
        shown = f"$ pullback train {name} --target {target}\n{said(folder / name, target)}"
        parts.append(
            f"\n## {name.removesuffix('.csv')}\n\n{note} Source: {source}.\n\n```text\n{shown}```\n"
        )
    return "".join(parts)


def said(table: Path, target: str) -> str:
    """What the command prints, both streams as a terminal mixes them, without the epochs."""
    command = [sys.executable, "-m", "pullback", "train", str(table), "--target", target]
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            command,
            cwd=empty,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    return "".join(
        line for line in done.stdout.splitlines(keepends=True) if not line.startswith("epoch ")
    )


def words(text: str) -> str:
    """The page without its figures, which differ in the last digits between processors."""
    return re.sub(r"\d[\d.,]*", "#", text)


def main() -> int:
    """Write or check the page."""
    wanted = page(Path(os.environ["PULLBACK_DATA"]) / "tables")
    if "--check" in sys.argv:
        same = words(PAGE.read_text(encoding="utf-8")) == words(wanted)
        print(
            "up to date"
            if same
            else "out of date: docs/ten-tables.md; run python docs/tables/make.py"
        )
        return 0 if same else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
