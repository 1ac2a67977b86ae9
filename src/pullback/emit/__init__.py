"""Floor 4, emitters: circuits as source code and pictures. Nothing is run here."""
