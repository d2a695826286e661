"""Axes are known by their CF attributes first, then by their names."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from phigen.errors import MeasureError
from phigen.formats.cf_names import axes, velocity_names


def field(*dims: str, **attributes: dict[str, str]) -> xr.DataArray:
    coords = {name: (name, np.arange(3.0), own) for name, own in attributes.items()}
    return xr.DataArray(np.zeros((3,) * len(dims)), dims=dims, coords=coords, name="u")


@pytest.mark.parametrize(
    ("y", "x"),
    [
        ({"axis": "Y"}, {"axis": "X"}),
        ({"axis": "y"}, {"axis": "x"}),
        ({"standard_name": "latitude"}, {"standard_name": "longitude"}),
        ({"standard_name": "projection_y_coordinate"}, {"standard_name": "projection_x_coordinate"}),
        ({"units": "degrees_north"}, {"units": "degrees_east"}),
    ],
)
def test_attributes_count_for_more_than_names(y: dict[str, str], x: dict[str, str]) -> None:
    assert axes(field("x", "y", x=y, y=x), None) == {"y": "x", "x": "y"}


@pytest.mark.parametrize(
    "dims",
    [
        ("Time", "south_north", "west_east"),
        ("ocean_time", "rlat", "rlon"),
        ("valid_time", "latitude", "longitude"),
        ("frame", "j", "i"),
        ("step", "yc", "xc"),
        ("t", "nlat", "nlon"),
    ],
)
def test_common_names_are_known(dims: tuple[str, ...]) -> None:
    assert axes(field(*dims), None) == dict(zip(("time", "y", "x"), dims, strict=True))


def test_names_that_only_begin_like_an_axis_are_not_taken_for_one() -> None:
    assert axes(field("initial", "year_of_issue", "y", "x"), None) == {"y": "y", "x": "x"}
    with pytest.raises(MeasureError, match="dims: no dim is known as x, got y, index; name them"):
        axes(field("y", "index"), None)


def test_a_velocity_is_known_by_standard_names_whatever_its_variables_are_called() -> None:
    meant = {"a": "eastward_wind", "b": "northward_wind", "c": "tendency_of_eastward_wind", "d": "x_wind"}
    data = xr.Dataset({name: ((), 0.0, {"standard_name": meaning}) for name, meaning in meant.items()})
    assert velocity_names(data) == ("a", "b")
