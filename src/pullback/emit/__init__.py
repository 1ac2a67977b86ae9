"""Floor 4, emitters: circuits as text. Nothing here runs anything."""
