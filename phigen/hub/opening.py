"""Opening a dataset, wherever it is: built or copied on this machine, or streamed from the Hub."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import HubError, UnreachableError
from phigen.hub import repository as hub
from phigen.hub.downloading import cached, newest_cached
from phigen.hub.reference import LIST, SCHEME, STORE, Reference
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
        ``hf://datasets/OWNER/NAME@v1.0.0``, which is streamed from the Hub unless a whole copy is in its cache.
        Without a version it is the newest one, and a warning says which.

    Returns
    -------
    Dataset
        Variables with dims (run, time, ...), float32; docs/datasets.md lists them.  As ``xr.open_zarr(path,
        chunks=None)`` gives it, after a check that no file is missing or cut short; ``.chunk()`` makes dask arrays.
        Of a copy that holds only some runs, these.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's, or it is unfinished or damaged.
    HubError
        If there is no such dataset or version on the Hub, or it cannot be reached.
    """
    if str(path).startswith(SCHEME):
        return _published(Reference.parse(str(path)))
    return store.open(located(path))


def beside(path: str, suffix: str) -> Path:
    """Give a name for what is made of a dataset: beside it, or here if it is on the Hub."""
    if path.startswith(SCHEME):
        return Path(Reference.parse(path).repository.partition("/")[2] + suffix)
    whole = Path(path).resolve()
    return whole.with_name((whole.name if located(path) != Path(path) else whole.stem) + suffix)


def located(path: str | Path) -> Path:
    """Give where a store on this machine is: of a folder that was downloaded, in it.

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
    """Open a published version: the copy in the cache if it is whole, or else from the Hub."""
    wanted, commit = asked, None
    if asked.version is None or not _is_whole(cached(asked)):
        wanted, commit = _resolved(asked)
    if asked.version is None:
        warnings.warn(f"{asked}: no version was named, this is {wanted.tag}; name it to stay with it", stacklevel=3)
    folder = cached(wanted)
    if commit is None or _is_whole(folder):
        return store.open(folder / STORE)
    hub.refuse_unreadable(wanted, commit, f"{STORE}/zarr.json")
    with hub.understood(wanted):
        return store.stream(wanted.url)


def _resolved(wanted: Reference) -> tuple[Reference, str | None]:
    """Find the version on the Hub, and its commit; if that cannot be reached, the newest whole one in the cache."""
    try:
        return hub.resolve(wanted)
    except UnreachableError:
        here = newest_cached(wanted.repository) if wanted.version is None else None
        if here is None or not _is_whole(cached(here)):
            raise
        return here, None


def _is_whole(folder: Path) -> bool:
    """Whether a copy holds all runs."""
    path = folder / STORE
    return manifest.is_finished(path) and manifest.chosen(path) is None and not any(manifest.misfits(path))
