"""Floor 4, loop: steps of training, one after the other. Above executors, below whoever trains."""
