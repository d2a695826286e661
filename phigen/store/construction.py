"""The store of a plan while it is built: what of it is there, and what is missing.

The template comes first, whole or not at all.  Then come the shards, each with a part of the manifest when its data are
on disk.  What the manifest lacks is still to be built.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from phigen.errors import StoreError
from phigen.simulation import instruction_set
from phigen.store import manifest, measured, parts, template
from phigen.store.fingerprints import are_intact
from phigen.store.layout import LAYOUT, attributes_of, stored_attributes, translated
from phigen.store.manifest import Manifest
from phigen.store.metadata import calibration_of, index_of, versions

if TYPE_CHECKING:
    from phigen.planning.plans import Calibration, Plan
    from phigen.recipe.model import Recipe


def begun(path: Path, plan: Plan) -> Manifest | None:
    """Return the manifest of what a path holds of a plan; None if there is nothing yet and the plan fits there.

    Parameters
    ----------
    path : Path
        Where the store is, or will be.
    plan : Plan
        Provisional or not.

    Raises
    ------
    StoreError
        If the path holds something else or cannot be written, or the disk is too small.
    """
    with understood(path):
        place = path.resolve()
        if place.exists() and not (place.is_dir() and not any(place.iterdir())):
            _refuse_another(place, plan.recipe)
            return manifest.load(place)
        _refuse_unsuitable(place, plan.bytes)
        return None


def calibration_in(known: Manifest) -> Calibration | None:
    """Return the calibration that a store holds; None if it holds none, or the file that holds it is damaged."""
    root = {file: listed for file, listed in known.files_of_no_shard.items() if file == "zarr.json"}
    if not are_intact(known.store, root):
        return None
    return calibration_of(attributes_of(known.store))


def prepare(path: Path, plan: Plan, *, known: Manifest | None) -> list[int]:
    """Write the store's template, unless the store is finished and every bit is right, and return the shards to build.

    Parameters
    ----------
    path : Path
        Where the store is, or will be.
    plan : Plan
        What it is to hold.
    known : Manifest or None
        From `begun`.

    Raises
    ------
    StoreError
        If the store was begun with other versions or cannot be written, or the disk is too small for what is missing.
    """
    with understood(path):
        place, every = path.resolve(), set(range(len(plan.shards)))
        there = set() if known is None else {shard for shard in every if _is_there(known, shard)}
        if known is not None:
            if there == every and known.finished and are_intact(place, known.files_of_no_shard):
                parts.remove(place)
                manifest.choose(place, None)
                return []
            _refuse_other_versions(place)
            _refuse_unsuitable(place, plan.bytes * len(every - there) // len(every))
        template.lay(
            place,
            index_of(plan),
            plan.fields,
            runs_per_shard=plan.runs_per_shard,
            errors=plan.has_errors,
            over=known is not None,
        )
        if known is not None and known.finished:
            there = _reopened(known, there)
        return sorted(every - there)


def _is_there(known: Manifest, shard: int) -> bool:
    return shard in known.shards and are_intact(known.store, known.shards[shard])


def _reopened(known: Manifest, there: set[int]) -> set[int]:
    """Turn a finished store into one that is being built, and return the shards that need not be built again.

    Each of them has a part again.  Shards whose rows in the small arrays are damaged are left out.
    """
    kept = measured.read(known, there)
    for shard, of_shard in kept.items():
        parts.add(known.store, shard, known.shards[shard], of_shard)
    manifest.reopen(known.store)
    return set(kept)


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """Turn an error of the file system into one line.

    Raises
    ------
    StoreError
        If writing fails in the block.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written, {error.strerror}; make room or choose another place with --out, then run the "
            "same build again"
        ) from error


def _refuse_another(path: Path, recipe: Recipe) -> None:
    try:
        stored = stored_attributes(path)
    except StoreError:
        raise StoreError(
            f"{path}: holds something other than a dataset of phigen's; choose another place with --out"
        ) from None
    attributes = translated(stored, str(path))
    if "recipe_sha256" not in attributes:
        raise StoreError(f"{path}: was imported, not built from a recipe; choose another place with --out")
    if attributes["layout"] != LAYOUT:
        raise StoreError(
            f"{path}: was built by an older phigen (layout {attributes['layout']}, now {LAYOUT}) and can be read, but "
            "not continued or repaired; delete it and run the same build again, or choose another place with --out"
        )
    if attributes["recipe_sha256"] != recipe.digest:
        raise StoreError(
            f"{path}: was built from another recipe (sha256 {attributes['recipe_sha256'][:12]}, this one is "
            f"{recipe.digest[:12]}); delete it and build again, or choose another place with --out"
        )


def _refuse_other_versions(path: Path) -> None:
    attributes, limit = attributes_of(path), instruction_set.provenance()
    if attributes["instruction_set"] != limit:
        raise StoreError(
            f"{path}: was begun for the instruction set {attributes['instruction_set']} (now {limit}), which gives "
            "other values; continue with XLA_FLAGS as it was, or delete it and build again"
        )
    begun_with, today = attributes["versions"], versions()
    differing = [
        f"{name} {begun_with.get(name)} (now {now})" for name, now in today.items() if begun_with.get(name) != now
    ]
    if begun_with != today:
        raise StoreError(
            f"{path}: was begun with {', '.join(differing)}; other versions give other values: continue with those, "
            "or delete it and build again"
        )


def _refuse_unsuitable(path: Path, needed: int) -> None:
    """Check that a store can be written at a path, and that the disk has as many bytes as it may need."""
    if path == Path.cwd():
        raise StoreError(f"{path}: is the current folder; choose another place with --out")
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not folder.is_dir():
        raise StoreError(f"{path}: cannot be made, {folder} is not a folder; choose another place with --out")
    if not os.access(folder, os.W_OK):
        raise StoreError(f"{path}: cannot be written, {folder} is read-only; choose another place with --out")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{path}: needs up to {needed / 1e6:,.1f} MB, got {free / 1e6:,.1f} MB free in {folder}; "
            "make room, keep fewer frames, or choose another place with --out"
        )
