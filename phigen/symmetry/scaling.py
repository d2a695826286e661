"""Scalings, in both readings of the literature, and the resampling that the first of them needs.

A scaling by f takes lengths x to f x and, with a time exponent n, times t to f^n t; a velocity then goes to
f^(1-n) v, and a buoyancy that is added once per step likewise.  The readings differ in what is simulated:

    resampled   a grid of f times as many cells of size 1, with the same time steps (n = 0); every frame is
                resampled to the grid of the recipe and its velocity divided by f (the published code)
    rescaled    the grid of the recipe with cells of size f and time steps f^n as long (the paper's words)

Resampling conserves: a coarse cell holds the mean of what it covers, a coarse face the mean flux through it, so
that resampled faces are as free of divergence as they were.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

    from phigen.symmetry.point_groups import Point

Reading = Literal["resampled", "rescaled"]
Matrix = NDArray[np.float64]

_NAME = re.compile(r"scale\((?P<factor>[^,]+)\)")
_SPEEDS = ("velocity", "velocity_x", "velocity_y", "buoyancy")


@dataclass(frozen=True)
class Scale:
    """A scaling of lengths by a factor, and of times by a power of it.

    Parameters
    ----------
    factor : float
        Of lengths, above 0.
    reading : str
        ``resampled`` or ``rescaled``.
    time_exponent : float
        Times are scaled by factor ** time_exponent; 0 where the reading is ``resampled``.
    """

    factor: float
    reading: Reading
    time_exponent: float = 0.0

    @property
    def name(self) -> str:
        """As stored in a dataset's coordinate `element`."""
        return "identity" if self.factor == 1 else f"scale({self.factor:.12g})"

    @classmethod
    def named(cls, name: str, reading: Reading, time_exponent: float) -> Self:
        """Give the scaling that has a name.

        Raises
        ------
        ValueError
            If no scaling has it.
        """
        found = _NAME.fullmatch(name)
        if found is None and name != "identity":
            raise ValueError(f"{name!r} names no scaling; write it as scale(1.5)")
        return cls(float(found["factor"]) if found else 1.0, reading, time_exponent)

    @property
    def time(self) -> float:
        """What times are multiplied by."""
        return float(self.factor**self.time_exponent)

    @property
    def inverse(self) -> Scale:
        """The scaling back."""
        return Scale(1 / self.factor, self.reading, self.time_exponent)

    @property
    def speed(self) -> float:
        """What velocities, in units of the orbit's first run, are multiplied by."""
        return self.factor / self.time

    def cells(self, cells: tuple[int, int]) -> tuple[int, int]:
        """Give the cells that are simulated: where the reading is ``resampled``, `factor` times as many, floored."""
        if self.reading == "rescaled":
            return cells
        x, y = (math.floor(round(n * self.factor, 9)) for n in cells)
        return x, y

    def fits(self, cells: tuple[int, int]) -> bool:
        """Whether the cells that are simulated are a whole number."""
        return self.reading == "rescaled" or all(round(n * self.factor, 9) % 1 == 0 for n in cells)

    def on_point(self, point: Point) -> Point:
        """Give where a point of the box, measured in cells, goes."""
        return (point[0] * self.length, point[1] * self.length)

    @property
    def length(self) -> float:
        """What a length, measured in simulated cells, is multiplied by."""
        return self.factor if self.reading == "resampled" else 1.0


def rescale(fields: xr.Dataset, scale: Scale) -> xr.Dataset:
    """Give fields in other units: velocities and forces go with lengths over times, the divergence with 1 over times.

    A pressure, whose gradient is a velocity, goes with lengths squared over times; smoke has no dimension.
    """
    changed = {name: fields[name] * _unit(name, scale) for name in map(str, fields) if _unit(name, scale) != 1}
    return fields.assign({name: field.astype(fields[name].dtype) for name, field in changed.items()})


def _unit(variable: str, scale: Scale) -> float:
    units = dict.fromkeys(_SPEEDS, scale.speed)
    return {**units, "pressure": scale.factor * scale.speed, "divergence": 1 / scale.time}.get(variable, 1.0)


def cell_means(fine: int, coarse: int) -> Matrix:
    """Give the matrix (coarse, fine) that takes values in cells to their means over the cells of another grid.

    Both grids fill the same length.  A coarse cell weighs each fine one by how much of it it covers.
    """
    edges = np.arange(coarse + 1) * (fine / coarse)
    lower, upper = np.maximum.outer(edges[:-1], np.arange(fine)), np.minimum.outer(edges[1:], np.arange(1, fine + 1))
    weights: Matrix = np.maximum(upper - lower, 0.0) * (coarse / fine)
    return weights


def face_values(fine: int, coarse: int) -> Matrix:
    """Give the matrix (coarse + 1, fine + 1) that interpolates linearly between faces, along their normal."""
    at = np.arange(coarse + 1) * (fine / coarse)
    weights: Matrix = np.maximum(1 - np.abs(at[:, None] - np.arange(fine + 1)[None, :]), 0.0)
    return weights


def cell_values(coarse: int, fine: int) -> Matrix:
    """Give the matrix (fine, coarse) that interpolates linearly between cell centres, level beyond the outermost."""
    at = np.clip((np.arange(fine) + 0.5) * (coarse / fine) - 0.5, 0, coarse - 1)
    weights: Matrix = np.maximum(1 - np.abs(at[:, None] - np.arange(coarse)[None, :]), 0.0)
    return weights


def there_and_back(field: xr.DataArray, scale: Scale) -> NDArray[Any]:
    """Give a field that has been scaled and taken back, with nothing simulated: what resampling alone does to it.

    Parameters
    ----------
    field : DataArray
        Of the orbit's first run, with dims (..., y, x) in cell centres or faces.
    scale : Scale
        Where its reading is ``resampled``, interpolated linearly to the finer grid and averaged back; otherwise
        multiplied and divided.

    Returns
    -------
    ndarray
        As `field`.
    """
    values: NDArray[Any] = field.values
    if scale.reading == "rescaled":
        there = (values * _unit(str(field.name), scale)).astype(values.dtype)
        return np.asarray((there * _unit(str(field.name), scale.inverse)).astype(values.dtype))
    for axis, dim in enumerate(field.dims):
        if dim in ("x", "y"):
            n = field.shape[axis]
            fine = math.floor(round(n * scale.factor, 9))
            matrix = cell_means(fine, n) @ cell_values(n, fine)
        elif dim in ("x_face", "y_face"):
            n = field.shape[axis] - 1
            fine = math.floor(round(n * scale.factor, 9))
            matrix = face_values(fine, n) @ face_values(n, fine)
        else:
            continue
        values = np.moveaxis(np.moveaxis(values, axis, -1) @ matrix.T, -1, axis)
    return values
