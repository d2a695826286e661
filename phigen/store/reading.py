"""A dataset on disk: one zarr v3 store that plain xarray opens, and a list of what must be in it.

The template comes first, whole or not at all; then each run brings one shard per variable, and when its data
are on disk an entry in the store's own list.  What the list lacks is still to be built.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr
import zarr

from phigen.errors import StoreError
from phigen.planning.plans import Calibration, Plan
from phigen.planning.runs import Run
from phigen.recipe.model import Recipe
from phigen.simulation import instruction_set
from phigen.simulation.variables import variables_of
from phigen.store import manifest, template, writing
from phigen.store.metadata import calibration_of, index_of, parameters_of, versions

READ_AHEAD = 4096
"""How many bytes are fetched beyond those that are asked for; the Hub's client would take 5 MB, several shards."""


@dataclass(frozen=True)
class Status:
    """How far a store is."""

    finished: bool
    runs: int
    done: int
    is_built: bool
    """From a recipe, not imported."""


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
        chunks=None)`` gives it, after a check that no file is missing or cut short; ``.chunk()`` makes dask arrays.
        Of a copy that holds only some runs, these.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's, or it is unfinished or damaged.
    """
    path = Path(path)
    state = status(path)
    if not state.finished:
        raise StoreError(
            f"{path}: is unfinished, {state.done} of {state.runs} runs are there; run the same build again to continue"
        )
    for file, size, found in manifest.misfits(path):
        got = "no file" if found is None else f"{found} bytes"
        remedy = (
            "run the same build, or download, again to mend it" if state.is_built else "delete it and import it again"
        )
        raise StoreError(f"{path}: {file} is damaged, got {got} for {size} bytes; {remedy}")
    runs = manifest.chosen(path)
    return peek(path) if runs is None else peek(path).isel(run=sorted(runs))


def peek(path: Path) -> xr.Dataset:
    """Open a dataset as it is, unchecked: in one that is unfinished, runs that are not there read as NaN."""
    with template.quiet(), zarr.config.set({"codec_pipeline.batch_size": template.CHUNKS_AT_ONCE}):
        dataset: xr.Dataset = xr.open_zarr(path, consolidated=manifest.is_finished(path), chunks=None)
    return dataset


def stream(url: str) -> xr.Dataset:
    """Open a published store where it is; values are fetched when they are needed."""
    with template.quiet():
        dataset: xr.Dataset = xr.open_zarr(
            url, consolidated=True, chunks=None, storage_options={"block_size": READ_AHEAD}
        )
    return dataset


def status(path: Path) -> Status:
    """Say how far a store is.

    Raises
    ------
    StoreError
        If there is no store of phigen's at the path.
    """
    attributes, done = _attributes(path), len(manifest.entries_held(path))
    return Status(manifest.is_finished(path), attributes["runs"], done, "recipe_sha256" in attributes)


def refuse_damaged(path: Path) -> None:
    """Check every bit of a finished store, or of what a copy shall hold, against the list.

    Raises
    ------
    StoreError
        If a file is missing or not as the list says.
    """
    for file, known in manifest.held(path):
        if not manifest.is_sound(path, {file: known}):
            raise StoreError(
                f"{path}: {file} is damaged, it is not as the list says; make the dataset again to mend it"
            )


def calibration(path: Path, plan: Plan) -> Calibration | None:
    """Give the calibration of a store that has been begun for a plan's recipe; none if there is no sound one.

    Raises
    ------
    StoreError
        If the path holds something else, or nothing can be built there: before time is spent on calibrating.
    """
    try:
        if not _is_taken(path.resolve()):
            _refuse_small_disk(path.resolve(), plan.bytes)
            return None
        _refuse_another(path, plan.recipe)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written, {error.strerror}; choose another place with --out") from error
    root = {file: known for file, known in manifest.files_of_no_run(path).items() if file == "zarr.json"}
    return calibration_of(_attributes(path)) if manifest.is_sound(path, root) else None


def _is_taken(path: Path) -> bool:
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def prepare(path: Path, plan: Plan) -> list[Run]:
    """Make the store's template, or check that what is there is this plan's, and give the runs still to build.

    Parameters
    ----------
    path : Path
        Where the store is, or will be.
    plan : Plan
        What it shall hold.

    Returns
    -------
    list of Run
        Those that are not in the store, or not as its list says; none if it is finished.

    Raises
    ------
    StoreError
        If the path holds something else or cannot be written, or the disk is too small for what is missing.
    """
    try:
        return _prepare(path.resolve(), plan)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written, {error.strerror}; choose another place with --out") from error


def _prepare(path: Path, plan: Plan) -> list[Run]:
    missing = list(plan.runs)
    if _is_taken(path):
        _refuse_another(path, plan.recipe)
        known = manifest.entries(path)
        missing = [run for run in plan.runs if not _is_there(path, run, known.get(run.index))]
        if not missing and manifest.is_finished(path) and manifest.is_sound(path, manifest.files_of_no_run(path)):
            manifest.tidy(path)
            manifest.choose(path, None)
            return []
        _refuse_other_versions(path)
    if path == Path.cwd():
        raise StoreError(f"{path}: is the folder that you are in; choose another place with --out")
    _refuse_small_disk(path, plan.bytes * len(missing) // len(plan.runs))
    template.lay(path, index_of(plan), variables_of(plan.recipe))
    return missing


def _is_there(path: Path, run: Run, entry: manifest.Entry | None) -> bool:
    """Whether a run's entry is of this very run, and every bit of its files is there."""
    if entry is None or not parameters_of(run).items() <= entry.parameters.items():
        return False
    return manifest.is_sound(path, entry.files)


