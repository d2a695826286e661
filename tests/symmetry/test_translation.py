"""Shifts add up and lose no bit where cells fall on cells, and their overlap compares the right cells."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phigen.errors import MeasureError, RecipeError
from phigen.recipe.loading import parse
from phigen.symmetry.actions import act
from phigen.symmetry.element import Box
from phigen.symmetry.groups import element_named
from phigen.symmetry.translation import Shift, overlap, roll

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
whole = st.builds(Shift, st.integers(-9, 9), st.integers(-9, 9))
decimals = st.integers(-999, 999).map(lambda n: n / 100)
fractional = st.builds(Shift, decimals, decimals)
DIMS = {
    "smoke": ("time", "y", "x"),
    "velocity": ("time", "component", "y", "x"),
    "velocity_x": ("time", "y", "x_face"),
    "velocity_y": ("time", "y_face", "x"),
}
WALL = """\
name: wall
version: 1.0.0
grid: {{cells: 16}}
time: {{steps: 2}}
scene:
  inflows: [{{center: [{x}, 5], radius: 2}}]
  buoyancy: {{strength: 0.1}}
symmetry: {{group: translation, non_integer: resample, shifts: [[0, 0], [{length}, 0]]}}
"""
CLOSED, PERIODIC, ACROSS = (False, False), (True, True), (True, False)


def box(periodic: tuple[bool, bool]) -> Box:
    """A box of 8 x 8 cells."""
    x, y = ("periodic" if wraps else "closed" for wraps in periodic)
    return Box((8, 8), ((x, x), (y, y)))


@st.composite
def periodic_fields(draw: st.DrawFn, dtype: type = np.float32) -> xr.Dataset:
    """Fields of every kind on one periodic box: the last face of each row is its first again."""
    sizes = {
        "time": draw(st.integers(1, 2)),
        "component": 2,
        "y": draw(st.integers(1, 6)),
        "x": draw(st.integers(1, 6)),
    }
    sizes |= {"y_face": sizes["y"], "x_face": sizes["x"]}
    u = xr.Dataset(
        {
            name: (dims, draw(hnp.arrays(dtype, tuple(sizes[dim] for dim in dims), elements=numbers)))
            for name, dims in DIMS.items()
        }
    )
    seam = {dim: [*range(sizes[dim]), 0] for dim in ("x_face", "y_face")}
    return u.isel(seam)


def same_bits(one: xr.Dataset, other: xr.Dataset) -> bool:
    return all(one[name].values.tobytes() == other[name].values.tobytes() for name in one)


def at(x: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    """A field that is a function of the place alone, and has another value at every place."""
    return (np.sin(0.7 * x) * 3 + np.cos(1.3 * y) + x * y / 7).astype("float32").transpose(y.dims[0], x.dims[0])


@given(periodic_fields(), whole, whole)
def test_shifts_by_whole_cells_add_up(u: xr.Dataset, g: Shift, h: Shift) -> None:
    assert same_bits(roll(roll(u, h), g), roll(u, Shift(g.x + h.x, g.y + h.y)))


@given(periodic_fields(), whole)
def test_shifting_there_and_back_gives_every_bit_back(u: xr.Dataset, g: Shift) -> None:
    assert same_bits(roll(roll(u, g), g.inverse), u)


@given(periodic_fields(), whole)
def test_a_shift_by_the_whole_box_changes_nothing(u: xr.Dataset, g: Shift) -> None:
    assert same_bits(roll(u, Shift(g.x * u.sizes["x"], g.y * u.sizes["y"])), u)


@given(periodic_fields(), fractional)
def test_the_last_face_stays_the_first_again(u: xr.Dataset, g: Shift) -> None:
    there = roll(u, g)
    for name, dim in (("velocity_x", "x_face"), ("velocity_y", "y_face")):
        np.testing.assert_array_equal(there[name].isel({dim: -1}), there[name].isel({dim: 0}))


@given(periodic_fields(), fractional)
def test_shifting_keeps_dims_dtype_and_coordinates(u: xr.Dataset, g: Shift) -> None:
    u = u.assign_coords(x=np.arange(u.sizes["x"]) + 0.5)
    there = roll(u, g)
    assert {name: (v.dims, v.dtype, v.shape) for name, v in there.items()} == {
        name: (v.dims, v.dtype, v.shape) for name, v in u.items()
    }
    assert there["x"].equals(u["x"])


@given(periodic_fields(np.float64), fractional)
def test_a_fractional_shift_keeps_the_mean(u: xr.Dataset, g: Shift) -> None:
    there, dims = roll(u, g), ("y", "x")
    for name in ("smoke", "velocity"):
        largest = float(np.abs(u[name]).max())
        np.testing.assert_allclose(there[name].mean(dims), u[name].mean(dims), rtol=0, atol=1e-14 * largest)


@given(periodic_fields(np.float64), whole, st.sampled_from([0.25, 0.5, 0.75]))
def test_a_fractional_shift_lies_on_the_line_between_two_whole_ones(u: xr.Dataset, g: Shift, part: float) -> None:
    near, far = roll(u, g), roll(u, Shift(g.x + 1, g.y))
    between = roll(u, Shift(g.x + part, g.y))
    for name in u:
        np.testing.assert_allclose(between[name], (1 - part) * near[name] + part * far[name], rtol=1e-14, atol=1e-300)


def test_a_shift_goes_right_and_up() -> None:
    """A hand-drawn spot at (0.5, 0.5), a jet through the seam on the left, one through the floor in the middle."""
    u = xr.Dataset(
        {
            "smoke": (("y", "x"), [[7.0, 0, 0], [0, 0, 0]]),
            "velocity": (("component", "y", "x"), [[[5.0, 0, 0], [0, 0, 0]], np.zeros((2, 3))]),
            "velocity_x": (("y", "x_face"), [[3.0, 0, 0, 3], [0, 0, 0, 0]]),
            "velocity_y": (("y_face", "x"), [[0.0, 2, 0], [0, 0, 0], [0, 2, 0]]),
        }
    )
    there = roll(u, Shift(1, 1))
    np.testing.assert_array_equal(there["smoke"], [[0, 0, 0], [0, 7, 0]])
    np.testing.assert_array_equal(there["velocity"][0], [[0, 0, 0], [0, 5, 0]])
    assert not there["velocity"][1].any()
    np.testing.assert_array_equal(there["velocity_x"], [[0, 0, 0, 0], [0, 3, 0, 0]])
    np.testing.assert_array_equal(there["velocity_y"], [[0, 0, 0], [0, 0, 2], [0, 0, 0]])
    np.testing.assert_array_equal(roll(u, Shift(-1, 0))["smoke"], [[0, 0, 7], [0, 0, 0]])
    np.testing.assert_array_equal(roll(u, Shift(-1, 0))["velocity_x"], [[0, 0, 3, 0], [0, 0, 0, 0]])
    np.testing.assert_array_equal(roll(u, Shift(0.25, 0))["smoke"], [[5.25, 1.75, 0], [0, 0, 0]])
    assert Shift(1, 2).on_point((8, 5), box(PERIODIC)) == (9, 7)


def test_the_overlap_in_a_box_with_walls_is_cut_from_both() -> None:
    """Hand-drawn: a row 10 20 30 40 that moved two cells to the right lies where 1 2 10 20 is; 30 40 have left."""
    first = xr.DataArray([[10.0, 20, 30, 40]], dims=("y", "x"))
    moved = xr.DataArray([[1.0, 2, 10, 20]], dims=("y", "x"))
    one, other = overlap(first, moved, Shift(2, 0), periodic=CLOSED)
    np.testing.assert_array_equal(one, [[10, 20]])
    np.testing.assert_array_equal(other, [[10, 20]])
    one, other = overlap(first, xr.DataArray([[20.0, 30, 40, 5]], dims=("y", "x")), Shift(-1, 0), periodic=CLOSED)
    np.testing.assert_array_equal(one, [[20, 30, 40]])
    np.testing.assert_array_equal(other, [[20, 30, 40]])


def test_the_overlap_after_part_of_a_cell_is_interpolated_back() -> None:
    """Hand-drawn: half a cell to the right, the first cell's value lies half way between the first two."""
    first = xr.DataArray([[10.0, 20, 30, 40]], dims=("y", "x"))
    moved = xr.DataArray([[5.0, 15, 25, 35]], dims=("y", "x"))
    one, other = overlap(first, moved, Shift(0.5, 0), periodic=CLOSED)
    np.testing.assert_array_equal(one, [[10, 20, 30]])
    np.testing.assert_array_equal(other, [[10, 20, 30]])
    one, other = overlap(first, moved, Shift(-0.5, 0), periodic=CLOSED)
    np.testing.assert_array_equal(one, [[20, 30, 40]])
    np.testing.assert_array_equal(other, [[10, 20, 30]])


