"""Where machine code meets CPython: numbers and arrays handed over, and the number type behind Unit."""
