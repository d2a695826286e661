"""One step, the compiled program, the pressure projection."""
