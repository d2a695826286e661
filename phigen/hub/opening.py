"""Opening a dataset, wherever it is: built or copied on this machine, or streamed from the Hub."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import HubError, UnreachableError
from phigen.hub import repository as hub
from phigen.hub.copies import cached, newest_cached
from phigen.hub.file_list import LIST
from phigen.hub.reference import SCHEME, STORE, Reference
from phigen.hub.refusals import explained
from phigen.hub.versions import resolve
from phigen.store import manifest
from phigen.store import reading as store
from phigen.store.manifest import Manifest

if TYPE_CHECKING:
    import xarray as xr


def open(path: str | Path) -> xr.Dataset:
    """Open a finished dataset; values are read when they are needed.

    Parameters
    ----------
    path : str or Path
        Of the store, such as ``datasets/rotation_eq10.zarr``; of the folder that `phigen.download` made; or
        ``hf://datasets/OWNER/NAME@v1.0.0``, which is streamed from the Hub unless its cache holds a complete copy.
        Without a version it is the newest one, and a warning says which.

    Returns
    -------
    Dataset
        Variables with dims (run, time, ...), float32; docs/datasets.md lists them.  It is what
        ``xr.open_zarr(path, chunks=None)`` returns, after a check that no file is missing or cut short; ``.chunk()``
        makes dask arrays.  Of a copy that holds only some runs, it has these.

    Raises
    ------
    StoreError
        If there is no phigen dataset, or it is unfinished or damaged.
    HubError
        If there is no such dataset or version on the Hub, or it cannot be reached.
    """
    return _opened(_found(path, callers=1))


def open_with_errors(path: str | Path) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Open a finished dataset, and what was measured of each run when it was built, None if nothing was.

    Parameters
    ----------
    path : str or Path
        As for `open`.

    Returns
    -------
    Dataset, Dataset or None
        What `open` returns, and what `phigen.measurement.data_error.measure_runs` returns for it.
    """
    where = _found(path, callers=2)
    dataset = _opened(where)
    with _explained(where):
        return dataset, store.open_errors(dataset, where)


def beside(path: str, suffix: str) -> Path:
    """Return a path for what is made from a dataset: beside it, or in the working directory if it is on the Hub."""
    if path.startswith(SCHEME):
        return Path(Reference.parse(path).repository.partition("/")[2] + suffix)
    whole = Path(path).resolve()
    return whole.with_name((whole.name if located(path) != Path(path) else whole.stem) + suffix)


def located(path: str | Path) -> Path:
    """Return the path of a store on this machine: in a folder that was downloaded, that of the store inside.

    Raises
    ------
    HubError
        If it is on the Hub.
    """
    if str(path).startswith(SCHEME):
        raise HubError(f"{path}: is not on this machine; run phigen download {Reference.parse(str(path))} first")
    path = Path(path)
    return path / STORE if (path / LIST).is_file() else path


def _opened(where: Manifest | str) -> xr.Dataset:
    with _explained(where):
        return store.stream(where) if isinstance(where, str) else store.open_listed(where)


def _explained(where: Manifest | str) -> AbstractContextManager[None]:
    return explained(Reference.parse(where)) if isinstance(where, str) else nullcontext()


def _found(path: str | Path, *, callers: int) -> Manifest | str:
    """Return the manifest of a dataset on this machine, or the URL of one that is streamed from the Hub.

    A warning points at the line that called the last of the `callers`, phigen's own functions above this one.
    """
    if not str(path).startswith(SCHEME):
        return store.finished(located(path))
    asked = Reference.parse(str(path))
    if asked.version is not None and (copy := _complete_copy(asked)):
        return copy
    wanted = _resolved(asked)
    if asked.version is None:
        named = f"{asked}: no version was named, this is {wanted.tag}; name it to stay with it"
        warnings.warn(named, stacklevel=callers + 2)
        if copy := _complete_copy(wanted):
            return copy
    hub.refuse_unreadable(wanted, f"{STORE}/zarr.json")
    return wanted.url


def _resolved(wanted: Reference) -> Reference:
    """Find the version on the Hub; if it cannot be reached, the newest one in the cache if that is complete."""
    try:
        return resolve(wanted)[0]
    except UnreachableError:
        newest = newest_cached(wanted.repository) if wanted.version is None else None
        if newest is None or not _complete_copy(newest):
            raise
        return newest


def _complete_copy(wanted: Reference) -> Manifest | None:
    """Load the manifest of a version in the cache; return None if the cache does not hold all of it."""
    known = manifest.load(cached(wanted) / STORE)
    return known if known.is_complete_copy() else None
