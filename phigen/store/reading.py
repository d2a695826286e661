"""Opening a store, checked, on this machine or streamed from where it was published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.errors import StoreError
from phigen.store import manifest, measured
from phigen.store.layout import LAYOUT, attributes_of, translated
from phigen.store.manifest import Manifest
from phigen.store.pipeline import fast_pipeline, quiet

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

READ_AHEAD = 4096
"""How many bytes are fetched beyond those that are asked for; the Hub's client would take 5 MB, several shards."""

_REMOTE: dict[str, Any] = {"storage_options": {"block_size": READ_AHEAD}}


def open(path: str | Path) -> xr.Dataset:
    """Open a finished dataset; values are read when they are needed.

    Parameters
    ----------
    path : str or Path
        Of the store, such as ``datasets/rotation_eq10.zarr``.

    Returns
    -------
    Dataset
        Variables with dims (run, time, ...), float32; docs/datasets.md lists them.  As ``xr.open_zarr(path,
        chunks=None)`` returns it, after a check that no file is missing or cut short; ``.chunk()`` makes dask arrays.
        A copy that holds only some runs opens with these.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's, or it is unfinished, damaged, or written by a newer phigen.
    """
    return open_listed(finished(path))


def finished(path: str | Path) -> Manifest:
    """Load the manifest of a store; what is wrong with it is found when it is opened.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's, or its manifest is damaged.
    """
    path = Path(path)
    attributes_of(path)
    return manifest.load(path)


def open_listed(known: Manifest) -> xr.Dataset:
    """Open the finished dataset of a manifest that is loaded already; see `open`."""
    import xarray as xr

    refuse_unfinished(known)
    refuse_missing_files(known)
    with quiet(), fast_pipeline():
        dataset: xr.Dataset = xr.open_zarr(known.store, consolidated=True, chunks=None)
    dataset = _with_todays_names(dataset, str(known.store))
    return dataset if known.chosen is None else dataset.isel(run=sorted(known.chosen))


def open_errors(dataset: xr.Dataset, where: Manifest | str) -> xr.Dataset | None:
    """Open what was measured of each run when a dataset was built.

    Parameters
    ----------
    dataset : Dataset
        As `open_listed` or `stream` returns it.
    where : Manifest or str
        What it was opened from: a finished store on this machine, or a URL.

    Returns
    -------
    Dataset or None
        What `phigen.measurement.data_error.measure_runs` returns, of the same runs; None if nothing was measured: there
        was nothing to compare, or the dataset was imported or built by an older phigen.
    """
    import xarray as xr

    if dataset.attrs["layout"] < LAYOUT:
        return None
    place, options = (where, _REMOTE) if isinstance(where, str) else (where.store, {})
    with quiet():
        group = xr.open_zarr(place, group=measured.GROUP, consolidated=False, chunks=None, **options)
    if not set(measured.ERRORS) <= set(group):
        return None
    try:
        errors: xr.Dataset = group[list(measured.ERRORS)].drop_attrs().load()
    except ValueError as error:
        raise StoreError(
            f"{place}: group {measured.GROUP} is damaged, {error}; run the same build, or download, again to repair it"
        ) from error
    if isinstance(where, Manifest) and where.chosen is not None:
        errors = errors.isel(run=sorted(where.chosen))
    of_runs = {name: ("run", dataset[name].values) for name in ("level", "orbit", "element")}
    return errors.assign_coords(of_runs | {"variable": errors["variable"].values.tolist()})


def column(known: Manifest, name: str) -> NDArray[Any]:
    """Read a coordinate of the runs from a finished store, of all runs of the dataset."""
    import zarr

    with quiet():
        array: Any = zarr.open_array(known.store / name, mode="r", zarr_format=3)
    return np.asarray(array[:])


def stream(url: str) -> xr.Dataset:
    """Open a published store where it is; values are fetched when they are needed."""
    import xarray as xr

    with quiet():
        dataset: xr.Dataset = xr.open_zarr(url, consolidated=True, chunks=None, **_REMOTE)
    return _with_todays_names(dataset, url)


def _with_todays_names(dataset: xr.Dataset, where: str) -> xr.Dataset:
    dataset.attrs = translated(dataset.attrs, where)
    return dataset


def refuse_unfinished(known: Manifest) -> None:
    """Check that a store is finished.

    Raises
    ------
    StoreError
        If it is not.
    """
    if not known.finished:
        if attributes_of(known.store)["layout"] < LAYOUT:
            raise StoreError(
                f"{known.store}: is unfinished, and was begun by an older phigen, which alone can continue it; delete "
                "it and build again"
            )
        raise StoreError(
            f"{known.store}: is unfinished, {len(known.held_runs)} of {known.runs} runs are there; "
            "run the same build again to continue"
        )


def refuse_missing_files(known: Manifest) -> None:
    """Check that each file of a finished store is there and has the right size.

    Raises
    ------
    StoreError
        If one is not.
    """
    for file, size, found in known.damages():
        got = "no file" if found is None else f"{found} bytes"
        remedy = (
            "delete it and import it again"
            if known.recipe_digest is None
            else "run the same build, or download, again to repair it"
        )
        raise StoreError(f"{known.store}: {file} is damaged, got {got}, expected {size} bytes; {remedy}")


def refuse_corrupted(known: Manifest) -> None:
    """Check every bit of a finished store, or of what a partial copy holds.

    Raises
    ------
    StoreError
        If a file is missing or has a wrong bit.
    """
    for file in known.corrupted():
        raise StoreError(
            f"{known.store}: {file} is damaged, its sha256 is not the one in {manifest.LIST}; build or download the "
            "dataset again to repair it"
        )
