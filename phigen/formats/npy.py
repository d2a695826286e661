"""Plain numpy: a folder with one .npy per variable, (run, time, ...), a table of the runs, and the attributes.

Arrays are mapped into memory and written run by run, so that one run at a time is read.
"""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.formats.run_columns import columns
from phigen.progress import Progress

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

TABLE = "index.csv"
ATTRIBUTES = "attributes.json"


def write(dataset: xr.Dataset, path: Path, progress: Progress) -> None:
    """Write a dataset as numpy arrays.

    Parameters
    ----------
    dataset : Dataset
        Variables (run, time, ...).
    path : Path
        A new folder: NAME.npy for each variable and for each coordinate of time and space, `index.csv` with one row
        per run, and `attributes.json` with dims, units and the dataset's attributes.
    progress : callable
        Called with ``exporting``, the number of runs written, and the number of runs.
    """
    path.mkdir()
    _write_table(path / TABLE, dataset)
    _write_attributes(path / ATTRIBUTES, dataset)
    for name, coordinate in dataset.coords.items():
        if "run" not in coordinate.dims:
            np.save(path / f"{name}.npy", _without_objects(coordinate.values), allow_pickle=False)
    fields = {str(name): variable.transpose("run", ...) for name, variable in dataset.data_vars.items()}
    arrays = {name: _new_array(path / f"{name}.npy", field) for name, field in fields.items()}
    for run in range(dataset.sizes["run"]):
        for name, field in fields.items():
            arrays[name][run] = field.isel(run=run).values
        progress("exporting", run + 1, dataset.sizes["run"])


def _new_array(file: Path, field: xr.DataArray) -> NDArray[Any]:
    """Make a .npy file of a field's shape and dtype, and map it into memory."""
    array: NDArray[Any] = np.lib.format.open_memmap(file, mode="w+", dtype=field.dtype, shape=field.shape)
    with file.open("rb+") as handle:
        # A full disk is an error here; where a mapped page has no space on disk, the process is killed.
        os.posix_fallocate(handle.fileno(), 0, file.stat().st_size)
    return array


def _write_table(path: Path, dataset: xr.Dataset) -> None:
    table = {"run": np.arange(dataset.sizes["run"])} | columns(dataset)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def _write_attributes(path: Path, dataset: xr.Dataset) -> None:
    variables = {str(name): {"dims": list(v.dims), **v.attrs} for name, v in dataset.variables.items()}
    content = {"attributes": dataset.attrs, "variables": variables}
    path.write_text(json.dumps(content, indent=1, default=_for_json) + "\n", encoding="utf-8")


def _for_json(value: Any) -> Any:
    """Return numpy's numbers and arrays, which attributes of other stores may be, as JSON can hold them."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _without_objects(values: Any) -> Any:
    """Return an array whose text is of numpy's own type, which is saved without pickle."""
    return np.array(values.tolist()) if values.dtype.kind in "OT" else values
