"""One row, measured in this process: asked by a JSON argument, answered by a line of JSON."""

from __future__ import annotations

import dataclasses
import json
import sys

from pullback.bench.machine import stay_on_one_core
from pullback.bench.measure import measure, peak_memory
from pullback.bench.table import all_rows


def main(text: str) -> None:
    """Answer on stdout; whatever a library prints meanwhile comes before."""
    asked = json.loads(text)
    stay_on_one_core()
    row = all_rows()[asked["row"]]
    if asked["quick"]:
        row = dataclasses.replace(row, turn=row.turn / 20)
    found = measure(row, asked.get("size", row.size), asked["names"], asked["rounds"])
    runners = {
        name: {"time": one.time if one.times else None, "ready": one.ready, "said": one.said}
        for name, one in found.items()
    }
    sys.stdout.write(json.dumps({"runners": runners, "memory": peak_memory()}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
