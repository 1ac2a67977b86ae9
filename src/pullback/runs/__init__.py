"""Floor 1, runs: run folders on disk, written so that a crash never damages an older file."""
