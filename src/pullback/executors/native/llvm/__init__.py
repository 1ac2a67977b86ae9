"""Machine code by LLVM: text written with numbers, compiled, kept, and run on threads."""
