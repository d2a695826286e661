"""Opening a dataset, wherever it is: built or copied on this machine, or streamed from the Hub."""

from __future__ import annotations

import warnings
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
    if str(path).startswith(SCHEME):
        return _published(Reference.parse(str(path)))
    return store.open(located(path))


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


def _published(asked: Reference) -> xr.Dataset:
    """Open a published version: from the cache if it holds a complete copy, otherwise from the Hub."""
    if asked.version is not None and _is_complete(asked):
        return store.open(cached(asked) / STORE)
    wanted, commit = _resolved(asked)
    if asked.version is None:
        warnings.warn(f"{asked}: no version was named, this is {wanted.tag}; name it to stay with it", stacklevel=3)
    if commit is None or (asked.version is None and _is_complete(wanted)):
        return store.open(cached(wanted) / STORE)
    hub.refuse_unreadable(wanted, commit, f"{STORE}/zarr.json")
    with explained(wanted):
        return store.stream(wanted.url)


def _resolved(wanted: Reference) -> tuple[Reference, str | None]:
    """Find the version on the Hub and its commit; offline, the newest version in the cache if complete, and None."""
    try:
        return resolve(wanted)
    except UnreachableError:
        here = newest_cached(wanted.repository) if wanted.version is None else None
        if here is None or not _is_complete(here):
            raise
        return here, None


def _is_complete(wanted: Reference) -> bool:
    """Whether the cache holds a version with all its runs."""
    return manifest.load(cached(wanted) / STORE).is_complete_copy()
