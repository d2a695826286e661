"""What the variables and dims of other people's data mean: by their CF attributes, or else by their names.

A guess is made where there is one only.  Otherwise the error names what is there and how to say which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
"""Names of the two components of a velocity, in small letters."""

_ROLES: dict[str, tuple[str, set[str], set[str]]] = {
    "time": ("T", {"time"}, {"time", "t", "valid_time", "ocean_time", "frame", "step"}),
    "y": (
        "Y",
        {"latitude", "grid_latitude", "projection_y_coordinate"},
        {"y", "lat", "latitude", "rlat", "south_north", "yc", "j"},
    ),
    "x": (
        "X",
        {"longitude", "grid_longitude", "projection_x_coordinate"},
        {"x", "lon", "longitude", "rlon", "west_east", "xc", "i"},
    ),
}
"""Of each role: the CF attribute `axis`, standard names, and common names in small letters."""

_EAST_TO_NORTH = {"eastward": "northward", "x": "y"}


def velocity_names(dataset: xr.Dataset) -> tuple[str, ...]:
    """Guess which variable is the velocity, or which two its components are.

    Raises
    ------
    MeasureError
        If none seems to be, or several do.
    """
    whole: list[tuple[str, ...]] = [("velocity",)] if "velocity" in dataset else []
    found = whole or [*_pairs_by_standard_name(dataset)] or [*_pairs_by_name(dataset)]
    if len(found) == 1:
        return found[0]
    which = f"it may be {' or '.join(','.join(names) for names in found)}" if found else "no variable is known as one"
    raise MeasureError(
        f"velocity: {which}; name its two components, --velocity u,v, or one variable that has both; there are "
        f"{listed(dataset)}"
    )


def _pairs_by_standard_name(dataset: xr.Dataset) -> Iterator[tuple[str, ...]]:
    meant = {str(name): str(variable.attrs.get("standard_name", "")) for name, variable in dataset.items()}
    for one, meaning in meant.items():
        if not meaning.endswith(("velocity", "wind")) or meaning.startswith("tendency"):
            continue
        across = "_".join(_EAST_TO_NORTH.get(word, word) for word in meaning.split("_"))
        yield from ((one, other) for other in meant if across != meaning and meant[other] == across)


def _pairs_by_name(dataset: xr.Dataset) -> Iterator[tuple[str, ...]]:
    known = {str(name).lower(): str(name) for name in dataset}
    yield from ((known[one], known[other]) for one, other in PAIRS if one in known and other in known)


def roles(field: xr.DataArray, asked: Sequence[str] | None) -> dict[str, str]:
    """Say which dims of a field are time, y and x.

    Parameters
    ----------
    field : DataArray
        Of the velocity.
    asked : sequence of str, optional
        Names of time, y and x, or of y and x alone; guessed if left out.

    Returns
    -------
    dict of str to str
        From ``time``, ``y`` and ``x`` to the field's dims; without time where it has none.

    Raises
    ------
    MeasureError
        If a dim that was asked for is not there, or y or x cannot be guessed.
    """
    there = ", ".join(map(str, field.dims))
    if asked is not None:
        absent = [name for name in asked if name not in field.dims]
        if absent or len(asked) not in (2, 3) or len(set(asked)) != len(asked):
            raise MeasureError(f"dims: are time, y and x, or y and x, got {','.join(asked)}; {field.name} has {there}")
        return dict(zip(("time", "y", "x")[-len(asked) :], asked, strict=True))
    found: dict[str, list[str]] = {role: [] for role in _ROLES}
    for dim in map(str, field.dims):
        role = _role_of(dim, field.coords[dim].attrs if dim in field.coords else {})
        if role is not None:
            found[role].append(dim)
    for role, dims in found.items():
        if len(dims) > 1 or (role != "time" and not dims):
            what = f"may be {' or '.join(dims)}" if dims else "is none that is known"
            raise MeasureError(f"dims: {role} {what} of {there}; name them, as in --dims time,y,x")
    return {role: dims[0] for role, dims in found.items() if dims}


def _role_of(dim: str, attributes: dict[Any, Any]) -> str | None:
    """Give what a dim is by the attributes of its coordinate, which count for more than its name."""
    axis, meaning = str(attributes.get("axis", "")).upper(), attributes.get("standard_name", "")
    for role, (own_axis, meanings, _) in _ROLES.items():
        if axis == own_axis or meaning in meanings:
            return role
    return next((role for role, (_, _, names) in _ROLES.items() if dim.lower() in names), None)


def listed(dataset: xr.Dataset) -> str:
    """Name the variables of a dataset, with their dims."""
    return (
        ", ".join(f"{name} ({', '.join(map(str, variable.dims))})" for name, variable in dataset.items()) or "nothing"
    )