def grids(width: int, height: int) -> Iterator[tuple[xr.DataArray, xr.DataArray]]:
    """Yield the coordinates of cell centres and of either kind of face."""
    for x, y in (("x", "y"), ("x_face", "y"), ("x", "y_face")):
        along_x = np.arange(width + 1.0) if x == "x_face" else np.arange(width) + 0.5
        along_y = np.arange(height + 1.0) if y == "y_face" else np.arange(height) + 0.5
        yield xr.DataArray(along_x, dims=x), xr.DataArray(along_y, dims=y)


@given(st.integers(2, 7), st.integers(2, 7), st.data())
def test_a_field_and_its_shift_agree_to_the_bit_where_walls_leave_both(
    width: int, height: int, data: st.DataObject
) -> None:
    """(g u)(p) = u(p - s), evaluated there: nothing is computed from the other field, and no cell is left out."""
    g = Shift(data.draw(st.integers(1 - width, width - 1)), data.draw(st.integers(1 - height, height - 1)))
    for x, y in grids(width, height):
        first, moved = at(x, y), at(x - g.x, y - g.y)
        one, other = overlap(first, moved, g, periodic=CLOSED)
        np.testing.assert_array_equal(one, other)
        assert one.shape == (y.size - abs(g.y), x.size - abs(g.x))
        assert one.dtype == other.dtype == "float32"
        wrong, _ = overlap(first, moved, g.inverse, periodic=CLOSED)
        assert g == Shift(0, 0) or not np.array_equal(wrong, one)


