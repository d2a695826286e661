"""PhiML's JAX backend, with barriers where XLA would compute the same thing again and again.

PhiFlow reads a grid between its cells through PhiML.  PhiML asks its backend for `grid_sample`, and the JAX backend has
none.  PhiML then gathers and stacks the corners around each point itself, and XLA computes the coordinates again for
every corner; in the MacCormack scheme it even advects the field again.  Two backends avoid that:

- `GatherBackend` computes indices and values once, before it gathers.  No bit changes (tests).
- `SamplingBackend` also interpolates, with sums in another order, so results agree to rounding.  With jax 0.12 a step
  takes half the time.  With jax 0.10 it would take longer in single precision, and change the bits of published values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from math import prod
from operator import add, mul
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from phiml.backend.jax import JaxBackend

from phigen.recipe.grid import Boundaries
from phigen.simulation.surroundings import has_fusion_emitters

_once: Callable[[Any], Any] = lax.optimization_barrier
"""Makes XLA compute arrays before everything that uses them, instead of in each place again."""


class GatherBackend(JaxBackend):
    """PhiML's JAX backend on the CPU, with gathers whose indices and values are computed once."""

    def __init__(self) -> None:
        super().__init__()
        self.set_default_device(self.get_device_by_ref(jax.local_devices(backend="cpu")[0]))

    def batched_gather_nd(self, values: Array, indices: Array) -> Any:
        """Return values (1, ..., channel) of the cells at indices (1, ..., axis), all of which lie in the grid."""
        if len(values) != 1 or len(indices) != 1:
            return super().batched_gather_nd(values, indices)
        values, indices = _once((self.as_tensor(values), self.as_tensor(indices)))
        return _values_at(values, [indices[..., axis] for axis in range(indices.shape[-1])])


class SamplingBackend(GatherBackend):
    """The same with a `grid_sample`, for boxes that are periodic along both axes or along none.

    Of a box that is periodic along one axis alone, PhiML pads the grid by a cell on each side before it asks for
    samples, and takes coordinates modulo the size of the padded grid: beyond that cell it asks for wrong ones.
    """

    def grid_sample(self, grid: Array, coordinates: Array, extrapolation: str) -> Any:
        """Interpolate a grid linearly along each axis.

        Parameters
        ----------
        grid : (1, ..., channel)
            Values, with any number of axes in between.
        coordinates : (1, ..., axis)
            In cells; the first value of the grid is at 0.
        extrapolation : str
            PhiML's name of what lies beyond the grid.

        Returns
        -------
        (1, ..., channel), or NotImplemented
            The latter makes PhiML interpolate itself.
        """
        if extrapolation not in ("zeros", "boundary", "periodic") or len(grid) != 1 or len(coordinates) != 1:
            return NotImplemented
        grid, coordinates = _once((self.as_tensor(grid), self.as_tensor(coordinates)))
        if extrapolation == "zeros":
            grid = jnp.pad(grid, [(0, 0), *[(1, 1)] * (grid.ndim - 2), (0, 0)])
            coordinates = coordinates + 1
        sizes, floor = grid.shape[1:-1], jnp.floor(coordinates)
        upper, cell = coordinates - floor, floor.astype(jnp.int32)
        cells = [
            _neighbours(cell[..., axis], size, periodic=extrapolation == "periodic") for axis, size in enumerate(sizes)
        ]
        weights = [(1 - upper[..., axis], upper[..., axis]) for axis in range(len(sizes))]

        def term(corner: tuple[int, ...]) -> Array:
            values = _values_at(grid, [pair[side] for pair, side in zip(cells, corner, strict=True)])
            weight: Array = reduce(mul, [pair[side] for pair, side in zip(weights, corner, strict=True)])
            return values * weight[..., None]

        return _once(reduce(add, map(term, product((0, 1), repeat=len(sizes)))))


_GATHER, _SAMPLING = GatherBackend(), SamplingBackend()


def backend(boundaries: Boundaries) -> GatherBackend:
    """Return the backend to enter while a step between these boundaries is traced."""
    periodic = {axis == ("periodic", "periodic") for axis in boundaries}
    return _GATHER if has_fusion_emitters() or len(periodic) == 2 else _SAMPLING


def _neighbours(cell: Array, size: int, *, periodic: bool) -> tuple[Array, Array]:
    """Return the indices of a cell and of the next one along an axis, brought into the grid."""
    if periodic:
        low = cell % size
        return low, jnp.where(low == size - 1, 0, low + 1)
    return jnp.clip(cell, 0, size - 1), jnp.clip(cell + 1, 0, size - 1)


def _values_at(grid: Array, cells: Sequence[Array]) -> Array:
    """Return a grid's values (1, ..., channel) in cells that lie in it, given by their index along each axis."""
    _, *sizes, channels = grid.shape
    flat = sum(index * prod(sizes[axis + 1 :]) for axis, index in enumerate(cells))
    return grid.reshape(-1, channels).at[flat].get(mode="promise_in_bounds", wrap_negative_indices=False)
