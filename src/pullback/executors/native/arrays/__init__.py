"""Circuits of arrays as one machine function: plan, memory, kernels, and the program that runs it."""
