"""One step of buoyant smoke in PhiFlow's own operators, with an exact spectral pressure projection.

With smoke s in cell centres, velocity v on cell faces and the inflow's and buoyancy's i and f (physics of
Wang et al. 2022, arXiv:2201.11969):

    s <- MacCormack(s, v, dt_smoke) + i
    v <- semi-Lagrangian(v, v, dt_velocity) + f s, averaged to the faces
    v <- v - grad p   with   lap p = div v

Arrays are native, in PhiFlow's order (x, y).  Only simulation.py imports this module, and late: PhiFlow changes
jax's settings as it is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray
from phi import math
from phi.field import CenteredGrid, StaggeredGrid, divergence, resample, spatial_gradient
from phi.geom import Box, Sphere
from phi.math import NUMPY, channel, dual, extrapolation, spatial, tensor
from phi.physics import advect

from phigen.recipe.grid import Boundaries, BoundaryName
from phigen.recipe.scene import Inflow
from phigen.simulation.pressure_basis import basis, inverse_laplacian
from phigen.symmetry.point_groups import ELEMENTS, ElementName, project_onto
from phigen.symmetry.resampling import cell_means, face_values

INNER = 64
"""Longest inner dimension of a matrix product that is left in one piece."""

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
    """Smoke (nx, ny), and the velocity on those faces that the boundaries leave free."""

    smoke: Array
    velocity_x: Array
    velocity_y: Array


@dataclass(frozen=True)
class Domain:
    """The box and its boundaries: makes PhiFlow's grids from arrays."""

    cells: tuple[int, int]
    boundaries: Boundaries

    def _extrapolation(self, kinds: dict[str, Any]) -> Any:
        sides = [tuple(kinds[boundary] for boundary in axis) for axis in self.boundaries]
        x, y = (lower if lower == upper else (lower, upper) for lower, upper in sides)
        return x if x == y and not isinstance(x, tuple) else extrapolation.combine_sides(x=x, y=y)

    @property
    def layout(self) -> dict[str, Any]:
        """Bounds and resolution, as PhiFlow's grids take them."""
        width, height = self.cells
        return {"bounds": Box(x=width, y=height), "x": width, "y": height}

    def images(self, point: tuple[float, float]) -> Iterator[tuple[float, float]]:
        """Give a point and, where the box wraps around, its images on either side."""
        shifts = [(-n, 0, n) if b[0] == "periodic" else (0,) for n, b in zip(self.cells, self.boundaries, strict=True)]
        for shift_x, shift_y in product(*shifts):
            yield point[0] + shift_x, point[1] + shift_y

    def smoke(self, values: Any) -> Any:
        """Give cell-centred smoke from an array (nx, ny)."""
        return CenteredGrid(_spatial(values), self._extrapolation(_SMOKE), **self.layout)

    def pressure(self, values: Any) -> Any:
        """Give cell-centred pressure from an array (nx, ny)."""
        return CenteredGrid(_spatial(values), self._extrapolation(_PRESSURE), **self.layout)

    def velocity(self, x: Any, y: Any) -> Any:
        """Give the staggered velocity from the free faces of each component."""
        values = math.stack([_spatial(x), _spatial(y)], dual(vector="x,y"))
        return StaggeredGrid(values, self._extrapolation(_VELOCITY), **self.layout)

    def at_rest(self, dtype: Any) -> State:
        """Give the state without smoke or motion."""
        width, height = self.cells
        free_x, free_y = (
            {("periodic", "periodic"): n}.get(axis, n - 1 + axis.count("open"))
            for n, axis in zip(self.cells, self.boundaries, strict=True)
        )
        shapes = (width, height), (free_x, height), (width, free_y)
        return State(*(jnp.zeros(shape, dtype) for shape in shapes))

    def free_faces(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Give those of all N + 1 faces that the boundaries leave free: what `all_faces` completes."""
        (left, right), (bottom, top) = self.boundaries
        first_x, last_x = int(left == "closed"), self.cells[0] + int(right == "open")
        first_y, last_y = int(bottom == "closed"), self.cells[1] + int(top == "open")
        return x[first_x:last_x], y[:, first_y:last_y]

    def all_faces(self, state: State) -> tuple[Array, Array]:
        """Give all N + 1 faces of each component, (nx + 1, ny) and (nx, ny + 1): walls and wrapped ones too."""
        x, y = state.velocity_x, state.velocity_y
        return _complete(x, self.boundaries[0], 0), _complete(y, self.boundaries[1], 1)


@lru_cache(maxsize=64)
def inflow_smoke(domain: Domain, inflows: tuple[Inflow, ...]) -> NDArray[np.float64]:
    """Give the smoke that inflows add per step, (nx, ny): their rate in every cell whose centre they hold."""
    with NUMPY, math.precision(64):
        empty = CenteredGrid(0, extrapolation.ZERO, **domain.layout)
        total = np.zeros(domain.cells)
        for disc in inflows:
            discs = [Sphere(x=x, y=y, radius=disc.radius) for x, y in domain.images(disc.center)]
            masks = [resample(image, to=empty, soft=False).values.numpy("x,y") for image in discs]
            total += disc.rate * np.max(masks, axis=0)
    return total


@lru_cache(maxsize=64)
def area_mask(domain: Domain, area: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Give 1 in the cells whose centre lies in an area [left, right) x [lower, upper), (nx, ny), and 0 elsewhere."""
    inside = []
    for n, sides, first, last in zip(domain.cells, domain.boundaries, area[::2], area[1::2], strict=True):
        distance = np.arange(n) + 0.5 - first
        inside.append((distance % n if sides[0] == "periodic" else distance, last - first))
    x, y = ((distance >= 0) & (distance < length) for distance, length in inside)
    return np.outer(x, y).astype(np.float64)


def symmetrize(state: State, pressure: Array, domain: Domain, subgroup: tuple[ElementName, ...]) -> tuple[State, Array]:
    """Project a state and its pressure onto what a subgroup leaves as it is: symmetric to the last bit.

    A barrier keeps the compiler from taking the means into what computes the state: a product that is added without
    being rounded would not be the same on both sides of an axis.
    """

    def mean(element: ElementName, fields: tuple[State, Array]) -> tuple[State, Array]:
        g, (u, p) = ELEMENTS[element], fields
        x, y = domain.all_faces(u)
        x, y = (g.on_scalars(faces).T for faces in g.on_components(x.T, y.T))
        smoke, turned = (g.on_scalars(values.T).T for values in (u.smoke, p))
        there = State(smoke, *domain.free_faces(x, y))
        return State(*((one + other) / 2 for one, other in zip(u, there, strict=True))), (p + turned) / 2

    rounded: tuple[State, Array] = lax.optimization_barrier((state, pressure))  # type: ignore[no-untyped-call]
    return project_onto(rounded, subgroup, mean)


def step(
    state: State, domain: Domain, *, inflow: Array, force: Array, dt_smoke: Array, dt_velocity: Array
) -> tuple[State, Array]:
    """Take one step.

    Parameters
    ----------
    state : State
        Smoke and velocity before it.
    domain : Domain
        The box.
    inflow : (nx, ny)
        Smoke added per step.
    force : (2,) or (2, nx, ny)
        Buoyancy (x, y) per unit smoke, added once per step; the same everywhere, or in each cell.
    dt_smoke, dt_velocity : ()
        How far each advection goes.

    Returns
    -------
    state : State
        After the step, divergence-free to rounding.
    pressure : (nx, ny)
        What made it so.
    """
    velocity = domain.velocity(state.velocity_x, state.velocity_y)
    smoke = advect.mac_cormack(domain.smoke(state.smoke), velocity, dt_smoke) + _spatial(inflow)
    pull = tensor(force, channel(vector="x,y"), *([spatial("x,y")] if force.ndim > 1 else []))
    lift = resample(smoke * pull, to=velocity)
    velocity = advect.semi_lagrangian(velocity, velocity, dt_velocity) + lift
    velocity, pressure = project(velocity, domain)
    x, y = (velocity.values[{"~vector": axis}] for axis in ("x", "y"))
    return State(_native(smoke.values), _native(x), _native(y)), _native(pressure.values)


def project(velocity: Any, domain: Domain) -> tuple[Any, Any]:
    """Give the nearest divergence-free velocity, v - grad p with lap p = div v, and p.

    Parameters
    ----------
    velocity : StaggeredGrid
        On the domain's free faces.
    domain : Domain
        The box.

    Returns
    -------
    velocity : StaggeredGrid
        Divergence-free to rounding.
    pressure : CenteredGrid
        Its mean is 0 where no side is open.
    """
    pressure = domain.pressure(_solve(domain, _native(divergence(velocity).values)))
    return velocity - spatial_gradient(pressure, velocity.boundary, at=velocity.sampled_at), pressure


def coarsened(
    smoke: Array, x: Array, y: Array, pressure: Array, cells: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Resample smoke and pressure (nx, ny) and all faces to another grid of the same box, keeping mass and flux.

    A coarse cell holds the mean of what it covers, a coarse face the mean flux through it.
    """
    (across, faces_x), (up, faces_y) = (
        (jnp.asarray(cell_means(n, to), smoke.dtype), jnp.asarray(face_values(n, to), smoke.dtype))
        for n, to in zip(smoke.shape, cells, strict=True)
    )

    def both(left: Array, values: Array, right: Array) -> Array:
        return _product(_product(left, values), right.T)

    return both(across, smoke, up), both(faces_x, x, up), both(across, y, faces_y), both(across, pressure, up)


def divergence_of(state: State, domain: Domain) -> Array:
    """Give the divergence in every cell, (nx, ny), per step."""
    return _native(divergence(domain.velocity(state.velocity_x, state.velocity_y)).values)


def _solve(domain: Domain, divergence: Array) -> Array:
    """Solve lap p = divergence exactly, in the eigenvectors of the two axes."""
    (across, values_x), (up, values_y) = map(basis, domain.boundaries, domain.cells)
    x, y, scale = (jnp.asarray(a, divergence.dtype) for a in (across, up, inverse_laplacian(values_x, values_y)))
    modes = _product(_product(x, divergence), y.T) * scale
    return _product(_product(x.T, modes), y)


def _product(left: Array, right: Array) -> Array:
    """Multiply matrices in an order of summation that does not depend on the number of threads.

    A threaded product cuts the inner dimension as it has threads, and then adds in another order; pieces of
    INNER are too short to be cut again, and are added here, in one order.
    """
    pieces = [left[:, k : k + INNER] @ right[k : k + INNER] for k in range(0, left.shape[1], INNER)]
    return sum(pieces[1:], start=pieces[0])


def _complete(faces: Array, sides: tuple[BoundaryName, BoundaryName], axis: int) -> Array:
    if sides[0] == "periodic":
        return jnp.concatenate([faces, jnp.take(faces, jnp.array([0]), axis=axis)], axis=axis)
    walls = int(sides[0] == "closed"), int(sides[1] == "closed")
    return jnp.pad(faces, [walls if dim == axis else (0, 0) for dim in range(2)]) if any(walls) else faces


def _spatial(values: Any) -> Any:
    return tensor(values, spatial("x,y"))


def _native(values: Any) -> Array:
    native: Array = values.native("x,y")
    return native
