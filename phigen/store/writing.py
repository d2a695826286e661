"""Runs into a store whose template is laid, from a simulation or from elsewhere, and the end of that.

When a run's data are on disk, it gets an entry in the store's own list.  A shard never holds two runs, for parallel
writers of one shard lose data without a word.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zarr

from phigen.store import manifest, template
from phigen.store.statistics import moments_of, statistics
from phigen.symmetry.fields import ALWAYS, DIMS, FIELDS

if TYPE_CHECKING:
    import xarray as xr


def variables(path: Path) -> list[str]:
    """Give the variables that a store has arrays for."""
    return [name for name in FIELDS if (path / name).is_dir()]


def write(path: Path, run: int, fields: xr.Dataset, *, parameters: Mapping[str, Any], training: slice) -> None:
    """Write one run anew: its data, then its entry in the list.

    Parameters
    ----------
    path : Path
        Of the store.
    run : int
        Its place in the dataset.
    fields : Dataset
        All variables of the store, without the run dim.
    parameters : mapping
        What the list tells of it, as JSON has it; ``split`` is among it.
    training : slice
        First and last frame that a run for training brings to the statistics.
    """
    names = variables(path)
    with zarr.config.set({"array.write_empty_chunks": True, "codec_pipeline.batch_size": template.CHUNKS_AT_ONCE}):
        for name in names:
            shutil.rmtree(path / name / "c" / str(run), ignore_errors=True)
            array = zarr.open_array(path / name, mode="r+", zarr_format=3)
            array[run] = fields[name].transpose(*DIMS, missing_dims="ignore").values
    files = [file for name in names for file in _files_of(path, name, run)]
    share = {}
    if parameters["split"] == "train":
        measured = fields[[name for name in names if name not in ALWAYS]]
        share = {"moments": moments_of(measured.sel(time=training))}
    manifest.add(path, run, {**parameters, **share}, files)


def seal(path: Path, about: Mapping[str, str]) -> None:
    """Store the statistics, gather the list into one file and the metadata for one read: the store is finished.

    Parameters
    ----------
    path : Path
        Of a store that has all its runs.
    about : mapping
        What the list says besides its files.
    """
    for partial in path.rglob("*.partial"):
        partial.unlink()
    shares = (entry.parameters.get("moments", {}) for _, entry in sorted(manifest.entries(path).items()))
    for name, attributes in statistics(shares).items():
        zarr.open_array(path / name, mode="r+", zarr_format=3).attrs.update(attributes)
    with template.quiet():
        zarr.consolidate_metadata(str(path))
    manifest.gather(path, about)


def _files_of(path: Path, name: str, run: int) -> Iterator[str]:
    folder = path / name / "c" / str(run)
    files = [folder] if folder.is_file() else sorted(file for file in folder.rglob("*") if file.is_file())
    return (file.relative_to(path).as_posix() for file in files if file.suffix != ".partial")
