"""`pullback worksheet`: circuits on paper, a sheet a pupil."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pullback.cli.printing import say, say_json
from pullback.errors import OptionError
from pullback.runs.atomic import write_atomic
from pullback.show.worksheet import Sheet, command, sheets
from pullback.show.worksheet import worksheet as page_of


def worksheet(
    *names: str,
    count: int = 1,
    level: Literal["easy", "medium", "hard"] = "easy",
    seed: int = 0,
    save: Path = Path("worksheet.html"),
    json: bool = False,
) -> int:
    """Write worksheets to print, with solutions.

    Each sheet shows a small random circuit with blanks for the value and the
    pull (the gradient) of every wire. The solutions follow after the sheets, each on a page of its own,
    with the command that grades the answers.
    The same seed gives the same circuits.

    names: the pupils; without any, --count sheets with a line for the name
    count: how many sheets, when there are no names
    level: easy has sums and products; medium adds max, relu and squares; hard
        adds divisions, sigmoid and tanh
    seed: of the random circuits
    save: the HTML file to write; it replaces a file of this name

    $ pullback worksheet anna bert --seed 7
    $ pullback worksheet --count 20 --level medium --save sheets.html
    """
    if names and count != 1:
        raise OptionError(
            f"give names or --count, not both: {len(names)} names and --count {count}."
        )
    made = sheets(names or [""] * count, seed, level)
    write_atomic(save, page_of(made, seed, level).encode())
    if json:
        say_json({"saved": str(save), "seed": seed, "sheets": [_fields(sheet) for sheet in made]})
    else:
        say(f"Saved {len(made)} {'sheet' if len(made) == 1 else 'sheets'} and solutions to {save}.")
    return 0


def _fields(sheet: Sheet) -> dict[str, object]:
    done = sheet.exercise
    pulls = {w.name: w.grad for w in done.run()}
    return {
        "name": sheet.name, "circuit": done.text, "values": done.values, "pulls": pulls,
        "mark": command(done),
    }  # fmt: skip
