"""What a build has measured is, to the last digit, what is measured of its stored fields."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.errors import MeasureError, StoreError
from phigen.measurement import data_error
from phigen.recipe.loading import parse
from phigen.store import manifest
from tests.shared.hub.server import HubServer
from tests.shared.recipes import SMALL, TWO_ORBITS
from tests.shared.requests import PublishOnce, RunsPerShard

ALONE = SMALL[: SMALL.index("symmetry:")]

RECIPES = {
    "point group": TWO_ORBITS.replace("[8, 3]", "[6, 3]")
    .replace("group: C4", "group: D4")
    .replace("0.03]", "0.03, 0.04, 0.05, 0.06, 0.07]"),
    "regions": ALONE.replace("  buoyancy:", "  regions: [{x: [0, 8]}, {x: [8, 16], factor: 2}]\n  buoyancy:")
    + "symmetry: {group: C4, regions: stay}\nstore: [smoke, velocity, faces, pressure]\n",
    "lab": ALONE + "symmetry: {group: C4, reference_frame: lab}\n",
    "parts of a cell": ALONE.replace("cells: 16", "cells: 16, boundary: periodic")
    + "symmetry: {group: translation, non_integer: resample, shifts: [[0, 0], [0.5, 0], [3.25, 1.5]]}\n"
    + "store: [smoke, velocity, faces]\n",
    "walls": ALONE.replace("[8, 3]", "[5, 3]") + "symmetry: {group: translation, shifts: {x: [0, 4], y: [0, 2]}}\n",
    "resampled": ALONE + "symmetry: {group: scaling, factors: [1, 1.5, 2], scaling_method: resampled}\n",
    "rescaled": ALONE + "symmetry: {group: scaling, factors: [1, 2], scaling_method: rescaled}\n",
}


EXACT = ("lab", "rescaled")
"""Recipes whose runs agree in every bit."""


@pytest.fixture
def no_field_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the fields are measured again")

    monkeypatch.setattr(data_error, "measure_runs", refuse)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_path_gives_what_the_dataset_gives(tmp_path: Path, set_runs_per_shard: RunsPerShard, name: str) -> None:
    set_runs_per_shard(3)
    path = build(parse(RECIPES[name]), tmp_path / "s.zarr", workers=1).path
    dataset = phigen.open(path)
    stored = phigen.measure(path)
    assert not stored["mae"].isnull().any()
    assert bool(stored["mae"].any()) == (name not in EXACT)
    xr.testing.assert_identical(stored, phigen.measure(dataset))
    xr.testing.assert_identical(stored, phigen.measure(dataset.load()))
    frames = slice(1, -1)
    xr.testing.assert_identical(phigen.measure(path, frames=frames), phigen.measure(dataset, frames=frames))


def test_a_copy_of_some_runs_gives_what_its_dataset_gives(sharded: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(sharded, tmp_path / "s.zarr"))
    manifest.choose(path, [*range(4, 8), *range(12, 16)])
    for shard in (0, 3):
        shutil.rmtree(path / "velocity" / "c" / str(shard))
    stored = phigen.measure(path)
    xr.testing.assert_identical(stored, phigen.measure(phigen.open(path)))
    assert stored["level"].values.tolist() == [0, 1]
    whole = phigen.open(sharded)
    xr.testing.assert_identical(stored, phigen.measure(whole.isel(run=whole["orbit"] == 1)))


@pytest.mark.usefixtures("no_field_is_read")
def test_no_field_is_read_for_a_path(sharded: Path) -> None:
    assert phigen.measure(str(sharded)).sizes == {"level": 2, "variable": 2, "element": 3, "time": 5}


def test_a_dataset_in_memory_is_always_measured(sharded: Path) -> None:
    """Its owner may have changed it."""
    dataset = phigen.open(sharded).load()
    dataset["smoke"] = dataset["smoke"] * 2
    doubled, stored = phigen.measure(dataset)["mae"], phigen.measure(sharded)["mae"]
    xr.testing.assert_allclose(doubled.sel(variable="smoke"), 2 * stored.sel(variable="smoke"))
    xr.testing.assert_identical(doubled.sel(variable="velocity"), stored.sel(variable="velocity"))


def test_a_published_version_gives_the_same_and_fetches_no_field(
    publish_once: PublishOnce, sharded: Path, hub_server: HubServer
) -> None:
    reference = publish_once(sharded)
    xr.testing.assert_identical(phigen.measure(f"hf://datasets/{reference}"), phigen.measure(sharded))
    fetched = [request.path for request in hub_server.requests]
    assert fetched
    assert not [path for path in fetched if "velocity/c/" in path or "smoke/c/" in path]


@pytest.mark.parametrize(
    ("frames", "message"), [(slice(9, 9), "no stored frame is chosen, got 9:9"), (slice(5, None), "got 5:")]
)
def test_frames_that_do_not_exist_are_refused_as_for_a_dataset(sharded: Path, frames: slice, message: str) -> None:
    for dataset in (sharded, phigen.open(sharded)):
        with pytest.raises(MeasureError, match=message):
            phigen.measure(dataset, frames=frames)


def test_a_store_whose_orbits_have_one_run_is_refused_as_its_dataset_is(tmp_path: Path) -> None:
    path = build(parse(ALONE), tmp_path / "s.zarr", workers=1).path
    for dataset in (path, phigen.open(path)):
        with pytest.raises(MeasureError, match="nothing to compare: each orbit has one run"):
            phigen.measure(dataset)


@pytest.mark.parametrize("dataset", ["nowhere.zarr", Path("nowhere.zarr")])
def test_a_path_without_a_dataset_is_one_line(dataset: Any) -> None:
    with pytest.raises(StoreError, match=r"nowhere\.zarr: no such dataset"):
        phigen.measure(dataset)


def test_a_copy_without_first_runs_is_refused_as_its_dataset_is(sharded: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(sharded, tmp_path / "s.zarr"))
    manifest.choose(path, [1, 2, 5, 6])
    for measured in (path, phigen.open(path)):
        with pytest.raises(MeasureError, match=r"its first run \(identity\) is missing, got rotate90, rotate180"):
            phigen.measure(measured)


def test_a_damaged_error_is_one_line(sharded: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(sharded, tmp_path / "s.zarr"))
    chunk = path / "measured" / "mae" / "c" / "0" / "0" / "0"
    flipped = bytearray(chunk.read_bytes())
    flipped[20] ^= 1
    chunk.write_bytes(flipped)
    with pytest.raises(StoreError, match=r"s\.zarr: group measured is damaged, .*; run the same build, or download"):
        phigen.measure(path)
