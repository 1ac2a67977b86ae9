"""`pullback rerun latest`: does the same training give the same model again?"""

from __future__ import annotations

from pathlib import Path

from pullback.cli.app import STOPPED
from pullback.cli.printing import say, say_json
from pullback.models.rerun import rerun as train_again
from pullback.runs.endings import endings
from pullback.runs.folder import ROOT
from pullback.train.monitor import Monitors
from pullback.train.progress import progress


def rerun(run: str, /, *, data: str = "", runs: Path = ROOT, json: bool = False) -> int:
    """Train a run again and compare the two, bit by bit.

    The new run gets a folder of its own. The exit code is 1 where the models differ.

    run: a run's name, its folder, or latest
    data: where the table is now, if it has moved
    runs: the folder of run folders
    json: print one JSON document

    $ pullback rerun digits-1
    """
    with endings() as ending, progress(100) as bar:
        try:
            again = train_again(run, data=data, root=runs, monitor=Monitors((bar, ending)))
        except KeyboardInterrupt:
            return ending.code or STOPPED
    if json:
        say_json({"first": again.first, "second": again.second.run, "same": again.same})
    elif again.same:
        say(f"{again.second.run} reproduces {again.first}: the models are equal to the last bit")
    else:
        say(f"{again.second.run} does not reproduce {again.first}: the models differ")
    return ending.code or int(not again.same)
