"""The data equivariance error: how far the runs of an orbit are from one another in a common reference frame.

Let u_e be the first run of a scene and u_g the run that the group element g made of it.  Angle brackets are the mean
over cells and components, and after that over frames, over the orbits that have the element, and over elements:

    mae        = <|u_e - g^-1 u_g|>                 (Wang et al. 2022, arXiv:2201.11969)
    l2         = sqrt <|u_e - g^-1 u_g|^2>
    relative   = <|u_e - g^-1 u_g|> / <|u_e|>
    resampling = <|u_e - g^-1 g u_e|>               the part of mae that interpolation makes

Zero means that every bit agrees.  Rotations, reflections and shifts by whole cells are exact, so their resampling is
zero.  Where walls cut off part of a shifted run, the mean is over the cells that both runs have.  Where adopted data
lack values, it is over the cells that have a value in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.measurement.differences import compare
from phigen.symmetry.element import Box
from phigen.symmetry.fields import STORED_AS
from phigen.symmetry.groups import element_named

if TYPE_CHECKING:
    import xarray as xr


def measure(dataset: xr.Dataset, *, frames: slice | None = None) -> xr.Dataset:
    """Measure the data equivariance error of each level, variable and element, over time.

    Of a dataset in memory; `phigen.hub.measuring.measure` also takes a path, and describes what is returned.
    """
    return average(measure_runs(dataset, frames=frames))


def measure_runs(dataset: xr.Dataset, *, frames: slice | None = None) -> xr.Dataset:
    """Measure how far each run is from the first run of its orbit, over time.

    Parameters
    ----------
    dataset : Dataset
        As for `measure`.
    frames : slice, optional
        As for `measure`.

    Returns
    -------
    Dataset
        With dims (run, variable, time), float64, and the coordinates level, orbit and element of `run`: the variables
        that `measure` returns, before the mean over orbits.  NaN for the first run of each orbit, which the others are
        compared with.

    Raises
    ------
    MeasureError
        As for `measure`.
    """
    import xarray as xr

    _refuse_partial(dataset)
    elements = {name: element_named(name, dataset.attrs) for name in _other_elements(dataset)}
    dataset = select_frames(dataset, frames)
    variables = _variables(dataset)
    shape = (dataset.sizes["run"], len(variables), dataset.sizes["time"])
    gaps = dataset.attrs.get("missing_values") == "left out"
    names = ("mae", "square", "magnitude", "resampling", *(["compared"] if gaps else []))
    means = {name: np.full(shape, np.nan) for name in names}
    box = Box.of(dataset.attrs)
    for _, first, rest in orbits(dataset):
        others = {run: elements[name] for name, run in rest.items()}
        for v, parts in enumerate(variables.values()):
            fields = dataset[list(parts)]
            these = {run: (fields.isel(run=run), g) for run, g in others.items()}
            for run, of_run in compare(fields.isel(run=first), these, box=box, gaps=gaps).items():
                for name, mean in of_run.items():
                    means[name][run, v] = mean
    if gaps and (means["compared"].max(axis=-1) == 0).any():
        raise MeasureError(
            "two runs have no value in common: where one has values, the other has none; compare runs or images that "
            "overlap"
        )
    return xr.Dataset(
        {name: (("run", "variable", "time"), values) for name, values in means.items()},
        coords={name: ("run", dataset[name].values) for name in ("level", "orbit", "element")}
        | {"variable": list(variables), "time": dataset["time"].values},
    )


def select_frames(dataset: xr.Dataset, frames: slice | None) -> xr.Dataset:
    """Select frames by position; all if None.

    Raises
    ------
    MeasureError
        If none is left.
    """
    selected = dataset.isel(time=frames) if frames is not None else dataset
    if not selected.sizes["time"]:
        raise MeasureError(f"frames: no stored frame is chosen, got {_spelled(frames)}; choose positions that exist")
    return selected


def select_stored(errors: xr.Dataset, frames: slice | None) -> xr.Dataset:
    """Select frames of what was measured when a dataset was built, as `measure_runs` returns it for these frames.

    Raises
    ------
    MeasureError
        If an orbit lacks its first run, as in a copy of some runs, or no frame is left.
    """
    _other_elements(errors)
    for _ in orbits(errors):
        pass
    return select_frames(errors, frames)


def average(errors: xr.Dataset) -> xr.Dataset:
    """Average over orbits: compute what `measure` returns from what `measure_runs` returns."""
    from xarray.groupers import UniqueGrouper

    elements = UniqueGrouper(labels=np.array(_other_elements(errors), dtype=object))
    in_order = errors.isel(run=np.argsort(errors["orbit"].values, kind="stable"))  # however the dataset orders its runs
    compared = in_order.isel(run=(in_order["element"] != "identity").values).drop_vars("orbit")
    means = compared.groupby(level=UniqueGrouper(), element=elements).mean("run", skipna=False)
    return means.transpose("level", "variable", "element", "time")


def summarize(errors: xr.Dataset) -> xr.Dataset:
    """Average what `measure` returns over elements and frames.

    Parameters
    ----------
    errors : Dataset
        From `measure`.

    Returns
    -------
    Dataset
        ``mae``, ``l2``, ``relative`` and ``resampling`` (level, variable), and ``mae_by_element`` (level, variable,
        element).  ``relative`` is infinite where the first run is zero and another is not.
    """
    import xarray as xr

    over = ["element", "time"]
    mae, magnitude = errors["mae"].mean(over), errors["magnitude"].mean(over)
    return xr.Dataset(
        {
            "mae": mae,
            "l2": np.sqrt(errors["square"].mean(over)),
            "relative": (mae / magnitude).where(mae != 0, 0.0),
            "resampling": errors["resampling"].mean(over),
            "mae_by_element": errors["mae"].mean("time"),
        }
    )


def _variables(dataset: xr.Dataset) -> dict[str, tuple[str, ...]]:
    """Return the parts of each field that is measured, by the name that the data's owner gave it."""
    return {
        dataset[parts[0]].attrs.get("original_name", name): parts
        for name, parts in STORED_AS.items()
        if all(part in dataset for part in parts)
    }


