"""What the variables and dims of other people's data mean: by their CF attributes, or else by their names.

cf-xarray knows the attributes and the common names of axes.  A guess is made only where there is exactly one candidate.
Otherwise the error lists what is there and says how to name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from itertools import product
from typing import TYPE_CHECKING, Any

from phigen.errors import MeasureError

if TYPE_CHECKING:
    import xarray as xr

PAIRS = (
    ("u", "v"),
    ("uo", "vo"),
    ("ugos", "vgos"),
    ("u10", "v10"),
    ("water_u", "water_v"),
    ("ux", "uy"),
    ("vx", "vy"),
    ("velocity_x", "velocity_y"),
)
"""Names of the two components of a velocity, in lower case."""

_AXES = {"time": ("T", "time"), "y": ("Y", "latitude"), "x": ("X", "longitude")}
"""What cf-xarray calls each axis."""

_MORE_NAMES = {
    "time": {"valid_time", "ocean_time", "frame", "step"},
    "y": {"south_north", "yc"},
    "x": {"west_east", "xc"},
}
"""Names of dims that cf-xarray does not know, in lower case: those of ERA5, ROMS, WRF and image sequences."""

_EAST_TO_NORTH = {"eastward": "northward", "x": "y"}


def velocity_names(dataset: xr.Dataset) -> tuple[str, ...]:
    """Guess which variable is the velocity, or which two variables are its components.

    Raises
    ------
    MeasureError
        If there is no candidate, or more than one.
    """
    whole: list[tuple[str, ...]] = [("velocity",)] if "velocity" in dataset else []
    candidates = whole or [*_pairs_by_standard_name(dataset)] or [*_pairs_by_name(dataset)]
    if len(candidates) == 1:
        return candidates[0]
    options = " or ".join(",".join(names) for names in candidates)
    problem = f"it may be {options}" if candidates else "no variable has a name or attribute of a velocity"
    raise MeasureError(
        f"velocity: {problem}, got {listed(dataset)}; name its two components, as in --velocity u,v, or one variable "
        "that holds both"
    )


def _pairs_by_standard_name(dataset: xr.Dataset) -> Iterator[tuple[str, ...]]:
    import_module("cf_xarray")  # adds `.cf` to datasets
    known = dataset.cf.standard_names
    for meaning, ones in known.items():
        if meaning.endswith(("velocity", "wind")) and not meaning.startswith("tendency"):
            across = "_".join(_EAST_TO_NORTH.get(word, word) for word in meaning.split("_"))
            yield from product(ones, known.get(across, ()) if across != meaning else ())


def _pairs_by_name(dataset: xr.Dataset) -> Iterator[tuple[str, ...]]:
    known = {str(name).lower(): str(name) for name in dataset}
    yield from ((known[one], known[other]) for one, other in PAIRS if one in known and other in known)


def axes(field: xr.DataArray, names: Sequence[str] | None) -> dict[str, str]:
    """Return which dims of a field are time, y and x.

    Parameters
    ----------
    field : DataArray
        A component of the velocity.
    names : sequence of str, optional
        Names of time, y and x, or of y and x alone; guessed if left out.

    Returns
    -------
    dict of str to str
        From ``time``, ``y`` and ``x`` to the field's dims; without ``time`` where the field has none.

    Raises
    ------
    MeasureError
        If the field lacks a dim in `names`, or y or x cannot be guessed.
    """
    there = ", ".join(map(str, field.dims))
    if names is not None:
        absent = [name for name in names if name not in field.dims]
        if absent or len(names) not in (2, 3) or len(set(names)) != len(names):
            raise MeasureError(
                f"dims: {field.name} has {there}, got {','.join(names)}; name time, y and x, or y and x, as in "
                "--dims time,lat,lon"
            )
        return dict(zip(("time", "y", "x")[-len(names) :], names, strict=True))
    candidates: dict[str, list[str]] = {axis: [] for axis in _AXES}
    import_module("cf_xarray")  # adds `.cf` to fields
    capital = _with_capital_axes(field)
    attributed = capital.cf.axes | capital.cf.coordinates
    for dim in map(str, field.dims):
        axis = _axis_by_attributes(dim, attributed) or _axis_by_name(dim)
        if axis is not None:
            candidates[axis].append(dim)
    for axis, dims in candidates.items():
        if len(dims) > 1 or (axis != "time" and not dims):
            problem = f"{axis} may be {' or '.join(dims)}" if dims else f"no dim is known as {axis}"
            raise MeasureError(f"dims: {problem}, got {there}; name them, as in --dims time,y,x")
    return {axis: dims[0] for axis, dims in candidates.items() if dims}


def _with_capital_axes(field: xr.DataArray) -> xr.DataArray:
    """Return a field whose attributes `axis` are capitals: CF ignores their case, cf-xarray does not."""
    field = field.copy(deep=False)
    for coordinate in field.coords.values():
        if "axis" in coordinate.attrs:
            coordinate.attrs = coordinate.attrs | {"axis": str(coordinate.attrs["axis"]).upper()}
    return field


def _axis_by_attributes(dim: str, attributed: Mapping[str, Sequence[Any]]) -> str | None:
    return next((axis for axis, keys in _AXES.items() if any(dim in attributed.get(key, ()) for key in keys)), None)


def _axis_by_name(dim: str) -> str | None:
    from cf_xarray.criteria import regex

    name = dim.lower()
    return next(
        (
            axis
            for axis, keys in _AXES.items()
            if name in _MORE_NAMES[axis] or any(regex[key].fullmatch(name) for key in keys)
        ),
        None,
    )


def listed(dataset: xr.Dataset) -> str:
    """Return the variables of a dataset with their dims, as text."""
    variables = (f"{name} ({', '.join(map(str, variable.dims))})" for name, variable in dataset.items())
    return ", ".join(variables) or "nothing"
