"""Ctrl-C at a moment of the test's choice."""

import gc
import signal

import pytest

needs_alarm = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="no interval timer on this system"
)


class Alarm:
    """KeyboardInterrupt after so many milliseconds of work, if the block lasts that long.

    Work is processor time of this process: what else the machine does moves nothing. Python's
    collector rests meanwhile: an interruption inside of one of its callbacks would be lost.
    """

    def __init__(self, milliseconds):
        self.seconds = milliseconds / 1000

    def __enter__(self):
        gc.disable()
        self.before = signal.signal(signal.SIGPROF, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_PROF, self.seconds)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self.before)
        gc.enable()
