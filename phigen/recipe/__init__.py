"""What a dataset shall be: a recipe's sections, loading it, checking it, expanding it into orbits."""
