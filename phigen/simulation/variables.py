"""A dataset's variables: names, dims, units, in one place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phigen.recipe.model import Recipe, VariableName


@dataclass(frozen=True)
class Variable:
    """What a stored variable is: its dims after `run`, and its CF attributes."""

    dims: tuple[str, ...]
    dtype: str
    units: str
    long_name: str
    comment: str = ""


VARIABLES = {
    "smoke": Variable(("time", "y", "x"), "float32", "1", "smoke density", "in cell centres"),
    "velocity": Variable(
        ("time", "component", "y", "x"), "float32", "cell step-1", "velocity", "mean of the two faces of each cell"
    ),
    "velocity_x": Variable(
        ("time", "y", "x_face"), "float32", "cell step-1", "velocity along x", "on all N + 1 faces, walls included"
    ),
    "velocity_y": Variable(
        ("time", "y_face", "x"), "float32", "cell step-1", "velocity along y", "on all N + 1 faces, walls included"
    ),
    "pressure": Variable(
        ("time", "y", "x"), "float32", "cell2 step-1", "pressure", "p of v - grad p, the projection of the last step"
    ),
    "buoyancy": Variable(
        ("time", "component"), "float64", "cell step-2", "buoyancy per unit smoke", "as applied, added once per step"
    ),
    "divergence": Variable(
        ("time",), "float32", "step-1", "largest absolute divergence", "over the steps since the frame before"
    ),
    "courant": Variable(("time",), "float32", "1", "largest Courant number", "over the steps since the frame before"),
}
STORED_AS: dict[VariableName, tuple[str, ...]] = {
    "smoke": ("smoke",),
    "velocity": ("velocity",),
    "faces": ("velocity_x", "velocity_y"),
    "pressure": ("pressure",),
}
SIMULATED = tuple(name for parts in STORED_AS.values() for name in parts)
"""The fields that a simulation computes of each frame."""
DIMS = ("time", "region", "component", "y", "y_face", "x", "x_face")
"""The order of all dims after `run`."""
ALWAYS = ("buoyancy", "divergence", "courant")


def variables_of(recipe: Recipe) -> dict[str, Variable]:
    """Give the variables that a recipe's dataset has: where there are regions, each has its own buoyancy."""
    names = (*(name for chosen in recipe.store for name in STORED_AS[chosen]), *ALWAYS)
    variables = {name: VARIABLES[name] for name in names}
    if recipe.scene.regions:
        variables["buoyancy"] = replace(variables["buoyancy"], dims=("time", "region", "component"))
    return variables


def coordinates(cells: tuple[int, int], frames: range) -> dict[str, Any]:
    """Give the coordinates of simulated fields: cell centres and faces in cells, frames in steps."""
    width, height = cells
    return {
        "time": np.asarray(frames, np.int64),
        "component": np.array(["x", "y"], dtype=object),
        "y": np.arange(height) + 0.5,
        "x": np.arange(width) + 0.5,
        "y_face": np.arange(height + 1.0),
        "x_face": np.arange(width + 1.0),
    }
