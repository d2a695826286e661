"""Other people's data, seen as a dataset of phigen's: a jet, an ocean, an experiment, on a uniform grid.

Two things can be compared.  Where runs are an orbit, each is known by the element that made it, and is measured as
phigen's own.  Otherwise every field u is compared with its own images: a field is its own run for every element g of
a group, as if g had made it of a scene that g leaves as it is, so that

    error(g) = < |u - g^-1 u| >

says how far u itself is from symmetric.  Cells that have no value, such as land, are left out, with their images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from phigen.errors import MeasureError
from phigen.formats.cf_names import listed, roles, velocity_names
from phigen.measurement.data_error import VALUES_AT_ONCE
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

UNIFORM = 1e-3
"""Cells may differ by this part of their size, and what their coordinates are rounded by."""

_DIMS = ("run", "time", "component", "y", "x")


def adopt(
    dataset: xr.Dataset,
    *,
    velocity: str | Sequence[str] | None = None,
    scalar: str | None = None,
    dims: Sequence[str] | None = None,
    run: str | None = None,
    group: str | None = None,
    elements: Sequence[str] | None = None,
) -> xr.Dataset:
    """Give any data with a velocity as `phigen.measure` and `phigen.preview` take them.

    What is left out is guessed from CF attributes and common names.  Rows are turned so that y points up; without
    coordinates the first row is the lowest.

    Parameters
    ----------
    dataset : Dataset
        With a velocity in cell centres; as opened by xarray, read when it is needed.
    velocity : str or (str, str), optional
        Its two components along x and y, such as ``("u", "v")``, or one variable with a dim of length 2.
    scalar : str, optional
        A scalar to measure beside it, such as a concentration.
    dims : sequence of str, optional
        Names of time, y and x, or of y and x alone.
    run : str, optional
        Name of the dim along which there are runs; ``run`` if it is there.
    group : str, optional
        Compare every field with its images under this group of turns and mirrors, such as ``D1_y``.
    elements : sequence of str, optional
        Compare runs: which element made each, in turn, such as ``("identity", "mirror_y")``; again from the first for
        the next orbit.  If neither is given, a coordinate `element` of the runs says it.

    Returns
    -------
    Dataset
        ``velocity`` (run, time, component, y, x) and, where there is a scalar, ``smoke`` (run, time, y, x), in chunks
        of frames; coordinates level, orbit and element of run; time counts frames, x and y are in cells.

    Raises
    ------
    MeasureError
        If something is not there or cannot be guessed, cells are not as uniform as the elements need, or nothing
        says what to compare.
    """
    import xarray as xr

    names = (velocity,) if isinstance(velocity, str) else tuple(velocity or velocity_names(dataset))
    wanted = [*names, *([scalar] if scalar is not None else [])]
    for name in wanted:
        if name not in dataset:
            raise MeasureError(f"{name}: there is no such variable; there are {listed(dataset)}")
    own = roles(dataset[names[0]], dims)
    run = run if run is not None else "run" if "run" in dataset[names[0]].dims else None
    if run is not None and run not in dataset[names[0]].dims:
        raise MeasureError(f"run: {names[0]} has no dim {run}; there are {listed(dataset[list(names)])}")
    given = {dim: role for role, dim in own.items()} | ({run: "run"} if run is not None else {})
    whole = _upright(dataset[wanted], own)
    parts = {"velocity": _velocity([whole[name] for name in names], given)}
    if scalar is not None:
        parts["smoke"] = _arranged(whole[scalar], given, _DIMS[:2] + _DIMS[3:]).assign_attrs(original_name=scalar)
    fields = xr.Dataset(parts)
    described = _runs(dataset, fields.sizes["run"], run, group, elements)
    _refuse_uneven(dataset, own, fields, set(described["element"]))
    return _labelled(fields.isel(run=described.pop("source")), described, dataset.attrs)


def _velocity(components: list[xr.DataArray], given: dict[str, str]) -> xr.DataArray:
    """Bring two components, or one variable with both, into phigen's order of dims."""
    import xarray as xr

    if len(components) == 1:
        (both,) = components
        others = [dim for dim in both.dims if dim not in given and both.sizes[dim] == 2]
        dim = "component" if "component" in others else others[0] if len(others) == 1 else None
        if dim is None:
            raise MeasureError(
                f"velocity: {listed(both.to_dataset())} has no dim of length 2 for its components; name two variables, "
                "--velocity u,v"
            )
        components = [both.isel({dim: i}, drop=True) for i in (0, 1)]
    for part in components:
        if part.dtype.kind not in "fiu":
            raise MeasureError(f"velocity: {part.name} is not of real numbers, got {part.dtype}; name another variable")
    if len(components) != 2 or set(components[0].dims) != set(components[1].dims):
        there = " and ".join(listed(part.to_dataset(name=part.name)) for part in components)
        raise MeasureError(f"velocity: has two components on the same cells, got {there}; interpolate to cell centres")
    x, y = (_arranged(part, given, _DIMS[:2] + _DIMS[3:]) for part in components)
    return xr.concat([x, y], "component", combine_attrs="override").transpose(*_DIMS)


