"""Floor 10, bench: the same work by us, by other libraries and by C, side by side in one run."""
