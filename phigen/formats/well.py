"""The Well's HDF5, as its own `WellDataset` loads it: x before y, one file per level and split.

    data/train/NAME.hdf5                  training runs, their training frames
    data/valid/NAME.hdf5                  validation runs
    data/test/NAME.hdf5                   test runs
    data/{valid,test}/NAME_future.hdf5    the training runs' other frames, where frames are split
    stats.yaml                            mean, std and rms of the training part, and of its one-step differences

Each of several levels has its own file, NAME_level_3.hdf5, because The Well's loader selects files by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import FormatError
from phigen.formats.run_columns import columns
from phigen.progress import Progress

if TYPE_CHECKING:
    import xarray as xr

SCALAR_FIELDS = ("smoke", "pressure")
VECTOR_FIELDS = ("velocity",)
_FOLDERS = {"train": "train", "validation": "valid", "test": "test"}
_SIDES = {"closed": "WALL", "open": "OPEN", "periodic": "PERIODIC"}
_STATISTICS = ("mean", "std", "rms", "mean_delta", "std_delta", "rms_delta")


@dataclass(frozen=True)
class _File:
    """A file to write: some frames of some runs of one level."""

    name: str
    runs: tuple[int, ...]
    frames: slice
    level: float


def write(dataset: xr.Dataset, path: Path, progress: Progress) -> None:
    """Write a dataset as The Well's HDF5.

    Parameters
    ----------
    dataset : Dataset
        With smoke, velocity or pressure in cell centres.
    path : Path
        A new folder.
    progress : callable
        Called with ``exporting``, the number of runs written, and the number of runs.  Where frames are split, some
        runs are in two files.

    Raises
    ------
    FormatError
        If the dataset has no field in cell centres, or its boundary conditions are not known.

    References
    ----------
    Ohana et al., The Well: a Large-Scale Collection of Diverse Physics Simulations for Machine Learning, NeurIPS 2024,
    arXiv:2412.00568; the layout is that of the-well 1.2.0.
    """
    import h5py

    _refuse_unsuitable(dataset)
    files, done = list(_files(dataset)), 0
    total = sum(len(planned.runs) for planned in files)
    for planned in files:
        target = path / "data" / planned.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(target, "w") as file:
            chosen = dataset.isel(run=list(planned.runs)).sel(time=planned.frames)
            fields = _lay_out(file, chosen, planned.level)
            for position, run in enumerate(planned.runs):
                for name, array in fields.items():
                    # Load before transposing: xarray reads a transposed selection cell by cell.
                    values = dataset[name].isel(run=run).sel(time=planned.frames).load()
                    array[position] = values.transpose("time", "x", "y", ...).values
                done += 1
                progress("exporting", done * dataset.sizes["run"] // total, dataset.sizes["run"])
    _write_statistics(path / "stats.yaml", dataset)


def _refuse_unsuitable(dataset: xr.Dataset) -> None:
    if not any(name in dataset for name in SCALAR_FIELDS + VECTOR_FIELDS):
        raise FormatError(
            f"well: holds fields in cell centres, got {', '.join(map(str, dataset)) or 'no field'}; "
            "build it with store: [smoke, velocity]"
        )
    boundaries = dataset.attrs.get("boundaries", ())
    if len(boundaries) != 4 or not set(boundaries) <= set(_SIDES):
        raise FormatError(
            f"well: needs the boundary condition of each side, got {', '.join(boundaries) or 'none'}; set the "
            f"attribute boundaries, for left, right, lower and upper, each one of {', '.join(_SIDES)}"
        )


def _files(dataset: xr.Dataset) -> Iterator[_File]:
    """Yield the files of a dataset: by split, and in each by level."""
    name, levels = dataset.attrs.get("name", "phigen"), np.unique(dataset["level"].values).tolist()
    frames_of = {split: slice(*dataset.attrs.get(f"frames_{split}", (None,))) for split in _FOLDERS}
    parts = [("train", "train", frames_of["train"], "")]
    for split in ("validation", "test"):
        parts.append((split, split, slice(None), ""))
        if f"frames_{split}" in dataset.attrs:
            parts.append((split, "train", frames_of[split], "_future"))
    for split, split_of_runs, frames, suffix in parts:
        for level in levels:
            chosen = (dataset["split"].values == split_of_runs) & (dataset["level"].values == level)
            runs = tuple(np.flatnonzero(chosen).tolist())
            if runs and dataset["time"].sel(time=frames).size:
                stem = f"{name}_level_{level:g}" if len(levels) > 1 else name
                yield _File(f"{_FOLDERS[split]}/{stem}{suffix}.hdf5", runs, frames, level)


def _lay_out(file: Any, chosen: xr.Dataset, level: float) -> dict[str, Any]:
    """Write everything in a file but its fields, and return those, still empty."""
    steps = {name: chosen.attrs[name] for name in ("dt_smoke", "dt_velocity") if name in chosen.attrs}
    constants = {"level": level} | steps
    file.attrs.update(
        dataset_name=chosen.attrs.get("name", "phigen"),
        grid_type="cartesian",
        n_spatial_dims=2,
        n_trajectories=chosen.sizes["run"],
        **constants,
    )
    _name(file, "simulation_parameters", list(constants))
    _write_dimensions(file, chosen)
    _write_boundaries(file, chosen)
    _write_scalars(file, chosen)
    return _fields(file, chosen)


def _write_dimensions(file: Any, chosen: xr.Dataset) -> None:
    group = file.create_group("dimensions")
    _name(group, "spatial_dims", ["x", "y"])
    for name in ("time", "x", "y"):
        array = group.create_dataset(name, data=chosen[name].values.astype(np.float32))
        array.attrs.update(sample_varying=False, time_varying=False)


def _write_boundaries(file: Any, chosen: xr.Dataset) -> None:
    """Write a group for each boundary condition along an axis, with a mask that is true at the ends that have it."""
    boundaries = list(chosen.attrs["boundaries"])
    group = file.create_group("boundary_conditions")
    for axis, sides in (("x", boundaries[:2]), ("y", boundaries[2:])):
        for kind in dict.fromkeys(sides):
            condition = group.create_group(f"{axis}_{_SIDES[kind].lower()}")
            condition.attrs.update(bc_type=_SIDES[kind], sample_varying=False, time_varying=False)
            _name(condition, "associated_dims", [axis])
            _name(condition, "associated_fields", [name for name in SCALAR_FIELDS + VECTOR_FIELDS if name in chosen])
            mask = np.zeros(chosen.sizes[axis], bool)
            mask[[0, -1]] = [side == kind for side in sides]
            condition.create_dataset("mask", data=mask)


def _write_scalars(file: Any, chosen: xr.Dataset) -> None:
    """Write the numbers of each run and the applied buoyancy as scalars, and text and orbits as other information."""
    table = columns(chosen)
    scalars = {name: values for name, values in table.items() if values.dtype.kind in "fiu" and name != "orbit"}
    varying = {}
    if "buoyancy" in chosen:
        applied = chosen["buoyancy"].transpose("run", "time", ..., "component").values
        regions = range(applied.shape[2]) if applied.ndim == 4 else ()
        ends = [f"{axis}_{i}" for i in regions for axis in "xy"] or ["x", "y"]
        flat = applied.reshape(*applied.shape[:2], -1)
        varying = {f"buoyancy_{end}": flat[..., i] for i, end in enumerate(ends)}
    group = file.create_group("scalars")
    _name(group, "field_names", [*scalars, *varying])
    for name, values in (scalars | varying).items():
        array = group.create_dataset(name, data=values.astype(np.float32))
        array.attrs.update(sample_varying=True, time_varying=name in varying)
    others = file.create_group("additional_information")
    for name in table.keys() - scalars.keys():
        is_text = table[name].dtype.kind in "OUT"
        others.create_dataset(name, data=table[name].astype(object) if is_text else table[name])


def _fields(file: Any, chosen: xr.Dataset) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    shape = tuple(chosen.sizes[dim] for dim in ("run", "time", "x", "y"))
    for order, known in enumerate((SCALAR_FIELDS, VECTOR_FIELDS, ())):
        group = file.create_group(f"t{order}_fields")
        names = [name for name in known if name in chosen]
        _name(group, "field_names", names)
        for name in names:
            fields[name] = group.create_dataset(name, shape=shape + (2,) * order, dtype=np.float32)
            fields[name].attrs.update(dim_varying=[True, True], sample_varying=True, time_varying=True)
    return fields


def _name(group: Any, attribute: str, names: Sequence[str]) -> None:
    """Write names as HDF5 strings; an empty list has this type as well."""
    import h5py

    group.attrs.create(attribute, np.array(names, dtype=object), dtype=h5py.string_dtype())


def _write_statistics(path: Path, dataset: xr.Dataset) -> None:
    """Write the statistics in the variables' attributes; where there are none, the file lists none."""
    from ruamel.yaml import YAML

    fields = [name for name in SCALAR_FIELDS + VECTOR_FIELDS if name in dataset]
    table = {
        statistic: {name: dataset[name].attrs[statistic] for name in fields if statistic in dataset[name].attrs}
        for statistic in _STATISTICS
    }
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # as PyYAML reads it, which takes 1e-05 without a point for text
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(table, file)
