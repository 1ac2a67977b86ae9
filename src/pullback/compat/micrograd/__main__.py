"""python -m pullback.compat.micrograd script.py [arguments]: run a micrograd script on our engine."""

from __future__ import annotations

import os
import runpy
import sys

from pullback.compat.micrograd import install


def main() -> int:
    """Run the script that is named, as Python itself would."""
    if len(sys.argv) < 2:
        print("Which script? python -m pullback.compat.micrograd script.py", file=sys.stderr)  # noqa: T201
        return 2
    install()
    del sys.argv[0]
    sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
    runpy.run_path(sys.argv[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
