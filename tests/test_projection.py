"""The bases are orthonormal eigenvectors of the second difference with each boundary."""

from __future__ import annotations

import numpy as np
import pytest

from phigen.projection import basis, inverse_laplacian
from phigen.recipe import BoundaryName


def second_difference(boundary: BoundaryName, n: int) -> np.ndarray:
    """The matrix of p[i-1] - 2 p[i] + p[i+1], written out by hand."""
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in (i - 1, i + 1):
            if boundary == "periodic":
                matrix[i, j % n] += 1
                matrix[i, i] -= 1
            elif 0 <= j < n:
                matrix[i, j] += 1
                matrix[i, i] -= 1
            elif boundary == "open":
                matrix[i, i] -= 1
    return matrix


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 64])
@pytest.mark.parametrize("boundary", ["closed", "periodic", "open"])
def test_rows_are_orthonormal_eigenvectors(boundary: BoundaryName, n: int) -> None:
    vectors, values = basis(boundary, n)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(n), atol=1e-13)
    np.testing.assert_allclose(vectors @ second_difference(boundary, n), values[:, None] * vectors, atol=1e-13)


def test_the_constant_mode_is_left_alone_and_no_other() -> None:
    (_, closed), (_, periodic), (_, open_) = (basis(b, 6) for b in ("closed", "periodic", "open"))  # type: ignore[arg-type]
    assert (inverse_laplacian(closed, periodic) == 0).sum() == 1
    assert (inverse_laplacian(closed, open_) == 0).sum() == 0
