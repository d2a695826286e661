"""From a recipe to its runs."""
