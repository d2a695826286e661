"""The matrices that resample fields from one grid to another, along one axis.

Resampling is conservative: a coarse cell holds the mean of what it covers, a coarse face the mean flux through it, so
that resampled faces are as free of divergence as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import xarray as xr

Matrix = NDArray[np.float64]


def cell_means(fine: int, coarse: int) -> Matrix:
    """Return the matrix (coarse, fine) from values in cells to their means over the cells of another grid.

    Both grids fill the same length.  The weight of a fine cell is the part of it that the coarse cell covers.
    """
    edges = np.arange(coarse + 1) * (fine / coarse)
    lower, upper = np.maximum.outer(edges[:-1], np.arange(fine)), np.minimum.outer(edges[1:], np.arange(1, fine + 1))
    weights: Matrix = np.maximum(upper - lower, 0.0) * (coarse / fine)
    return weights


def face_values(fine: int, coarse: int) -> Matrix:
    """Return the matrix (coarse + 1, fine + 1) that interpolates linearly between faces, along their normal."""
    at = np.arange(coarse + 1) * (fine / coarse)
    weights: Matrix = np.maximum(1 - np.abs(at[:, None] - np.arange(fine + 1)[None, :]), 0.0)
    return weights


def cell_values(coarse: int, fine: int) -> Matrix:
    """Return the matrix (fine, coarse) that interpolates linearly between cell centres; constant at both ends."""
    at = np.clip((np.arange(fine) + 0.5) * (coarse / fine) - 0.5, 0, coarse - 1)
    weights: Matrix = np.maximum(1 - np.abs(at[:, None] - np.arange(coarse)[None, :]), 0.0)
    return weights


def there_and_back(field: xr.DataArray, *, cells: tuple[int, int]) -> NDArray[Any]:
    """Interpolate a field linearly to a finer grid and average it back.

    Parameters
    ----------
    field : DataArray
        With dims (..., y, x) in cell centres or faces.
    cells : (int, int)
        Along x and y, of the finer grid.

    Returns
    -------
    ndarray
        As `field`, float64.
    """
    fine = dict(zip("xy", cells, strict=True))
    values: NDArray[Any] = field.values
    for axis, dim in enumerate(map(str, field.dims)):
        if dim in fine:
            n = field.shape[axis]
            matrix = cell_means(fine[dim], n) @ cell_values(n, fine[dim])
        elif dim in ("x_face", "y_face"):
            n = field.shape[axis] - 1
            matrix = face_values(fine[dim[0]], n) @ face_values(n, fine[dim[0]])
        else:
            continue
        values = np.moveaxis(np.moveaxis(values, axis, -1) @ matrix.T, -1, axis)
    return values
