"""Other people's data as a dataset of phigen's: a jet, an ocean, an experiment, on a uniform grid.

Two things can be compared.  Runs that form an orbit are compared with one another, as phigen's own are: each is known
by the element that made it.  Otherwise every field u is compared with its own images.  It is then the run of every
element g of a group, as if g left its scene unchanged, and

    error(g) = < |u - g^-1 u| >

is how far u itself is from symmetric.  Cells without a value, such as land, are left out, and so are their images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from phigen.errors import MeasureError
from phigen.formats.adopted_runs import describe_runs, smallest_group
from phigen.formats.cf_names import axes, listed, velocity_names
from phigen.measurement.differences import VALUES_AT_ONCE
from phigen.symmetry.point_groups import ELEMENTS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

UNIFORM = 1e-3
"""Relative difference in size between cells that is still uniform, beyond the rounding of their coordinates."""

_DIMS = ("run", "time", "y", "x")


def adopt(
    dataset: xr.Dataset,
    *,
    velocity: str | Sequence[str] | None = None,
    scalar: str | None = None,
    dims: Sequence[str] | None = None,
    run_dim: str | None = None,
    group: str | None = None,
    elements: Sequence[str] | None = None,
) -> xr.Dataset:
    """Return any dataset with a velocity in the form that `phigen.measure` and `phigen.preview` take.

    Names that are left out are guessed from CF attributes and common names.  Rows are reversed where needed so that y
    points up; without coordinates the first row is the lowest.

    Parameters
    ----------
    dataset : Dataset
        With a velocity in cell centres; as opened by xarray, its values are read when they are needed.
    velocity : str or (str, str), optional
        Names of the two components along x and y, such as ``("u", "v")``, or of one variable with a dim of length 2.
    scalar : str, optional
        Name of a scalar to measure as well, such as a concentration.
    dims : sequence of str, optional
        Names of time, y and x, or of y and x alone.
    run_dim : str, optional
        Name of the dim that counts runs; ``run`` if there is such a dim.
    group : str, optional
        Compare every field with its images under this group of rotations and reflections, such as ``D1_y``.
    elements : sequence of str, optional
        Compare runs: the element that made each, in order, such as ``("identity", "mirror_y")``, repeated for each
        orbit.  If neither `group` nor `elements` is given, the runs need a coordinate `element`.

    Returns
    -------
    Dataset
        ``velocity`` (run, time, component, y, x) and, where there is a scalar, ``smoke`` (run, time, y, x), in chunks
        of frames.  Coordinates of run are level, orbit and element; time counts frames, x and y are in cells.

    Raises
    ------
    MeasureError
        If a variable or dim is missing or cannot be guessed, the cells are not as uniform as the elements need, or it
        is not clear what to compare.
    """
    import xarray as xr

    names = (velocity,) if isinstance(velocity, str) else tuple(velocity or velocity_names(dataset))
    wanted = [*names, *([scalar] if scalar is not None else [])]
    for name in wanted:
        if name not in dataset:
            raise MeasureError(
                f"{name}: is not a variable of the dataset, which has {listed(dataset)}; name one of these"
            )
    own = axes(dataset[names[0]], dims)
    run_dim = run_dim if run_dim is not None else "run" if "run" in dataset[names[0]].dims else None
    if run_dim is not None and run_dim not in dataset[names[0]].dims:
        there = ", ".join(map(str, dataset[names[0]].dims))
        raise MeasureError(f"run_dim: must be a dim of {names[0]}, got {run_dim}; choose from {there}")
    new_names = {dim: axis for axis, dim in own.items()} | ({run_dim: "run"} if run_dim is not None else {})
    upright = _upright(dataset[wanted], own)
    parts = {"velocity": _velocity([upright[name] for name in names], new_names)}
    if scalar is not None:
        parts["smoke"] = _arranged(upright[scalar], new_names).assign_attrs(original_name=scalar)
    fields = xr.Dataset(parts)
    count = fields.sizes["run"]
    described = describe_runs(dataset, count, run_dim=run_dim, group=group, elements=elements)
    _refuse_uneven(dataset, own, fields, set(described["element"]))
    return _labelled(fields.isel(run=described.pop("source")), described, dataset.attrs)


def _velocity(components: list[xr.DataArray], new_names: dict[str, str]) -> xr.DataArray:
    """Return two components, or one variable that holds both, with phigen's dims."""
    import xarray as xr

    if len(components) == 1:
        (both,) = components
        others = [dim for dim in both.dims if dim not in new_names and both.sizes[dim] == 2]
        dim = "component" if "component" in others else others[0] if len(others) == 1 else None
        if dim is None:
            raise MeasureError(
                f"velocity: needs a dim of length 2 for its components, got {listed(both.to_dataset())}; name two "
                "variables, as in --velocity u,v"
            )
        components = [both.isel({dim: i}, drop=True) for i in (0, 1)]
    for part in components:
        if part.dtype.kind not in "fiu":
            raise MeasureError(f"velocity: {part.name} must be real numbers, got {part.dtype}; name another variable")
    if len(components) != 2 or set(components[0].dims) != set(components[1].dims):
        there = " and ".join(listed(part.to_dataset(name=part.name)) for part in components)
        raise MeasureError(
            f"velocity: needs two components on the same cells, got {there}; interpolate both to cell centres"
        )
    x, y = (_arranged(part, new_names) for part in components)
    return xr.concat([x, y], "component", combine_attrs="override").transpose("run", "time", "component", "y", "x")


