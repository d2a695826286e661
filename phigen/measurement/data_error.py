"""The data equivariance error: how far the runs of an orbit are from one another in a common frame.

For a scene's first run u_e and its run u_g made by the group element g, with angle brackets for the mean over
cells and components (and then frames, the orbits that have the element, and elements),

    mae        = <|u_e - g^-1 u_g|>                 (Wang et al. 2022, arXiv:2201.11969)
    l2         = sqrt <|u_e - g^-1 u_g|^2>
    relative   = <|u_e - g^-1 u_g|> / <|u_e|>
    resampling = <|u_e - g^-1 g u_e|>               what of mae is interpolation

Zero means that every bit agrees.  Turns, mirrors and shifts by whole cells lose nothing, and their resampling is
zero.  Where walls cut a shift, the mean is over the cells that both runs have; where adopted data have no values, over
those that have one in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.symmetry.element import Box, GroupElement, Pair
from phigen.symmetry.fields import STORED_AS
from phigen.symmetry.groups import element_named

if TYPE_CHECKING:
    import xarray as xr

VALUES_AT_ONCE = 4_000_000
"""Cells times frames that are in memory at a time, so that memory does not grow with the dataset."""


def measure(dataset: xr.Dataset, *, frames: slice | None = None) -> xr.Dataset:
    """Measure the data equivariance error of each level, variable and element, over time.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`, or a selection of its runs; read piece by piece.
    frames : slice, optional
        Which of the stored frames, by position, as in ``slice(10, -1)``; all if left out.

    Returns
    -------
    Dataset
        With dims (level, variable, element, time), float64, for the elements but the first: ``mae``; ``square``,
        the mean squared difference; ``magnitude``, the mean absolute value of the first run's field; and
        ``resampling``, the error that taking the first run there and back makes; each the mean over orbits.  Of
        adopted data also ``compared``, the part of the values that have a partner.  `summarize` makes totals of them.

    Raises
    ------
    MeasureError
        If no orbit of the dataset has two runs, no frame is chosen, the fields are not those of the whole box, or two
        runs have no value in common.
    """
    return average(measure_runs(dataset, frames=frames))


def measure_runs(dataset: xr.Dataset, *, frames: slice | None = None) -> xr.Dataset:
    """Measure how far each run is from the first one of its orbit, over time.

    Parameters
    ----------
    dataset : Dataset
        As for `measure`.
    frames : slice, optional
        As for `measure`.

    Returns
    -------
    Dataset
        With dims (run, variable, time), float64, and the coordinates level, orbit and element of `run`: what
        `measure` gives, before orbits are averaged.  NaN for the first run of an orbit, which the others are
        compared with.

    Raises
    ------
    MeasureError
        As `measure` does.
    """
    import xarray as xr

    _refuse_partial(dataset)
    elements = {name: element_named(name, dataset.attrs) for name in _other_elements(dataset)}
    dataset = dataset.isel(time=frames) if frames is not None else dataset
    if not dataset.sizes["time"]:
        raise MeasureError(f"frames: none of the frames is in {_spelled(frames)}; choose some that are")
    variables = _variables(dataset)
    shape = (dataset.sizes["run"], len(variables), dataset.sizes["time"])
    gaps = dataset.attrs.get("missing_values") == "left out"
    names = ("mae", "square", "magnitude", "resampling", *(["compared"] if gaps else []))
    means = {name: np.full(shape, np.nan) for name in names}
    box = Box.of(dataset.attrs)
    for _, first, rest in orbits(dataset):
        for v, parts in enumerate(variables.values()):
            for window, differences in _compare(
                dataset[list(parts)], first, {run: elements[name] for name, run in rest.items()}, box=box, gaps=gaps
            ):
                for run, of_run in differences.items():
                    for name, mean in of_run.items():
                        means[name][run, v, window] = mean
    if gaps and (means["compared"].max(axis=-1) == 0).any():
        raise MeasureError("two runs have no value in common: where one has values, the other's are missing")
    return xr.Dataset(
        {name: (("run", "variable", "time"), values) for name, values in means.items()},
        coords={name: ("run", dataset[name].values) for name in ("level", "orbit", "element")}
        | {"variable": list(variables), "time": dataset["time"].values},
    )


def average(errors: xr.Dataset) -> xr.Dataset:
    """Average over orbits, which makes what `measure` gives of what `measure_runs` gives."""
    import xarray as xr

    levels, others = np.unique(errors["level"].values), _other_elements(errors)
    shape = (len(levels), errors.sizes["variable"], len(others), errors.sizes["time"])
    sums = {name: np.zeros(shape) for name in errors}
    counts = np.zeros((len(levels), 1, len(others), 1))
    for level, _, rest in orbits(errors):
        at = int(np.searchsorted(levels, level))
        for element, run in rest.items():
            counts[at, :, others.index(element)] += 1
            for name, total in sums.items():
                total[at, :, others.index(element)] += errors[name].values[run]
    dims = ("level", "variable", "element", "time")
    with np.errstate(invalid="ignore"):
        means = {name: (dims, total / counts) for name, total in sums.items()}
    return xr.Dataset(
        means, coords={"level": levels, "variable": errors["variable"], "element": others, "time": errors["time"]}
    )


def summarize(errors: xr.Dataset) -> xr.Dataset:
    """Total what `measure` gives, over elements and frames.

    Parameters
    ----------
    errors : Dataset
        From `measure`.

    Returns
    -------
    Dataset
        ``mae``, ``l2``, ``relative`` and ``resampling`` (level, variable), and ``mae_by_element`` (level, variable,
        element);
        ``relative`` is infinite where the first run does not move and another does.
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
    """Give what is measured, by the name that its owner knows it by."""
    return {
        dataset[parts[0]].attrs.get("original_name", name): parts
        for name, parts in STORED_AS.items()
        if all(part in dataset for part in parts)
    }


def _refuse_partial(dataset: xr.Dataset) -> None:
    """Refuse what cannot be turned back: parts of the box turn about another centre."""
    lacking = [dim for dim in ("run", "time") if dim not in dataset.dims]
    if lacking:
        raise MeasureError(f"the dataset has no dim {lacking[0]}; select with a list or slice, which keeps it")
    if not any(all(part in dataset for part in parts) for parts in STORED_AS.values()):
        raise MeasureError(f"the dataset has no field to measure, got {', '.join(map(str, dataset)) or 'nothing'}")
    for dim, cells in zip(("x", "y"), dataset.attrs.get("cells", ()), strict=False):
        if dim in dataset.coords and float(dataset[dim][0] + dataset[dim][-1]) != cells:
            raise MeasureError(f"the fields are not those of the whole box along {dim}; measure before selecting cells")


def _other_elements(dataset: xr.Dataset) -> list[str]:
    names: list[str] = list(dict.fromkeys(dataset["element"].values.tolist()))
    others: list[str] = [name for name in names if name != "identity"]
    if not others:
        raise MeasureError(
            f"the dataset has one run an orbit, got only {', '.join(names) or 'no'} elements; there is nothing to "
            "compare: choose runs of more elements, or a recipe with a symmetry group"
        )
    return others


def orbits(dataset: xr.Dataset) -> Iterator[tuple[float, int, dict[str, int]]]:
    """Give each orbit's level, the position of its first run and those of the others by element."""
    members: dict[tuple[float, int], dict[str, int]] = {}
    keys = zip(*(dataset[name].values.tolist() for name in ("level", "orbit", "element")), strict=True)
    for position, (level, orbit, element) in enumerate(keys):
        members.setdefault((level, orbit), {})[element] = position
    for (level, orbit), runs in members.items():
        if "identity" not in runs:
            raise MeasureError(
                f"level {level:g}, orbit {orbit} lacks its first run (identity), got {', '.join(runs)}; "
                "choose whole orbits"
            )
        yield level, runs["identity"], {element: run for element, run in runs.items() if element != "identity"}


def _compare(
    fields: xr.Dataset, first: int, rest: Mapping[int, GroupElement], *, box: Box, gaps: bool
) -> Iterator[tuple[slice, dict[int, dict[str, np.ndarray]]]]:
    """Give, window by window of frames, what each of the other runs differs from the first by."""
    cells = max(int(np.prod(field.shape[2:])) for field in fields.values())
    length = max(1, VALUES_AT_ONCE // cells)
    for start in range(0, fields.sizes["time"], length):
        window = slice(start, start + length)
        reference = fields.isel(run=first, time=window).load()
        differences = {}
        for run, g in rest.items():
            there = fields.isel(run=run, time=window).load()
            resampling = g.resampling(reference, box)
            pairs = g.to_reference(reference, there, box)
            differences[run] = (_means_of_shared(pairs) if gaps else _means(pairs)) | {
                "resampling": _means(resampling)["mae"] if resampling else np.zeros(reference.sizes["time"])
            }
        yield window, differences


def _means(pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    """Give the three means over all cells and components of all parts, for each frame."""
    pairs = [(one.astype(np.float64), other) for one, other in pairs]
    frames = len(pairs[0][0])
    size = sum(one.size for one, _ in pairs) / frames

    def mean(parts: list[np.ndarray]) -> np.ndarray:
        total: np.ndarray = sum(part.reshape(frames, -1).sum(axis=1) for part in parts) / size
        return total

    return {
        "mae": mean([np.abs(one - other) for one, other in pairs]),
        "square": mean([(one - other) ** 2 for one, other in pairs]),
        "magnitude": mean([np.abs(one) for one, _ in pairs]),
    }


def _means_of_shared(pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    """Give the three means over the values that both of a pair have, NaN where none has, and the part that they are."""
    shared = [~(np.isnan(one) | np.isnan(other)) for one, other in pairs]
    filled = [
        (np.where(both, one, 0), np.where(both, other, 0)) for both, (one, other) in zip(shared, pairs, strict=True)
    ]
    compared: np.ndarray = _means([(both, both) for both in shared])["magnitude"]
    with np.errstate(invalid="ignore"):
        return {name: mean / compared for name, mean in _means(filled).items()} | {"compared": compared}


def _spelled(frames: slice | None) -> str:
    bounds = (frames.start, frames.stop) if frames is not None else (None, None)
    return ":".join("" if bound is None else str(bound) for bound in bounds)
