"""Floor 5, the lens: what a person asks of one circuit."""
