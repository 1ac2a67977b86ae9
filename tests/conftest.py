"""Test files may share what they ask: `from laws.gate_cases import every_case`."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# Machines are shared and slow ones exist: a law is never judged by a clock.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")
