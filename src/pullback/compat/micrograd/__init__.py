"""micrograd's names: `Value` and small nets, on native Units. A script runs as it is, 100 times faster.

    python -m pullback.compat.micrograd script.py

runs a script in which `import micrograd` means this package; in code of your own:

    from pullback.compat.micrograd.engine import Value
    from pullback.compat.micrograd.nn import MLP
"""

from __future__ import annotations

import sys

from pullback.compat.micrograd import engine, nn
from pullback.compat.micrograd.engine import Value

__all__ = ["Value", "engine", "install", "nn"]


def install() -> None:
    """From now on, `import micrograd` in this process means this package."""
    for name, module in (("", sys.modules[__name__]), (".engine", engine), (".nn", nn)):
        sys.modules[f"micrograd{name}"] = module