def _arranged(part: xr.DataArray, new_names: dict[str, str]) -> xr.DataArray:
    """Return a field with dims (run, time, y, x), those that it lacked of length 1, in chunks of frames."""
    for dim in part.dims:
        if dim not in new_names and part.sizes[dim] > 1:
            raise MeasureError(
                f"{part.name}: has a dim of unknown meaning, got {dim} of length {part.sizes[dim]}; name it with "
                "--run-dim if it counts runs, or select one position along it"
            )
    plain = part.drop_vars(part.coords).squeeze([dim for dim in part.dims if dim not in new_names])
    renamed = plain.rename({dim: name for dim, name in new_names.items() if dim in part.dims})
    frames = max(1, VALUES_AT_ONCE // (renamed.sizes["y"] * renamed.sizes["x"]))
    sizes = {dim: size for dim, size in {"run": 1, "time": frames}.items() if dim in renamed.dims}
    # Chunk first: adding a dim to an array that is not chunked reads all of it.  A token of our own, because dask's
    # takes an array in memory and its transpose for the same array.
    lazy = renamed.chunk(sizes, token=uuid4().hex)
    return lazy.expand_dims([dim for dim in _DIMS if dim not in lazy.dims]).transpose(*_DIMS)


def _upright(fields: xr.Dataset, own: dict[str, str]) -> xr.Dataset:
    """Reverse axes whose coordinates fall, so that x points right and y up."""
    for axis in ("x", "y"):
        places = _places(fields, own[axis])
        if places is not None and places[0] > places[-1]:
            fields = fields.isel({own[axis]: slice(None, None, -1)})
    return fields


def _places(dataset: xr.Dataset, dim: str) -> NDArray[Any] | None:
    """Return the coordinate of a dim, or None if it has no numeric one or only one position."""
    values = dataset[dim].values if dim in dataset.coords else None
    return values if values is not None and np.issubdtype(values.dtype, np.number) and len(values) > 1 else None


def _refuse_uneven(dataset: xr.Dataset, own: dict[str, str], fields: xr.Dataset, elements: set[str]) -> None:
    """Refuse cells that differ in size, and for elements that swap the axes, boxes and cells that are not square."""
    sizes = {}
    for axis in ("x", "y"):
        places = _places(dataset, own[axis])
        if places is None:
            continue
        ends = np.linspace(float(places[0]), float(places[-1]), len(places))
        sizes[axis] = step = abs(float(ends[1] - ends[0]))
        rounding = float(np.finfo(places.dtype).eps) if np.issubdtype(places.dtype, np.floating) else 0.0
        if not np.abs(places - ends).max() <= UNIFORM * step + 4 * rounding * np.abs(ends).max():
            raise MeasureError(f"{own[axis]}: the cells differ in size; resample to a uniform grid first")
    swapping = [name for name, g in ELEMENTS.items() if name in elements and g.swaps_axes]
    width, height = fields.sizes["x"], fields.sizes["y"]
    if swapping and width != height:
        raise MeasureError(
            f"{swapping[0]}: needs a square box, got {width} x {height} cells; cut out a square, or compare under "
            "D1_x, D1_y, C2 or D2, which need none"
        )
    if swapping and len(sizes) == 2 and abs(sizes["x"] - sizes["y"]) > 2 * UNIFORM * sizes["y"]:
        raise MeasureError(
            f"{swapping[0]}: needs square cells, got {sizes['x']:g} x {sizes['y']:g}; resample to square cells, or "
            "compare under D1_x, D1_y, C2 or D2, which need none"
        )


def _labelled(fields: xr.Dataset, described: dict[str, Any], attributes: dict[Any, Any]) -> xr.Dataset:
    """Return fields with the coordinates and attributes of a dataset of phigen's."""
    coords = {name: ("run", np.asarray(values)) for name, values in described.items() if name != "element"}
    coords["element"] = ("run", np.array(described["element"], dtype=object))
    labelled = fields.assign_coords(
        coords
        | {"time": np.arange(fields.sizes["time"])}
        | {dim: np.arange(fields.sizes[dim]) + 0.5 for dim in ("x", "y")}
        | {"component": np.array(["x", "y"], dtype=object)}
    )
    labelled.attrs = {
        "title": str(attributes.get("title", "adopted data")),
        "group": smallest_group(set(described["element"])),
        "cells": [fields.sizes["x"], fields.sizes["y"]],
        "boundaries": ["unknown"] * 4,
        "missing_values": "left out",
    }
    return labelled
