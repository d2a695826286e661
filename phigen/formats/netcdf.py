"""One netCDF-4 file, as plain `xarray.open_dataset(path, engine="h5netcdf")` or any netCDF tool opens it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

FRAMES_PER_CHUNK = 10
"""As in the store, so that a window is read alike."""


def write(dataset: xr.Dataset, path: Path, tell: Callable[[int, int], None]) -> None:
    """Write a dataset as netCDF-4, compressed without loss.

    Parameters
    ----------
    dataset : Dataset
        Variables (run, time, ...).
    path : Path
        A file that is not there yet.
    tell : callable
        Called with how many runs are written, and how many there are.
    """
    lazy = dataset.drop_encoding().chunk({"run": 1})
    blocks = 0

    def told(block: Any) -> Any:
        nonlocal blocks
        blocks += 1
        tell(blocks // len(dataset.data_vars), dataset.sizes["run"])
        return block

    for name, variable in lazy.data_vars.items():
        lazy[name] = variable.copy(data=variable.data.map_blocks(told, dtype=variable.dtype, meta=variable.data._meta))
        lazy[name].attrs = _held(variable.attrs)
    lazy.attrs = _held(dataset.attrs)
    encoding = {str(name): _encoding(variable) for name, variable in dataset.data_vars.items()}
    # one after the other, so that one run is in memory
    lazy.to_netcdf(path, engine="h5netcdf", encoding=encoding, compute=False).compute(scheduler="synchronous")


def _encoding(variable: xr.DataArray) -> dict[str, Any]:
    most = {"run": 1, "time": FRAMES_PER_CHUNK}
    chunks = tuple(min(size, most.get(str(dim), size)) for dim, size in variable.sizes.items())
    return {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": chunks, "_FillValue": None}


def _held(attributes: dict[Any, Any]) -> dict[Any, Any]:
    """Give attributes that netCDF can hold: words, numbers and flat lists of one of them; others as JSON."""
    return {name: value if _is_held(value) else json.dumps(value) for name, value in attributes.items()}


def _is_held(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and any(all(type(item) is kind for item in value) for kind in (str, int, float))
    return isinstance(value, str | int | float | np.ndarray | np.generic) and not isinstance(value, bool)
