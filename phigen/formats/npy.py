"""Plain numpy: a folder with one .npy a variable, (run, time, ...), a table of the runs, and the attributes.

Arrays are written run by run behind their header, which needs no more memory than one run.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from phigen.formats.run_columns import columns

if TYPE_CHECKING:
    import xarray as xr

TABLE = "index.csv"
ATTRIBUTES = "attributes.json"


def write(dataset: xr.Dataset, path: Path, tell: Callable[[int, int], None]) -> None:
    """Write a dataset as numpy arrays.

    Parameters
    ----------
    dataset : Dataset
        Variables (run, time, ...).
    path : Path
        A folder that is not there yet: NAME.npy for each variable and for each coordinate of time and space,
        `index.csv` with one row a run, and `attributes.json` with dims, units and the dataset's attributes.
    tell : callable
        Called with how many runs are written, and how many there are.
    """
    path.mkdir()
    _write_table(path / TABLE, dataset)
    _write_attributes(path / ATTRIBUTES, dataset)
    for name, coordinate in dataset.coords.items():
        if "run" not in coordinate.dims:
            np.save(path / f"{name}.npy", _plain(coordinate.values), allow_pickle=False)
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for name, variable in dataset.data_vars.items():
            files[str(name)] = stack.enter_context((path / f"{name}.npy").open("wb"))
            _write_header(files[str(name)], variable.transpose("run", ...))
        for run in range(dataset.sizes["run"]):
            for name, file in files.items():
                file.write(np.ascontiguousarray(dataset[name].isel(run=run).values).data)
            tell(run + 1, dataset.sizes["run"])


def _write_header(file: BinaryIO, variable: xr.DataArray) -> None:
    descr = np.lib.format.dtype_to_descr(variable.dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": variable.shape})


def _write_table(path: Path, dataset: xr.Dataset) -> None:
    table = {"run": np.arange(dataset.sizes["run"])} | columns(dataset)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))


def _write_attributes(path: Path, dataset: xr.Dataset) -> None:
    about = {str(name): {"dims": list(v.dims), **v.attrs} for name, v in dataset.variables.items()}
    told = {"attributes": dataset.attrs, "variables": about}
    path.write_text(json.dumps(told, indent=1, default=_listed) + "\n", encoding="utf-8")


def _listed(value: Any) -> Any:
    """Give what JSON has for numpy's numbers and arrays, which attributes of other stores may be."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _plain(values: Any) -> Any:
    """Give words as numpy's own, which need no pickle."""
    return np.array(values.tolist()) if values.dtype.kind in "OT" else values
