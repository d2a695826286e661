"""The box as PhiFlow sees it: its grids, made from arrays in PhiFlow's order (x, y)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from phi import math
from phi.field import CenteredGrid, StaggeredGrid
from phi.geom import Box
from phi.math import dual, extrapolation, spatial, tensor

from phigen.recipe.grid import Boundaries, BoundaryName

_SMOKE = {
    "closed": extrapolation.ZERO_GRADIENT,
    "periodic": extrapolation.PERIODIC,
    "open": extrapolation.ZERO_GRADIENT,
}
_VELOCITY = {
    "closed": extrapolation.ZERO,
    "periodic": extrapolation.PERIODIC,
    "open": extrapolation.ZERO_GRADIENT,
}
_PRESSURE = {
    "closed": extrapolation.ZERO_GRADIENT,
    "periodic": extrapolation.PERIODIC,
    "open": extrapolation.ZERO,
}


class State(NamedTuple):
    """Smoke (nx, ny), and the velocity on the faces that the boundary conditions leave free."""

    smoke: Array
    velocity_x: Array
    velocity_y: Array


@dataclass(frozen=True)
class Domain:
    """The box and its boundary conditions, from which PhiFlow's grids of arrays are made."""

    cells: tuple[int, int]
    boundaries: Boundaries

    def _extrapolation(self, kinds: dict[str, Any]) -> Any:
        sides = [tuple(kinds[boundary] for boundary in axis) for axis in self.boundaries]
        x, y = (lower if lower == upper else (lower, upper) for lower, upper in sides)
        return x if x == y and not isinstance(x, tuple) else extrapolation.combine_sides(x=x, y=y)

    @property
    def layout(self) -> dict[str, Any]:
        """Bounds and resolution, as keyword arguments of PhiFlow's grids."""
        width, height = self.cells
        return {"bounds": Box(x=width, y=height), "x": width, "y": height}

    def smoke(self, values: Any) -> Any:
        """Return cell-centred smoke from an array (nx, ny)."""
        return CenteredGrid(spatial_tensor(values), self._extrapolation(_SMOKE), **self.layout)

    def pressure(self, values: Any) -> Any:
        """Return cell-centred pressure from an array (nx, ny)."""
        return CenteredGrid(spatial_tensor(values), self._extrapolation(_PRESSURE), **self.layout)

    def velocity(self, x: Any, y: Any) -> Any:
        """Return the staggered velocity from the free faces of each component."""
        values = math.stack([spatial_tensor(x), spatial_tensor(y)], dual(vector="x,y"))
        return StaggeredGrid(values, self._extrapolation(_VELOCITY), **self.layout)

    def at_rest(self, dtype: Any) -> State:
        """Return the state without smoke or motion."""
        width, height = self.cells
        free_x, free_y = (
            {("periodic", "periodic"): n}.get(axis, n - 1 + axis.count("open"))
            for n, axis in zip(self.cells, self.boundaries, strict=True)
        )
        shapes = (width, height), (free_x, height), (width, free_y)
        return State(*(jnp.zeros(shape, dtype) for shape in shapes))

    def free_faces(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return those of all N + 1 faces that the boundaries leave free, from which `all_faces` restores the rest."""
        (left, right), (bottom, top) = self.boundaries
        first_x, last_x = int(left == "closed"), self.cells[0] + int(right == "open")
        first_y, last_y = int(bottom == "closed"), self.cells[1] + int(top == "open")
        return x[first_x:last_x], y[:, first_y:last_y]

    def all_faces(self, state: State) -> tuple[Array, Array]:
        """Return all N + 1 faces of each component, walls and periodic images too: (nx + 1, ny) and (nx, ny + 1)."""
        x, y = state.velocity_x, state.velocity_y
        return _complete(x, self.boundaries[0], 0), _complete(y, self.boundaries[1], 1)


def _complete(faces: Array, sides: tuple[BoundaryName, BoundaryName], axis: int) -> Array:
    if sides[0] == "periodic":
        return jnp.concatenate([faces, jnp.take(faces, jnp.array([0]), axis=axis)], axis=axis)
    walls = int(sides[0] == "closed"), int(sides[1] == "closed")
    return jnp.pad(faces, [walls if dim == axis else (0, 0) for dim in range(2)]) if any(walls) else faces


def spatial_tensor(values: Any) -> Any:
    """Return an array (nx, ny) as PhiML's tensor."""
    return tensor(values, spatial("x,y"))


def native(values: Any) -> Array:
    """Return PhiML's tensor as an array (nx, ny)."""
    array: Array = values.native("x,y")
    return array
