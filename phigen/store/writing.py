"""Runs into a store whose template is written, from a simulation or from elsewhere, and the end of that.

When a run's data are on disk, it gets an entry in the manifest.  A shard never holds two runs, because parallel writers
of one shard lose data and raise no error.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.atomic import remove_drafts
from phigen.errors import StoreError
from phigen.store import manifest, template
from phigen.store.layout import attributes_of
from phigen.store.pipeline import fast_pipeline
from phigen.store.statistics import moments_of, statistics
from phigen.symmetry.fields import ALWAYS, DIMS, FIELDS

if TYPE_CHECKING:
    import xarray as xr


def variables(path: Path) -> list[str]:
    """Return the names of the variables that a store has arrays for."""
    return [name for name in FIELDS if (path / name).is_dir()]


def write(path: Path, run: int, fields: xr.Dataset, *, parameters: Mapping[str, Any], training: slice) -> None:
    """Write one run: its data, then its entry in the manifest.  What is there of it is replaced.

    Parameters
    ----------
    path : Path
        Of the store.
    run : int
        Its position in the dataset.
    fields : Dataset
        All variables of the store, without the run dim.
    parameters : mapping
        What the manifest holds of it, as JSON has it; ``split`` is one of them.
    training : slice
        First and last frame that enter the statistics, if the run is for training.
    """
    import zarr

    names = variables(path)
    with fast_pipeline(), zarr.config.set({"array.write_empty_chunks": True}):
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


def seal(path: Path) -> None:
    """Finish a store that has all its runs: store the statistics, consolidate the metadata, complete the manifest.

    A finished store is left as it is.

    Raises
    ------
    StoreError
        If it lacks a run.
    """
    import zarr

    if (path / manifest.LIST).is_file():
        return
    attributes, known = attributes_of(path), manifest.load(path)
    lacking = set(range(attributes["runs"])) - known.runs.keys()
    if lacking:
        raise StoreError(f"{path}: lacks {len(lacking)} of {attributes['runs']} runs; run the same build again")
    remove_drafts(path)
    for partial in path.rglob("*.partial"):
        partial.unlink()
    shares = (entry.parameters.get("moments", {}) for entry in known.runs.values())
    for name, its_statistics in statistics(shares).items():
        zarr.open_array(path / name, mode="r+", zarr_format=3).attrs.update(its_statistics)
    with template.quiet():
        zarr.consolidate_metadata(str(path))
    manifest.gather(known, {name: attributes[name] for name in ("recipe_sha256",) if name in attributes})


def _files_of(path: Path, name: str, run: int) -> Iterator[str]:
    folder = path / name / "c" / str(run)
    files = [folder] if folder.is_file() else sorted(file for file in folder.rglob("*") if file.is_file())
    return (file.relative_to(path).as_posix() for file in files if file.suffix != ".partial")
