"""The bases are orthonormal eigenvectors of the second difference with each boundary."""

from __future__ import annotations

import numpy as np
import pytest

from phigen.recipe.grid import BoundaryName
from phigen.simulation.pressure_basis import basis, inverse_laplacian

SIDES: list[tuple[BoundaryName, BoundaryName]] = [
    ("closed", "closed"),
    ("periodic", "periodic"),
    ("open", "open"),
    ("closed", "open"),
    ("open", "closed"),
]


def second_difference(sides: tuple[BoundaryName, BoundaryName], n: int) -> np.ndarray:
    """The matrix of p[i-1] - 2 p[i] + p[i+1], written out by hand."""
    matrix = np.zeros((n, n))
    for i in range(n):
        for j, side in ((i - 1, sides[0]), (i + 1, sides[1])):
            if side == "periodic":
                matrix[i, j % n] += 1
                matrix[i, i] -= 1
            elif 0 <= j < n:
                matrix[i, j] += 1
                matrix[i, i] -= 1
            elif side == "open":
                matrix[i, i] -= 1
    return matrix


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 64])
@pytest.mark.parametrize("sides", SIDES)
def test_rows_are_orthonormal_eigenvectors(sides: tuple[BoundaryName, BoundaryName], n: int) -> None:
    vectors, values = basis(sides, n)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(n), atol=1e-13)
    np.testing.assert_allclose(vectors @ second_difference(sides, n), values[:, None] * vectors, atol=1e-13)


def test_the_constant_mode_is_left_alone_and_no_other() -> None:
    closed, periodic, open_, mixed, _ = (basis(sides, 6)[1] for sides in SIDES)
    assert (inverse_laplacian(closed, periodic) == 0).sum() == 1
    assert (inverse_laplacian(closed, open_) == 0).sum() == 0
    assert (inverse_laplacian(closed, mixed) == 0).sum() == 0