@given(periodic_fields(), st.data())
def test_a_box_that_wraps_around_along_x_alone_is_cut_along_y_alone(u: xr.Dataset, data: st.DataObject) -> None:
    height = u.sizes["y"]
    g = Shift(data.draw(st.integers(-9, 9)), data.draw(st.integers(1 - height, height - 1)))
    there = roll(u, g)
    for name in u:
        one, other = overlap(u[name], there[name], g, periodic=ACROSS)
        assert one.tobytes() == other.tobytes()
        dim = "y_face" if name == "velocity_y" else "y"
        assert one.shape[-1] == u[name].shape[-1]
        assert one.shape[-2] == u.sizes[dim] - abs(g.y)


@given(periodic_fields(), whole)
def test_all_of_a_periodic_box_overlaps(u: xr.Dataset, g: Shift) -> None:
    there = roll(u, g)
    for name in u:
        one, other = overlap(u[name], there[name], g, periodic=PERIODIC)
        assert one.tobytes() == u[name].values.tobytes() == other.tobytes()


@given(periodic_fields(), whole)
def test_dims_in_another_order_overlap_the_same(u: xr.Dataset, g: Shift) -> None:
    there = roll(u, g)["velocity"]
    _, other = overlap(u["velocity"], there.transpose("x", "component", "y", "time"), g, periodic=PERIODIC)
    assert other.tobytes() == u["velocity"].values.tobytes()


