"""The group acts on points, vectors and fields as a group, exactly, and with the right handedness."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phigen.symmetry.element import Box
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, ElementName, compose, inverse, turn

elements = st.sampled_from(sorted(ELEMENTS))
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@st.composite
def fields(draw: st.DrawFn, square: bool = True) -> xr.Dataset:
    """Fields of every kind on one box."""
    height = draw(st.integers(1, 6))
    width = height if square else draw(st.integers(1, 6))
    time = draw(st.integers(1, 2))

    def array(*shape: int) -> np.ndarray:
        return draw(hnp.arrays(np.float32, (time, *shape), elements=numbers))

    return xr.Dataset(
        {
            "smoke": (("time", "y", "x"), array(height, width)),
            "velocity": (("time", "component", "y", "x"), array(2, height, width)),
            "velocity_x": (("time", "y", "x_face"), array(height, width + 1)),
            "velocity_y": (("time", "y_face", "x"), array(height + 1, width)),
            "buoyancy": (("time", "component"), array(2)),
        }
    )


def same_bits(one: xr.Dataset, other: xr.Dataset) -> bool:
    return all(one[name].values.tobytes() == other[name].transpose(*one[name].dims).values.tobytes() for name in one)


@given(fields(), elements)
def test_an_element_and_its_inverse_restore_every_bit(u: xr.Dataset, g: ElementName) -> None:
    assert same_bits(turn(turn(u, g), inverse(g)), u)


@given(fields(), elements, elements)
def test_elements_compose_as_their_matrices(u: xr.Dataset, g: ElementName, h: ElementName) -> None:
    assert turn(turn(u, h), g).equals(turn(u, compose(g, h)))


@given(fields(), elements)
def test_an_element_keeps_dims_dtype_and_names(u: xr.Dataset, g: ElementName) -> None:
    rotated = turn(u, g)
    assert {name: (v.dims, v.dtype, v.shape) for name, v in rotated.items()} == {
        name: (v.dims, v.dtype, v.shape) for name, v in u.items()
    }


@given(fields(), elements)
def test_centred_velocity_is_transformed_as_its_faces_are(u: xr.Dataset, g: ElementName) -> None:
    def centred(faces: xr.Dataset) -> np.ndarray:
        x, y = (faces[name].values.astype(np.float64) for name in ("velocity_x", "velocity_y"))
        return np.stack([(x[..., 1:] + x[..., :-1]) / 2, (y[:, 1:] + y[:, :-1]) / 2], axis=1)

    of_faces = xr.Dataset({"velocity": (("time", "component", "y", "x"), centred(u))})
    np.testing.assert_array_equal(turn(of_faces, g)["velocity"].values, centred(turn(u, g)))


@given(fields(), elements)
def test_an_element_keeps_the_divergence(u: xr.Dataset, g: ElementName) -> None:
    def divergence(faces: xr.Dataset) -> xr.DataArray:
        x, y = (faces[name].values.astype(np.float64) for name in ("velocity_x", "velocity_y"))
        return xr.DataArray(np.diff(x, axis=-1) + np.diff(y, axis=-2), dims=("time", "y", "x"))

    np.testing.assert_allclose(turn(divergence(u), g), divergence(turn(u, g)), rtol=1e-12)


@given(st.tuples(numbers, numbers), elements)
def test_points_and_vectors_are_transformed_alike(p: tuple[float, float], g: ElementName) -> None:
    x, y = ELEMENTS[g].on_point(p, Box((64, 64)))
    from_centre = ELEMENTS[g].on_direction((p[0] - 32, p[1] - 32))
    np.testing.assert_allclose((x - 32, y - 32), from_centre, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("group", POINT_GROUPS)
def test_a_group_is_closed_and_has_inverses(group: str) -> None:
    members = set(POINT_GROUPS[group])  # type: ignore[index]
    assert {compose(g, h) for g in members for h in members} == members
    assert {inverse(g) for g in members} == members
    assert all(compose(g, inverse(g)) == "identity" for g in members)


def test_rotate90_is_counter_clockwise() -> None:
    """A hand-drawn jet: smoke low in the middle that blows up becomes smoke on the right that blows left."""
    jet = xr.Dataset(
        {
            "smoke": (("y", "x"), [[0.0, 7.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
            "velocity": (("component", "y", "x"), np.zeros((2, 3, 3))),
            "velocity_x": (("y", "x_face"), np.zeros((3, 4))),
            "velocity_y": (("y_face", "x"), np.zeros((4, 3))),
        }
    )
    jet["velocity"].loc[{"component": 1}][0, 1] = 5.0
    jet["velocity_y"][1, 1] = 3.0
    rotated = turn(jet, "rotate90")
    np.testing.assert_array_equal(rotated["smoke"], [[0, 0, 0], [0, 0, 7], [0, 0, 0]])
    np.testing.assert_array_equal(rotated["velocity"][0], [[0, 0, 0], [0, 0, -5], [0, 0, 0]])
    assert not rotated["velocity"][1].any()
    np.testing.assert_array_equal(rotated["velocity_x"], [[0, 0, 0, 0], [0, 0, -3, 0], [0, 0, 0, 0]])
    assert not rotated["velocity_y"].any()
    assert ELEMENTS["rotate90"].on_point((32, 5), Box((64, 64))) == (59, 32)
    assert ELEMENTS["rotate90"].on_direction((0, 1)) == (-1, 0)


def test_dims_in_another_order_are_transformed_the_same() -> None:
    u = xr.DataArray(np.arange(9.0).reshape(3, 3), dims=("y", "x"))
    assert turn(u.transpose("x", "y"), "rotate90").transpose("y", "x").equals(turn(u, "rotate90"))


@given(fields(square=False))
def test_rotate180_needs_no_square(u: xr.Dataset) -> None:
    assert same_bits(turn(turn(u, "rotate180"), "rotate180"), u)


def test_rotate90_of_an_oblong_box_is_refused() -> None:
    with pytest.raises(ValueError, match="square box, got 3 x 2"):
        turn(xr.DataArray(np.zeros((2, 3)), dims=("y", "x")), "rotate90")


def test_a_field_without_one_of_its_axes_is_refused() -> None:
    """A zonal mean cannot be rotated; its other dims must not be mistaken for the missing one."""
    for dims in (("time", "x"), ("y",)):
        with pytest.raises(ValueError, match="both dims x and y or neither"):
            turn(xr.DataArray(np.zeros((3, 3)[: len(dims)]), dims=dims), "rotate180")


def test_one_face_component_alone_is_refused() -> None:
    face = xr.DataArray(np.zeros((2, 3)), dims=("y", "x_face"), name="velocity_x")
    with pytest.raises(ValueError, match="pairs"):
        turn(face, "rotate90")
    with pytest.raises(ValueError, match="pairs"):
        turn(face.to_dataset(), "rotate90")
