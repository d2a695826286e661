"""A dataset in another format: whole or not there, run by run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import FormatError
from phigen.formats import netcdf, well
from phigen.formats import npy as arrays
from phigen.formats.drafts import whole
from phigen.formats.wang2022 import writer as wang2022
from phigen.hub import opening

if TYPE_CHECKING:
    import xarray as xr

FORMATS: dict[str, Callable[[xr.Dataset, Path, Callable[[int, int], None]], None]] = {
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
    progress: Callable[[str, int, int], None] | None = None,
) -> Path:
    """Write a dataset in a format that other tools read; docs/formats.md shows each, and how it is loaded.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As opened by `phigen.open`, or a selection of its runs and frames; or the path to open it by.
    path : str or Path
        Where to: a folder, or for ``netcdf`` a file, that is not there yet.
    format : str
        ``wang2022``, torch tensors in the layout of the published sets; ``well``, The Well's HDF5; ``npy``, plain
        numpy; or ``netcdf``.
    progress : callable, optional
        Called with ``exporting``, how many runs are written, and how many there are; now and after each.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    FormatError
        If the format is unknown or cannot hold the dataset, or the place is taken or cannot be written.
    StoreError
        If there is no finished dataset at the path.
    """
    if format not in FORMATS:
        raise FormatError(f"{format!r} is no format; choose one of {', '.join(FORMATS)}")
    opened = opening.open(dataset) if isinstance(dataset, str | Path) else dataset
    lacking = [dim for dim in ("run", "time") if dim not in opened.dims]
    if lacking:
        raise FormatError(f"the dataset has no dim {lacking[0]}; select with a list or slice, which keeps it")
    tell = progress or (lambda what, done, total: None)
    path = Path(path).absolute()
    with whole(path) as draft:
        tell("exporting", 0, opened.sizes["run"])
        FORMATS[format](opened, draft, lambda done, total: tell("exporting", done, total))
    return path


def default_path(dataset: str, format: str) -> Path:
    """Give where a dataset is exported to unless told otherwise: beside it."""
    return opening.beside(dataset, ".nc" if format == "netcdf" else f"-{format}")
