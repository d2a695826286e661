"""Files that phigen did not write: netCDF and zarr, opened by xarray unchanged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.errors import FormatError

if TYPE_CHECKING:
    import xarray as xr


def is_foreign(path: Path) -> bool:
    """Check whether there is a file, or a zarr store that phigen did not write."""
    if path.is_file():
        return True
    try:
        return not {"runs", "versions"} <= _metadata(path).get("attributes", {}).keys()
    except FileNotFoundError:
        return (path / ".zgroup").is_file()
    except (OSError, ValueError, KeyError, TypeError):
        return False


def read(path: Path) -> xr.Dataset:
    """Open a netCDF file or a zarr store without decoding times; values are read when they are needed.

    Raises
    ------
    FormatError
        If it is neither, or is damaged.
    """
    import xarray as xr

    try:
        if path.is_dir():
            is_zarr3 = (path / "zarr.json").is_file()
            gathered = _metadata(path).get("consolidated_metadata") if is_zarr3 else (path / ".zmetadata").is_file()
            dataset: xr.Dataset = xr.open_zarr(path, consolidated=bool(gathered), chunks=None, decode_times=False)
        else:
            dataset = xr.open_dataset(path, **_reader(path), decode_times=False, cache=False)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, IndexError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise FormatError(f"{path}: cannot be read, {reason}; name a dataset of phigen's, netCDF or zarr") from error
    dataset.attrs.setdefault("title", path.name)
    return dataset


def _reader(path: Path) -> dict[str, Any]:
    """Return the options with which xarray reads a file, by its first bytes; its name may say anything."""
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] in (b"CDF\x01", b"CDF\x02"):
        return {"engine": "scipy"}
    if start != b"\x89HDF\r\n\x1a\n":
        raise ValueError("it is neither netCDF nor zarr")
    return {"engine": "h5netcdf", "phony_dims": "sort"}


def _metadata(path: Path) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads((path / "zarr.json").read_text(encoding="utf-8"))
    return metadata
