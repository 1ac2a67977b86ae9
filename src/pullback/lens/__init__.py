"""Floor 5, lens: everything about one circuit: gradients, checks, explanations, sources, fits."""
