"""The checks of a recipe, one function for each claim; `recipe` runs them all."""