def _refuse_partial(dataset: xr.Dataset) -> None:
    lacking = [dim for dim in ("run", "time") if dim not in dataset.dims]
    if lacking:
        raise MeasureError(f"the dataset has no dim {lacking[0]}; select with a list or slice, which keeps it")
    if not any(all(part in dataset for part in parts) for parts in STORED_AS.values()):
        raise MeasureError(
            f"the dataset has no field to measure, got {', '.join(map(str, dataset)) or 'nothing'}; it needs one of "
            f"{', '.join(STORED_AS)}"
        )
    refuse_part_of_box(dataset)


def refuse_part_of_box(dataset: xr.Dataset) -> None:
    """Check that no cells were left out: a part of the box would rotate about another centre and wrap around early.

    Raises
    ------
    MeasureError
        Otherwise.
    """
    for dim, cells in zip(("x", "y"), dataset.attrs.get("cells", ()), strict=False):
        for name, whole, what in ((dim, cells, "cells"), (f"{dim}_face", cells + 1, "faces")):
            found = dataset.sizes.get(name, whole)
            if found != whole:
                raise MeasureError(
                    f"the fields do not cover the whole box, got {found} of {whole} {what} along {dim}; measure before "
                    "selecting any"
                )


def _other_elements(dataset: xr.Dataset) -> list[str]:
    names: list[str] = list(dict.fromkeys(dataset["element"].values.tolist()))
    others: list[str] = [name for name in names if name != "identity"]
    if not others:
        raise MeasureError(
            f"there is nothing to compare: each orbit has one run, got elements {', '.join(names) or 'none'}; select "
            "runs of more elements, or build a recipe with a symmetry group"
        )
    return others


def orbits(dataset: xr.Dataset) -> Iterator[tuple[float, int, dict[str, int]]]:
    """Yield each orbit's level, the position of its first run, and the positions of its other runs by element."""
    members: dict[tuple[float, int], dict[str, int]] = {}
    keys = zip(*(dataset[name].values.tolist() for name in ("level", "orbit", "element")), strict=True)
    for position, (level, orbit, element) in enumerate(keys):
        members.setdefault((level, orbit), {})[element] = position
    for (level, orbit), runs in members.items():
        if "identity" not in runs:
            raise MeasureError(
                f"level {level:g}, orbit {orbit}: its first run (identity) is missing, got {', '.join(runs)}; "
                "select whole orbits"
            )
        yield level, runs["identity"], {element: run for element, run in runs.items() if element != "identity"}


def _spelled(frames: slice | None) -> str:
    bounds = (frames.start, frames.stop) if frames is not None else (None, None)
    return ":".join("" if bound is None else str(bound) for bound in bounds)
