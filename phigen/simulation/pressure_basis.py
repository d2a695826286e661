"""The bases of the exact pressure projection: vectors in which the discrete Laplacian of one axis is diagonal.

On cells of size 1 the second difference (p[i-1] - 2 p[i] + p[i+1]) has the eigenvectors

    closed    (p' = 0 at the wall)        cos(pi k (i + 1/2) / n)         eigenvalue 2 cos(pi k / n) - 2
    periodic                              cos and sin(2 pi k i / n)       eigenvalue 2 cos(2 pi k / n) - 2
    open      (p = 0 in the cell beyond)  sin(pi (k + 1) (i + 1) / (n + 1))   2 cos(pi (k + 1) / (n + 1)) - 2
    closed below, open above              cos(pi (2k + 1) (2i + 1) / (4n + 2))   2 cos(pi (2k + 1) / (2n + 1)) - 2

so that two small matrix products per axis solve lap p = d to rounding, for every mixture of boundary conditions.  Those
of the pressure are the ones that PhiFlow uses.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.grid import BoundaryName

Matrix = NDArray[np.float64]


def basis(sides: tuple[BoundaryName, BoundaryName], cells: int) -> tuple[Matrix, Matrix]:
    """Compute the orthonormal eigenvectors of the second difference along one axis, and their eigenvalues.

    Parameters
    ----------
    sides : (str, str)
        Of the lower and the upper side: ``closed`` (cosine), ``periodic`` (Fourier) or ``open`` (sine).
    cells : int
        n.

    Returns
    -------
    vectors : (n, n) float64
        One eigenvector per row.
    values : (n,) float64
        The eigenvalues, at most 0.
    """
    n = cells
    mode, cell = np.arange(n)[:, None], np.arange(n)[None, :]
    if sides == ("open", "closed"):
        vectors, values = basis(("closed", "open"), n)
        return vectors[:, ::-1], values
    if sides == ("closed", "open"):
        vectors = _cosines(8 * n + 4)[(2 * mode + 1) * (2 * cell + 1) % (8 * n + 4)]
        values = 2 * _cosines(4 * n + 2)[2 * mode[:, 0] + 1] - 2
    elif sides == ("closed", "closed"):
        vectors = _cosines(4 * n)[mode * (2 * cell + 1) % (4 * n)]
        values = 2 * _cosines(2 * n)[mode[:, 0]] - 2
    elif sides == ("open", "open"):
        vectors = _sines(2 * (n + 1))[(mode + 1) * (cell + 1) % (2 * (n + 1))]
        values = 2 * _cosines(2 * (n + 1))[mode[:, 0] + 1] - 2
    else:
        angle = (mode + 1) // 2 * cell % n
        vectors = np.where(mode % 2 == 1, _sines(n)[angle], _cosines(n)[angle])
        values = 2 * _cosines(n)[(mode[:, 0] + 1) // 2] - 2
    if sides[0] == "periodic" and n % 2 == 0:
        vectors[-1] = _cosines(n)[n // 2 * cell[0] % n]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), values


def inverse_laplacian(along_x: Matrix, along_y: Matrix) -> Matrix:
    """Compute 1 / (lambda_x + lambda_y), and 0 for the constant mode, which no wall determines.

    Parameters
    ----------
    along_x, along_y : (nx,), (ny,)
        Eigenvalues of each axis.

    Returns
    -------
    (nx, ny) float64
    """
    total = along_x[:, None] + along_y[None, :]
    pinned = total != 0
    return np.divide(1.0, total, out=np.zeros_like(total), where=pinned)


def _cosines(period: int) -> Matrix:
    """Compute cos(2 pi m / period) for every m with the C library: numpy's own differs between processors."""
    return np.array([math.cos(2 * math.pi * m / period) for m in range(period)])


def _sines(period: int) -> Matrix:
    return np.array([math.sin(2 * math.pi * m / period) for m in range(period)])
