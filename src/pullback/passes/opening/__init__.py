"""Looking inside gates: one element of an array; gates closed again. A circuit that only runs needs none."""
