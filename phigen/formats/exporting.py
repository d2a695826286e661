"""Export a dataset to another format, run by run; the result is whole or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import FormatError
from phigen.formats import netcdf, well
from phigen.formats import npy as arrays
from phigen.formats.targets import written
from phigen.formats.wang2022 import writer as wang2022
from phigen.hub import opening
from phigen.progress import Progress, silent

if TYPE_CHECKING:
    import xarray as xr

FORMATS: dict[str, Callable[[xr.Dataset, Path, Progress], None]] = {
    "wang2022": wang2022.write,
    "well": well.write,
    "npy": arrays.write,
    "netcdf": netcdf.write,
}


def export(
    dataset: xr.Dataset | str | Path,
    path: str | Path,
    *,
    format: str,
    progress: Progress = silent,
) -> Path:
    """Write a dataset in a format that other tools read; docs/formats.md shows how each is laid out and loaded.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As opened by `phigen.open`, or a selection of its runs and frames; or the path of a dataset.
    path : str or Path
        The folder to write, or the file for ``netcdf``; it must not exist yet.
    format : str
        ``wang2022``, torch tensors in the layout of the published sets; ``well``, The Well's HDF5; ``npy``, plain
        numpy; or ``netcdf``.
    progress : callable, optional
        Called with ``exporting``, the number of runs written, and the number of runs: first now, then after each.

    Returns
    -------
    Path
        The folder or file that was written.

    Raises
    ------
    FormatError
        If the format is unknown or cannot hold the dataset, or the path exists already or cannot be written.
    StoreError
        If there is no finished dataset at the path.
    """
    if format not in FORMATS:
        raise FormatError(f"format: unknown, got {format!r}; choose one of {', '.join(FORMATS)}")
    opened = opening.open(dataset) if isinstance(dataset, str | Path) else dataset
    lacking = [dim for dim in ("run", "time") if dim not in opened.dims]
    if lacking:
        raise FormatError(f"the dataset has no dim {lacking[0]}; select with a list or slice, which keeps it")
    path = Path(path).absolute()
    with written(path) as draft:
        progress("exporting", 0, opened.sizes["run"])
        FORMATS[format](opened, draft, progress)
    return path


def default_path(dataset: str, format: str) -> Path:
    """Return the path beside a dataset to which it is exported by default."""
    return opening.beside(dataset, ".nc" if format == "netcdf" else f"-{format}")
