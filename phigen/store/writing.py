"""Shards into a store whose template is written, from simulations or from elsewhere, and the end of that.

A shard of a field holds consecutive runs, and is made and written whole by one writer: parallel writers of one shard
lose data and raise no error.  When a shard's data are on disk, it gets a part of the manifest.  Everything small is
written once, at the end.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phigen.atomic import remove_drafts
from phigen.errors import StoreError
from phigen.store import manifest, measured, parts
from phigen.store.fingerprints import fingerprint
from phigen.store.layout import attributes_of
from phigen.store.parts import Rows
from phigen.store.pipeline import fast_pipeline, quiet
from phigen.store.statistics import statistics
from phigen.symmetry.fields import FIELDS

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray


def write_shard(path: Path, shard: int, fields: Mapping[str, NDArray[Any]], measured_of: Rows, *, claim: str) -> None:
    """Write one shard of every field, and then its part of the manifest.  What is there of it is replaced.

    Parameters
    ----------
    path : Path
        Of the store.
    shard : int
        Its place in the dataset.
    fields : mapping of str to array
        Every field of the store that is in shards, (run, time, ...): all runs of the shard.
    measured_of : mapping of str to array
        What was measured of these runs, (run, ...), for every small array of the store.
    claim : str
        From `phigen.store.parts.claim`, of the build that this belongs to.

    Raises
    ------
    StoreError
        If that build has ended, or another has begun.
    """
    import zarr

    parts.refuse_without(claim, path)
    with fast_pipeline(), zarr.config.set({"array.write_empty_chunks": True}):
        arrays = {name: zarr.open_array(path / name, mode="r+", zarr_format=3) for name in fields}
    for name, values in fields.items():
        shutil.rmtree(path / name / "c" / str(shard), ignore_errors=True)
        array = arrays[name]
        first = shard * (array.shards or array.chunks)[0]
        array[first : first + len(values)] = values
    files = dict(_fingerprints(path, fields, shard))
    parts.refuse_without(claim, path)
    parts.add(path, shard, files, measured_of)


def _fingerprints(path: Path, fields: Mapping[str, Any], shard: int) -> Iterator[tuple[str, tuple[int, str]]]:
    for name in fields:
        for file in sorted((path / name / "c" / str(shard)).rglob("*")):
            if file.is_file() and file.suffix != ".partial":
                yield file.relative_to(path).as_posix(), fingerprint(file)


def seal(path: Path) -> None:
    """Finish a store that has all its shards: write its small arrays, its statistics and metadata, and the manifest.

    A finished store is left as it is.

    Raises
    ------
    StoreError
        If it lacks a run.
    """
    import zarr

    if (path / manifest.LIST).is_file():
        parts.remove(path)
        return
    attributes, known = attributes_of(path), manifest.load(path)
    lacking = known.runs - len(known.held_runs)
    if lacking:
        raise StoreError(f"{path}: lacks {lacking} of {known.runs} runs; run the same build again")
    remove_drafts(path)
    for partial in path.rglob("*.partial"):
        partial.unlink()
    measured.write(known)
    root = zarr.open_group(path, mode="r+", use_consolidated=False)
    for name, its_statistics in _statistics(root).items():
        root[name].attrs.update(its_statistics)
    with quiet():
        zarr.consolidate_metadata(str(path))
    manifest.finish(known, {name: attributes[name] for name in ("recipe_sha256",) if name in attributes})


def _statistics(root: zarr.Group) -> dict[str, dict[str, float | list[float]]]:
    fields = [name for name in FIELDS if name in root]
    moments: Any = root[f"{measured.GROUP}/{measured.MOMENTS}"]
    return statistics(moments[:], measured.channels(fields))
