"""The sections of a recipe, loading a recipe, checking it, and expanding it into orbits."""
