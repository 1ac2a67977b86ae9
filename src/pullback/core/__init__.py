"""Floor 1, the pure IR: wires, gates, circuits and how they are built. No numbers are computed here."""
