"""One netCDF-4 file, which `xarray.open_dataset(path, engine="h5netcdf")` and any netCDF tool can open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.progress import Progress

if TYPE_CHECKING:
    import xarray as xr

FRAMES_PER_CHUNK = 10
"""As in the store, so that reading a window costs the same."""


def write(dataset: xr.Dataset, path: Path, progress: Progress) -> None:
    """Write a dataset as netCDF-4, with lossless compression.

    Parameters
    ----------
    dataset : Dataset
        Variables (run, time, ...).
    path : Path
        A new file.
    progress : callable
        Called with ``exporting``, the number of runs written, and the number of runs.
    """
    lazy = dataset.drop_encoding().chunk({"run": 1})
    blocks = 0

    def counted(block: Any) -> Any:
        nonlocal blocks
        blocks += 1
        progress("exporting", blocks // len(dataset.data_vars), dataset.sizes["run"])
        return block

    for name, variable in lazy.data_vars.items():
        blocks_of = variable.data.map_blocks(counted, dtype=variable.dtype, meta=variable.data._meta)
        lazy[name] = variable.copy(data=blocks_of)
        lazy[name].attrs = _for_netcdf(variable.attrs)
    lazy.attrs = _for_netcdf(dataset.attrs)
    encoding = {str(name): _encoding(variable) for name, variable in dataset.data_vars.items()}
    # Block by block, so that one run is in memory.
    lazy.to_netcdf(path, engine="h5netcdf", encoding=encoding, compute=False).compute(scheduler="synchronous")


def _encoding(variable: xr.DataArray) -> dict[str, Any]:
    most = {"run": 1, "time": FRAMES_PER_CHUNK}
    chunks = tuple(min(size, most.get(str(dim), size)) for dim, size in variable.sizes.items())
    return {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": chunks, "_FillValue": None}


def _for_netcdf(attributes: dict[Any, Any]) -> dict[Any, Any]:
    """Return attributes that netCDF can hold: text, numbers and lists of one of these; all others become JSON."""
    return {
        name: value if _is_for_netcdf(value) else json.dumps(value, default=str) for name, value in attributes.items()
    }


def _is_for_netcdf(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and any(all(type(item) is kind for item in value) for kind in (str, int, float))
    return isinstance(value, str | int | float | np.ndarray | np.generic) and not isinstance(value, bool)
