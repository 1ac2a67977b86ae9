"""Floor 11, the command line: `pullback COMMAND ...`, one file a command."""

from pullback.cli.app import answer, main

__all__ = ["answer", "main"]
