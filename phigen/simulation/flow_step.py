"""One step of buoyant smoke in PhiFlow's own operators, with an exact spectral pressure projection.

With smoke s in cell centres, velocity v on cell faces, inflow i and buoyancy f (physics of Wang et al. 2022,
arXiv:2201.11969):

    s <- MacCormack(s, v, dt_smoke) + i
    v <- semi-Lagrangian(v, v, dt_velocity) + f s, averaged to the faces
    v <- v - grad p   with   lap p = div v

Arrays are native, in PhiFlow's order (x, y).  Only compilation.py imports this module, and late, because PhiFlow
changes jax's settings when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from phi.field import divergence, resample, spatial_gradient
from phi.math import channel, spatial, tensor
from phi.physics import advect

from phigen.simulation import sampling
from phigen.simulation.domain import Domain, State, native, spatial_tensor
from phigen.simulation.pressure_basis import basis, inverse_laplacian
from phigen.symmetry.point_groups import ELEMENTS, ElementName, project_onto
from phigen.symmetry.resampling import cell_means, face_values

INNER = 64
"""Longest inner dimension of a matrix product that is computed in one piece."""


def symmetrize(state: State, pressure: Array, domain: Domain, subgroup: tuple[ElementName, ...]) -> tuple[State, Array]:
    """Project a state and its pressure onto the fields that a subgroup leaves invariant, exactly to the last bit.

    A barrier keeps the compiler from fusing the means with what computes the state: a product that is added before it
    is rounded would differ between the two sides of an axis.
    """

    def mean(element: ElementName, fields: tuple[State, Array]) -> tuple[State, Array]:
        g, (u, p) = ELEMENTS[element], fields
        x, y = domain.all_faces(u)
        x, y = (g.on_scalars(faces).T for faces in g.on_components(x.T, y.T))
        smoke, pressure = (g.on_scalars(values.T).T for values in (u.smoke, p))
        image = State(smoke, *domain.free_faces(x, y))
        return State(*((one + other) / 2 for one, other in zip(u, image, strict=True))), (p + pressure) / 2

    barrier: Callable[[tuple[State, Array]], tuple[State, Array]] = lax.optimization_barrier
    return project_onto(barrier((state, pressure)), subgroup, mean)


def step(
    state: State, domain: Domain, *, inflow: Array, force: Array, dt_smoke: Array, dt_velocity: Array
) -> tuple[State, Array]:
    """Take one step.

    Parameters
    ----------
    state : State
        Smoke and velocity before the step.
    domain : Domain
        The box.
    inflow : (nx, ny)
        Smoke added per step.
    force : (2,) or (2, nx, ny)
        Buoyancy (x, y) per unit smoke, added once per step: uniform, or one value per cell.
    dt_smoke, dt_velocity : ()
        Time that each advection covers, in steps.

    Returns
    -------
    state : State
        After the step, divergence-free to rounding.
    pressure : (nx, ny)
        Of the projection.
    """
    with sampling.backend(domain.boundaries):
        velocity = domain.velocity(state.velocity_x, state.velocity_y)
        smoke = advect.mac_cormack(domain.smoke(state.smoke), velocity, dt_smoke) + spatial_tensor(inflow)
        pull = tensor(force, channel(vector="x,y"), *([spatial("x,y")] if force.ndim > 1 else []))
        lift = resample(smoke * pull, to=velocity)
        velocity = advect.semi_lagrangian(velocity, velocity, dt_velocity) + lift
        velocity, pressure = project(velocity, domain)
        x, y = (velocity.values[{"~vector": axis}] for axis in ("x", "y"))
        return State(native(smoke.values), native(x), native(y)), native(pressure.values)


def project(velocity: Any, domain: Domain) -> tuple[Any, Any]:
    """Compute the nearest divergence-free velocity, v - grad p with lap p = div v, and p.

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
    pressure = domain.pressure(_solve(domain, native(divergence(velocity).values)))
    return velocity - spatial_gradient(pressure, velocity.boundary, at=velocity.sampled_at), pressure


def finished(
    state: State, pressure: Array, domain: Domain, *, unit: Array, cells: tuple[int, int] | None
) -> dict[str, Array]:
    """Compute the fields of a kept frame, by name.

    Parameters
    ----------
    state : State
        Of the flow.
    pressure : (nx, ny)
        Of the last projection.
    domain : Domain
        The box.
    unit : ()
        What the velocity is divided by.
    cells : (int, int) or None
        Of the grid that the frame is resampled to.

    Returns
    -------
    dict of str to (y, x), (component, y, x), (y, x_face) or (y_face, x)
        Smoke, velocity in cell centres, its two components on all faces, and pressure.
    """
    smoke, (x, y) = state.smoke, domain.all_faces(state)
    if cells is not None:
        smoke, x, y, pressure = coarsened(smoke, x, y, pressure, cells)
    x, y = x / unit, y / unit
    return {
        "smoke": smoke.T,
        "velocity": jnp.stack([((x[1:] + x[:-1]) / 2).T, ((y[:, 1:] + y[:, :-1]) / 2).T]),
        "velocity_x": x.T,
        "velocity_y": y.T,
        "pressure": pressure.T / unit**2,
    }


def coarsened(
    smoke: Array, x: Array, y: Array, pressure: Array, cells: tuple[int, int]
) -> tuple[Array, Array, Array, Array]:
    """Resample smoke, all faces and pressure to another grid of the same box, conserving mass and flux.

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
    """Compute the divergence in every cell, (nx, ny), per step."""
    return native(divergence(domain.velocity(state.velocity_x, state.velocity_y)).values)


def _solve(domain: Domain, divergence: Array) -> Array:
    """Solve lap p = divergence exactly, in the eigenvectors of the two axes."""
    (across, values_x), (up, values_y) = map(basis, domain.boundaries, domain.cells)
    x, y, scale = (jnp.asarray(a, divergence.dtype) for a in (across, up, inverse_laplacian(values_x, values_y)))
    modes = _product(_product(x, divergence), y.T) * scale
    return _product(_product(x.T, modes), y)


def _product(left: Array, right: Array) -> Array:
    """Multiply matrices in an order of summation that does not depend on the number of threads.

    A threaded product cuts the inner dimension into as many pieces as there are threads, and so changes the order.
    Pieces of length INNER are too short to be cut, and are added here in one order.
    """
    pieces = [left[:, k : k + INNER] @ right[k : k + INNER] for k in range(0, left.shape[1], INNER)]
    return sum(pieces[1:], start=pieces[0])
