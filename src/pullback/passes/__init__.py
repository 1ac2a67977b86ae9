"""Floor 3, circuit to circuit: backward, forward mode, tidy, share, expand."""
