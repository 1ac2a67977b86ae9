"""Test files may share what they ask: `from laws.gate_cases import every_case`. `--few N` asks a sample."""

import sys
from collections import defaultdict
from pathlib import Path

from hypothesis import settings

# Its gates are for laws that import it; looked at for examples, it would be imported twice.
collect_ignore = ["laws/made_for_tests.py"]

sys.path.insert(0, str(Path(__file__).parent))

# Machines are shared and slow ones exist: a law is never judged by a clock.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")


def pytest_addoption(parser):
    parser.addoption(
        "--few", type=int, default=0, metavar="N", help="ask each test at most N of its cases"
    )


def pytest_collection_modifyitems(config, items):
    """The first, the last and some evenly between them: the same ones every time."""
    few = config.getoption("--few")
    if few < 1:
        return
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept = {
        id(some[i * (len(some) - 1) // max(few - 1, 1)])
        for some in cases.values()
        for i in range(few)
    }
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
    items[:] = [item for item in items if id(item) in kept]