def test_what_walls_have_cut_off_is_not_drawn() -> None:
    first = xr.DataArray(
        np.arange(8.0).reshape(2, 4), dims=("y", "x"), coords={"y": [0.5, 1.5], "x": [0.5, 1.5, 2.5, 3.5]}, name="smoke"
    )
    moved = first.copy(data=np.roll(first.values, 1, axis=1))
    g = element_named("shift(1, 0)", {"group": "translation"})
    back = g.in_reference_frame(moved, box(CLOSED))
    np.testing.assert_array_equal(back, [[0, 1, 2, np.nan], [4, 5, 6, np.nan]])
    np.testing.assert_array_equal(g.in_reference_frame(moved, box(ACROSS)), first)
    assert back.name == "smoke"


@given(fractional | whole)
def test_a_name_says_which_shift_it_is(g: Shift) -> None:
    assert Shift.named(g.name) == g
    assert (g.name == "identity") == (g == Shift(0, 0))


@given(fractional | whole)
def test_the_way_back_is_the_inverse_and_splits_by_axis(g: Shift) -> None:
    assert g.inverse.inverse == g
    assert g.along((True, False)) == Shift(g.x, 0)
    assert g.along((False, True)) == Shift(0, g.y)
    assert g.is_whole == (g.x % 1 == 0 and g.y % 1 == 0)


@pytest.mark.parametrize("name", ["rotate90", "shift(1)", "shift(1, 2", "scale(2)", ""])
def test_what_names_no_shift_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"names no translation; write it as shift\(8, 0\)"):
        Shift.named(name)


@pytest.mark.parametrize("length", ["16", "-15.5"])
def test_a_shift_from_wall_to_wall_leaves_nothing_to_compare_and_is_refused(length: str) -> None:
    """Its error would be the mean of no cells."""
    start = 0 if float(length) > 0 else 15.9
    with pytest.raises(RecipeError, match=r"^wall\.yaml:8:55: symmetry\.shifts: shift\(.*\) is as long as the box"):
        parse(WALL.format(x=start, length=length), "wall.yaml")
    parse(WALL.format(x=8, length=7))
    parse(WALL.format(x=0, length=15))


def test_interpolation_of_a_straight_line_costs_nothing_away_from_walls() -> None:
    """Linear interpolation is exact for it, and a wall is no seam."""
    line = xr.Dataset({"smoke": (("time", "y", "x"), np.broadcast_to(np.arange(8.0), (1, 8, 8)).copy())})
    walled, periodic = box(CLOSED), box(PERIODIC)
    ((before, after),) = Shift(1.5, 0).resampling(line, walled)
    np.testing.assert_allclose(before, after, atol=1e-14)
    assert before.shape == (1, 8, 6)
    ((before, after),) = Shift(1.5, 0).resampling(line, periodic)
    assert np.abs(before - after).max() > 0.5
    assert Shift(2, 1).resampling(line, walled) == []


def test_a_name_that_no_element_has_is_refused() -> None:
    u = xr.Dataset({"smoke": (("time", "y", "x"), np.zeros((1, 4, 4)))})
    with pytest.raises(ValueError, match=r"'rotate45' names no element; known are identity, rotate90"):
        act(u, "rotate45")
    with pytest.raises(ValueError, match=r"'rotate90' names no translation; write it as shift\(8, 0\)"):
        act(u.assign_attrs(group="translation"), "rotate90")


def test_a_dataset_is_shifted_by_name_where_its_attributes_name_the_group() -> None:
    u = xr.Dataset({"smoke": (("time", "y", "x"), np.arange(16.0).reshape(1, 4, 4))}, attrs={"group": "translation"})
    assert act(u, "shift(1, 0)")["smoke"].values[0, 0].tolist() == [3, 0, 1, 2]
    assert act(act(u, "shift(1, 2)"), "shift(-1, -2)").equals(u)


def test_a_group_that_nobody_knows_is_refused() -> None:
    with pytest.raises(MeasureError, match="the dataset's group 'glide2' is not known"):
        element_named("identity", {"group": "glide2"})
