"""Plans of circuits of arrays: what runs together, in which order, and where every number lies."""
