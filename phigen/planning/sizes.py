"""The fields that a recipe's dataset stores, and how large they are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from phigen.recipe.model import Recipe
from phigen.symmetry.fields import ALWAYS, FIELDS, STORED_AS, Field


def fields_of(recipe: Recipe) -> dict[str, Field]:
    """Return the fields that the dataset stores; where there are regions, each has its own buoyancy."""
    names = (*(part for name in recipe.store for part in STORED_AS[name]), *ALWAYS)
    fields = {name: FIELDS[name] for name in names}
    if recipe.scene.regions:
        fields["buoyancy"] = replace(fields["buoyancy"], dims=("time", "region", "component"))
    return fields


def values_of(recipe: Recipe, field: Field) -> int:
    """Return the number of values that a field has in one run."""
    width, height = recipe.grid.shape
    sizes = {"time": len(recipe.time.kept), "region": len(recipe.scene.regions), "component": 2}
    sizes |= {"y": height, "x": width, "y_face": height + 1, "x_face": width + 1}
    return math.prod(sizes[dim] for dim in field.dims)


def bytes_of(recipe: Recipe, field: Field) -> int:
    """Return the bytes that a field has in one run, before compression."""
    return values_of(recipe, field) * np.dtype(field.dtype).itemsize
