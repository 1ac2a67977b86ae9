"""Floor 10, bench: the same work by pullback, by other libraries and by C, compared in one run."""
