"""Short circuits of single numbers: one straight line, its steps in a loop, and it at many points."""