def write(path: Path, run: Run, fields: xr.Dataset) -> None:
    """Write one run of a plan anew.

    Parameters
    ----------
    path : Path
        A prepared store.
    run : Run
        Which of its runs.
    fields : Dataset
        As simulated and turned, without the run dim.
    """
    training = slice(*_attributes(path).get("frames_train", (None, None)))
    writing.write(path, run.index, fields, parameters=parameters_of(run), training=training)


def finish(path: Path, plan: Plan) -> None:
    """Finish a store that has all runs of a plan."""
    lacking = {run.index for run in plan.runs} - manifest.entries(path).keys()
    if lacking:
        raise StoreError(f"{path}: lacks {len(lacking)} of {len(plan.runs)} runs; run the same build again")
    writing.seal(path, {"recipe_sha256": plan.recipe.digest})


def _attributes(path: Path) -> dict[str, Any]:
    try:
        attributes: dict[str, Any] = json.loads((path / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        _ = attributes["runs"], attributes["versions"]
    except FileNotFoundError:
        what = "is not a dataset of phigen's, there is no zarr.json in it" if path.exists() else "no such dataset"
        raise StoreError(f"{path}: {what}; build one with phigen build RECIPE") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{path}: is not a dataset of phigen's; build one with phigen build RECIPE") from None
    return attributes


def _refuse_another(path: Path, recipe: Recipe) -> None:
    try:
        attributes = _attributes(path)
    except StoreError:
        raise StoreError(
            f"{path}: holds something else than a dataset of phigen's; choose another place with --out"
        ) from None
    if "recipe_sha256" not in attributes:
        raise StoreError(f"{path}: was imported, not built from a recipe; choose another place with --out")
    if attributes["recipe_sha256"] != recipe.digest:
        raise StoreError(
            f"{path}: was built from another recipe (sha256 {attributes['recipe_sha256'][:12]}, this one is "
            f"{recipe.digest[:12]}); delete it to build anew, or choose another place with --out"
        )


def _refuse_other_versions(path: Path) -> None:
    attributes = _attributes(path)
    begun_for, now_for = attributes.get("instruction_set"), instruction_set.provenance()
    if begun_for != now_for:
        raise StoreError(
            f"{path}: was begun for the instruction set {begun_for} (now {now_for}), which gives other values; "
            f"continue with XLA_FLAGS as it was then, or delete it to build it again"
        )
    begun_with = attributes["versions"]
    if begun_with != versions():
        differing = [
            f"{name} {begun_with.get(name)} (now {now})"
            for name, now in versions().items()
            if begun_with.get(name) != now
        ]
        raise StoreError(
            f"{path}: was begun with {', '.join(differing)}; other versions give other bits: go on with those, "
            "or delete it to build anew"
        )


def _refuse_small_disk(path: Path, needed: int) -> None:
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    if not folder.is_dir():
        raise StoreError(f"{path}: cannot be made, {folder} is not a directory; choose another place with --out")
    if not os.access(folder, os.W_OK):
        raise StoreError(f"{path}: cannot be written, {folder} is read-only; choose another place with --out")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{path}: needs up to {needed / 1e6:,.1f} MB, got {free / 1e6:,.1f} MB free in {folder}; "
            "make room, keep fewer frames, or choose another place with --out"
        )
