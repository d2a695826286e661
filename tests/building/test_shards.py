"""A worker makes whole shards, measures them while they are in memory, and keeps no result longer than it needs it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.building import shards
from phigen.building.shards import Store, make_shards
from phigen.building.tasks import Task, made_by
from phigen.measurement.data_error import measure_runs
from phigen.planning.plans import plan
from phigen.planning.runs import Run
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store import measured, parts
from phigen.store import reading as store
from phigen.store.statistics import moments_of
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import RunsPerShard
from tests.shared.stores import prepared, write_shards


def test_what_is_measured_of_each_run_is_what_its_stored_fields_give(sharded: Path) -> None:
    dataset = store.open(sharded)
    group = xr.open_zarr(sharded, group=measured.GROUP, chunks=None)
    errors = measure_runs(dataset)
    for name in measured.ERRORS:
        np.testing.assert_array_equal(group[name], errors[name])
    assert group["variable"].values.tolist() == errors["variable"].values.tolist()
    assert group["time"].values.tolist() == errors["time"].values.tolist()
    for run, split in enumerate(dataset["split"].values):
        moments = moments_of({name: dataset[name].isel(run=run).values for name in ("smoke", "velocity")})
        expected = moments if split == "train" else np.full_like(moments, np.nan)
        np.testing.assert_array_equal(group["moments"].isel(run=run), expected)


def test_every_row_of_what_is_measured_is_labelled(sharded: Path) -> None:
    """Plain xarray opens it, without a warning."""
    group = xr.open_zarr(sharded, group=measured.GROUP)
    assert dict(group.sizes) == {"run": 16, "variable": 2, "time": 5, "channel": 3, "kind": 2, "moment": 3}
    assert group["channel"].values.tolist() == ["smoke", "velocity x", "velocity y"]
    assert all(array.attrs["long_name"] for array in group.values())


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many results of earlier simulations are in memory when another one begins, for each."""
    counts: list[int] = []
    results: list[weakref.ref[object]] = []
    real = shards.simulated

    def watched(store: Store, run: Run) -> xr.Dataset:
        gc.collect()
        counts.append(sum(result() is not None for result in results))
        made = real(store, run)
        results.append(weakref.ref(made["velocity"].data))
        return made

    monkeypatch.setattr(shards, "simulated", watched)
    return counts


def test_a_result_is_dropped_after_its_last_use(
    small: Recipe, tmp_path: Path, set_runs_per_shard: RunsPerShard, alive: list[int]
) -> None:
    """Eight runs of four simulations: beside the first run of the orbit, only the last run is still in memory."""
    set_runs_per_shard(8)
    planned = plan(small)
    prepared(tmp_path / "s.zarr", planned)
    write_shards(tmp_path / "s.zarr", planned, [0])
    assert len(alive) == 4
    assert max(alive) <= 2


def test_what_is_handed_to_a_task_is_not_made_again(
    tmp_path: Path, set_runs_per_shard: RunsPerShard, simulated: list[object]
) -> None:
    set_runs_per_shard(3)
    path, planned = tmp_path / "s.zarr", plan(parse(TWO_ORBITS))
    prepared(path, planned)
    own, made = Store.of(path, planned, parts.claim(path)), made_by(planned, Task((1,), ()))
    written = make_shards(own, made, {})
    needed = {number for one in made[1] for number in one.needs}
    assert len(simulated) == len(needed)
    shard, rows = (path / "velocity/c/1/0/0/0/0").read_bytes(), parts.rows(path, 1)
    made_from = {int(number): run for number, run in zip(planned.simulations, planned.runs, strict=True)}
    handed = {number: shards.simulated(own, made_from[number]) for number in needed}
    simulated.clear()
    assert make_shards(own, made, handed) == written == 3
    assert simulated == []
    assert (path / "velocity/c/1/0/0/0/0").read_bytes() == shard
    again = parts.rows(path, 1)
    assert all(np.array_equal(rows[name], again[name], equal_nan=True) for name in rows)
