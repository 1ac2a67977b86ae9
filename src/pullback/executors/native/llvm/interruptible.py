"""Long native work in pieces, so that a person who presses Ctrl-C need not wait."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE = 0.02  # seconds of work between two looks at Ctrl-C


def in_pieces(total: int, work: Callable[[int, int], None], first: int) -> None:
    """work(start, stop) over 0..total; `first` steps at once to begin with, later as many as fit."""
    done, piece = 0, first
    while done < total:
        stop = min(done + piece, total)
        began = time.perf_counter()
        work(done, stop)
        took = time.perf_counter() - began
        piece = max(1, min(int(piece * PAUSE / max(took, 1e-9)), 4 * piece))
        done = stop
