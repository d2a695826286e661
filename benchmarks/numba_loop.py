"""The step as plain loops compiled by numba in single precision: the practical limit of one core.

The same physics as phigen.simulation.flow_step for a closed box, written out by hand; benchmarks.steps checks that the
two agree.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from phigen.planning.runs import Simulation
from phigen.simulation.pressure_basis import basis, inverse_laplacian


def simulate(simulation: Simulation) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return smoke (time, x, y) and all faces of each velocity component, of every frame."""
    n = simulation.cells[0]
    centre = np.arange(n) + 0.5
    disc = simulation.inflows[0]
    x, y = disc.center
    inflow = ((centre[:, None] - x) ** 2 + (centre[None] - y) ** 2 <= disc.radius**2).astype(np.float32) * disc.rate
    vectors, values = basis(("closed", "closed"), n)
    force = simulation.force.astype(np.float32)[:, 0]  # of the one region
    return run(
        inflow.astype(np.float32),
        force,
        np.float32(simulation.dt_smoke),
        np.float32(simulation.dt_velocity),
        vectors.astype(np.float32),
        np.ascontiguousarray(vectors.T.astype(np.float32)),
        inverse_laplacian(values, values).astype(np.float32),
    )


@njit(inline="always")
def _cell(field, i, j):
    """Read a cell; beyond a wall the nearest one."""
    n = field.shape[0]
    return field[min(max(i, 0), n - 1), min(max(j, 0), n - 1)]


@njit(inline="always")
def _face(field, i, j):
    """Read a face by its place among the inner ones; beyond them velocity is zero."""
    if i < 0 or j < 0 or i >= field.shape[0] or j >= field.shape[1]:
        return np.float32(0)
    return field[i, j]


@njit(inline="always")
def _sample_cells(field, x, y):
    i, j = int(np.floor(x)), int(np.floor(y))
    p, q = x - np.float32(i), y - np.float32(j)
    low = (1 - p) * _cell(field, i, j) + p * _cell(field, i + 1, j)
    high = (1 - p) * _cell(field, i, j + 1) + p * _cell(field, i + 1, j + 1)
    return (1 - q) * low + q * high


@njit(inline="always")
def _sample_faces(field, x, y):
    i, j = int(np.floor(x)), int(np.floor(y))
    p, q = x - np.float32(i), y - np.float32(j)
    low = (1 - p) * _face(field, i, j) + p * _face(field, i + 1, j)
    high = (1 - p) * _face(field, i, j + 1) + p * _face(field, i + 1, j + 1)
    return (1 - q) * low + q * high


@njit(inline="always")
def _extremes(field, x, y):
    i, j = int(np.floor(x)), int(np.floor(y))
    a, b, c, d = _cell(field, i, j), _cell(field, i + 1, j), _cell(field, i, j + 1), _cell(field, i + 1, j + 1)
    return min(a, b, c, d), max(a, b, c, d)


@njit
def run(inflow, force, dt_smoke, dt_velocity, vectors, transposed, scale):
    n, steps = inflow.shape[0], force.shape[0]
    half, quarter = np.float32(0.5), np.float32(0.25)
    smoke, ahead = np.zeros((n, n), np.float32), np.zeros((n, n), np.float32)
    u, v = np.zeros((n + 1, n), np.float32), np.zeros((n, n + 1), np.float32)
    films = (
        np.zeros((steps, n, n), np.float32),
        np.zeros((steps, n + 1, n), np.float32),
        np.zeros((steps, n, n + 1), np.float32),
    )
    for step in range(steps):
        for i in range(n):
            for j in range(n):
                du, dv = dt_smoke * half * (u[i, j] + u[i + 1, j]), dt_smoke * half * (v[i, j] + v[i, j + 1])
                ahead[i, j] = _sample_cells(smoke, i - du, j - dv)
        new = np.empty((n, n), np.float32)
        for i in range(n):
            for j in range(n):
                du, dv = dt_smoke * half * (u[i, j] + u[i + 1, j]), dt_smoke * half * (v[i, j] + v[i, j + 1])
                corrected = ahead[i, j] + half * (smoke[i, j] - _sample_cells(ahead, i + du, j + dv))
                low, high = _extremes(smoke, i - du, j - dv)
                new[i, j] = min(max(corrected, low), high) + inflow[i, j]
        smoke = new
        inner_u, inner_v = u[1:n], v[:, 1:n]
        next_u, next_v = np.zeros((n + 1, n), np.float32), np.zeros((n, n + 1), np.float32)
        for i in range(n - 1):
            for j in range(n):
                across = quarter * (v[i, j] + v[i + 1, j] + v[i, j + 1] + v[i + 1, j + 1])
                moved = _sample_faces(inner_u, i - dt_velocity * inner_u[i, j], j - dt_velocity * across)
                next_u[i + 1, j] = moved + half * force[step, 0] * (smoke[i, j] + smoke[i + 1, j])
        for i in range(n):
            for j in range(n - 1):
                across = quarter * (u[i, j] + u[i, j + 1] + u[i + 1, j] + u[i + 1, j + 1])
                moved = _sample_faces(inner_v, i - dt_velocity * across, j - dt_velocity * inner_v[i, j])
                next_v[i, j + 1] = moved + half * force[step, 1] * (smoke[i, j] + smoke[i, j + 1])
        divergence = next_u[1:] - next_u[:-1] + next_v[:, 1:] - next_v[:, :-1]
        modes = np.dot(np.dot(vectors, divergence), transposed) * scale
        pressure = np.dot(np.dot(transposed, modes), vectors)
        next_u[1:n] -= pressure[1:] - pressure[:-1]
        next_v[:, 1:n] -= pressure[:, 1:] - pressure[:, :-1]
        u, v = next_u, next_v
        films[0][step], films[1][step], films[2][step] = smoke, u, v
    return films
