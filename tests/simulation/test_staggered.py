"""The faces of a closed box come back from its centres to rounding, and from its lower faces to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from phigen.simulation.staggered import centred, completed, divergence, faces_of, lower_faces
from phigen.symmetry.fields import FACES


@pytest.fixture
def faces() -> xr.Dataset:
    """Three frames of an oblong closed box, 6 x 4 cells, at rest on its walls."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4, 7)).astype(np.float32), rng.normal(size=(3, 5, 6)).astype(np.float32)
    x[..., [0, -1]] = 0
    y[..., [0, -1], :] = 0
    return xr.Dataset({"velocity_x": (("time", "y", "x_face"), x), "velocity_y": (("time", "y_face", "x"), y)})


def test_lower_faces_and_walls_are_all_faces(faces: xr.Dataset) -> None:
    lower = lower_faces(faces)
    assert lower.shape == (3, 2, 4, 6)
    assert lower.dtype == np.float32
    xr.testing.assert_identical(completed(lower), faces)


def test_faces_are_recovered_from_their_means(faces: xr.Dataset) -> None:
    velocity = xr.Dataset({"velocity": (("time", "component", "y", "x"), centred(faces))})
    recovered = faces_of(velocity)
    assert recovered["velocity_x"].dtype == np.float32
    xr.testing.assert_allclose(recovered, faces, atol=1e-5)
    assert not recovered["velocity_x"].values[..., [0, -1]].any()


def test_faces_that_are_there_are_taken_as_they_are(faces: xr.Dataset) -> None:
    spoiled = faces.assign(velocity=(("time", "component", "y", "x"), np.zeros((3, 2, 4, 6))))
    xr.testing.assert_identical(faces_of(spoiled), faces)


def test_runs_ahead_of_time_stay_ahead(faces: xr.Dataset) -> None:
    runs = xr.concat([faces, -faces], "run")
    velocity = xr.Dataset({"velocity": (("run", "time", "component", "y", "x"), centred(runs))})
    assert faces_of(velocity)["velocity_y"].dims == ("run", "time", "y_face", "x")
    np.testing.assert_array_equal(lower_faces(runs)[1], -lower_faces(faces))


def test_divergence_is_what_leaves_a_cell() -> None:
    x, y = np.zeros((1, 1, 3)), np.zeros((1, 2, 2))
    x[0, 0, 1], y[0, 1, 0] = 2, 3
    faces = xr.Dataset({FACES[0]: (("time", "y", "x_face"), x), FACES[1]: (("time", "y_face", "x"), y)})
    np.testing.assert_array_equal(divergence(faces)[0, 0], [5, -2])
