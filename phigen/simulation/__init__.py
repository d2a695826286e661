"""Simulations: one step, the compiled program, the pressure projection, and where and how they are computed."""