def _arranged(part: xr.DataArray, given: dict[str, str], dims: Sequence[str]) -> xr.DataArray:
    """Rename and order a field's dims, add those that it lacks, and cut it in chunks of frames."""
    for dim in part.dims:
        if dim not in given and part.sizes[dim] > 1:
            raise MeasureError(
                f"{part.name}: what is its dim {dim}, {part.sizes[dim]} long? name it with --run if it counts runs, or "
                "choose one of them"
            )
    plain = part.drop_vars(part.coords).squeeze([dim for dim in part.dims if dim not in given])
    renamed = plain.rename({dim: role for dim, role in given.items() if dim in part.dims})
    frames = max(1, VALUES_AT_ONCE // (renamed.sizes["y"] * renamed.sizes["x"]))
    sizes = {dim: size for dim, size in {"run": 1, "time": frames}.items() if dim in renamed.dims}
    # Chunks come first, for a new dim reads the whole field.  By its own token dask would take an array in memory and
    # its transpose for one and the same.
    lazy = renamed.chunk(sizes, token=uuid4().hex)
    return lazy.expand_dims([dim for dim in dims if dim not in lazy.dims]).transpose(*dims)


def _upright(fields: xr.Dataset, own: dict[str, str]) -> xr.Dataset:
    """Turn axes whose coordinates fall, so that x points right and y up."""
    for role in ("x", "y"):
        places = _places(fields, own[role])
        if places is not None and places[0] > places[-1]:
            fields = fields.isel({own[role]: slice(None, None, -1)})
    return fields


def _places(dataset: xr.Dataset, dim: str) -> NDArray[Any] | None:
    """Give the coordinate of a dim, if it has one in numbers."""
    values = dataset[dim].values if dim in dataset.coords else None
    return values if values is not None and np.issubdtype(values.dtype, np.number) and len(values) > 1 else None


def _refuse_uneven(dataset: xr.Dataset, own: dict[str, str], fields: xr.Dataset, elements: set[str]) -> None:
    sizes = {}
    for role in ("x", "y"):
        places = _places(dataset, own[role])
        if places is None:
            continue
        ends = np.linspace(float(places[0]), float(places[-1]), len(places))
        sizes[role] = step = abs(float(ends[1] - ends[0]))
        rounding = float(np.finfo(places.dtype).eps) if np.issubdtype(places.dtype, np.floating) else 0.0
        if not np.abs(places - ends).max() <= UNIFORM * step + 4 * rounding * np.abs(ends).max():
            raise MeasureError(f"{own[role]}: cells are not equally large; resample to a uniform grid first")
    turning = [name for name, g in ELEMENTS.items() if name in elements and g.swaps_axes]
    width, height = fields.sizes["x"], fields.sizes["y"]
    if turning and width != height:
        raise MeasureError(
            f"{turning[0]} needs a square box, got {width} x {height} cells; cut one out, or measure what does not: "
            "D1_x, D1_y, C2 or D2"
        )
    if turning and len(sizes) == 2 and abs(sizes["x"] - sizes["y"]) > 2 * UNIFORM * sizes["y"]:
        raise MeasureError(
            f"{turning[0]} needs square cells, got {sizes['x']:g} x {sizes['y']:g}; resample, or measure what does "
            "not: D1_x, D1_y, C2 or D2"
        )


def _runs(
    dataset: xr.Dataset, count: int, run: str | None, group: str | None, elements: Sequence[str] | None
) -> dict[str, Any]:
    """Say of each run which one of the data it is, its level, orbit and element, and the group of all."""
    if group is not None and elements is not None:
        raise MeasureError("group, elements: one compares fields with their images, the other runs; give one of them")
    along = {name: dataset[name].values for name in ("level", "orbit", "element") if _is_along(dataset, name, run)}
    levels = along.get("level", np.zeros(count))
    levels = levels if np.issubdtype(levels.dtype, np.number) else np.zeros(count)
    if group is not None:
        images = next((own for name, own in POINT_GROUPS.items() if name == group and len(own) > 1), None)
        if images is None:
            known = ", ".join(name for name, own in POINT_GROUPS.items() if len(own) > 1)
            raise MeasureError(f"group: no group of turns and mirrors, got {group}; known are {known}")
        source = np.repeat(np.arange(count), len(images))
        return {"source": source, "level": levels[source], "orbit": source, "element": [*images] * count}
    if elements is None and "element" not in along:
        raise MeasureError(
            "nothing says what to compare: --group D1_y compares every field with its mirror image, --elements "
            f"identity,mirror_y runs with one another; there are {listed(dataset)}"
        )
    made = [*map(str, along["element"])] if elements is None else [*elements] * (count // len(elements))
    if len(made) != count:
        raise MeasureError(f"elements: there are {count} runs, got {len(made) or len(elements or ())} elements")
    unknown = [name for name in made if name not in ELEMENTS]
    if unknown:
        raise MeasureError(f"elements: {unknown[0]} names no turn or mirror; known are {', '.join(ELEMENTS)}")
    orbits = along.get("orbit", _occurrences([*zip(levels.tolist(), made, strict=True)]))
    return {"source": np.arange(count), "level": levels, "orbit": orbits, "element": made}


def _is_along(dataset: xr.Dataset, name: str, run: str | None) -> bool:
    return run is not None and name in dataset.variables and dataset[name].dims == (run,)


def _occurrences(keys: Sequence[Any]) -> NDArray[np.int_]:
    """Give for each key how often it was there before: the orbit of a run that is told by its element alone."""
    seen: Counter[Any] = Counter()
    counts = []
    for key in keys:
        counts.append(seen[key])
        seen[key] += 1
    return np.array(counts)


def _labelled(fields: xr.Dataset, described: dict[str, Any], attributes: dict[Any, Any]) -> xr.Dataset:
    """Give fields the coordinates and attributes that a dataset of phigen's has."""
    names = set(described["element"])
    group = next(name for name, own in sorted(POINT_GROUPS.items(), key=lambda item: len(item[1])) if names <= {*own})
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
        "group": group,
        "cells": [fields.sizes["x"], fields.sizes["y"]],
        "boundaries": ["unknown"] * 4,
        "missing_values": "left out",
    }
    return labelled
