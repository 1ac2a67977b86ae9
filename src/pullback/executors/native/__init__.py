"""The native executor: circuits become machine code through LLVM. Nothing here shows above `compile`."""
