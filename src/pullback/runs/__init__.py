"""Floor 1, runs: what a training leaves on disk, written so that a crash never costs the old."""
