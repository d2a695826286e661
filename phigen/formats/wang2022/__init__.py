"""The published datasets of Wang et al. (2022): read and written."""
