"""From the sections of a recipe to its scenes and orbits, as columns."""
