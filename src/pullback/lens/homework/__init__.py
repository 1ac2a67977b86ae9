"""Homework: a backward pass that a person wrote, in our notation or in NumPy. It is read, never executed."""
