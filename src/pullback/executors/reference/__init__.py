"""The reference executor: plain NumPy, one gate after the other."""
