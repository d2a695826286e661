"""The published datasets of Wang et al. (2022): import from their layout, and export to it."""
