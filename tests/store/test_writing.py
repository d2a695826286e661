"""What is written is what was simulated, in whole shards, and a store is finished once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.building.shards import Store, make_shards
from phigen.building.tasks import Task, made_by
from phigen.errors import StoreError
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.store import manifest, parts, writing
from phigen.store import reading as store
from phigen.symmetry.actions import act
from tests.shared.files import files_of
from tests.shared.recipes import SMALL
from tests.shared.requests import RunsPerShard
from tests.shared.stores import prepared, write_shards


def test_what_is_read_is_what_was_simulated(eq10: Path) -> None:
    run = plan(load("rotation_eq10")).runs[39]
    stored = store.open(eq10).isel(run=39)
    expected = act(simulate(run.simulation), run.after)
    for name in ("smoke", "velocity", "buoyancy", "divergence", "courant"):
        np.testing.assert_array_equal(stored[name].values, expected[name].values)
    force = stored["buoyancy"].values
    assert (force[:, 0] == run.strength).all()
    assert not force[:, 1].any()


def test_faces_and_pressure_are_stored_where_the_recipe_asks(tmp_path: Path) -> None:
    recipe = parse(SMALL + "store: [faces, pressure]\n")
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert dataset["velocity_x"].dims == ("run", "time", "y", "x_face")
    assert dataset["velocity_y"].shape == (8, 5, 17, 16)
    assert dataset["pressure"].dims == ("run", "time", "y", "x")
    assert not {"smoke", "velocity"} & set(dataset)
    x, y = dataset["velocity_x"].values.astype(float), dataset["velocity_y"].values.astype(float)
    assert np.abs(np.diff(x, axis=-1) + np.diff(y, axis=-2)).max() < 1e-6


def test_a_still_flow_is_stored_too(tmp_path: Path) -> None:
    """zarr leaves out chunks that hold only their fill value, unless a setting of it says otherwise."""
    recipe = parse(SMALL.replace("strength: 0.1", "strength: 0").replace("levels: [0, 1]", "levels: [0]"))
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert (dataset["velocity"].values == 0).all()


def test_every_run_is_one_shard_per_variable(eq10: Path) -> None:
    for name in ("smoke", "velocity"):
        assert len([file for file in (eq10 / name / "c").rglob("*") if file.is_file()]) == 40


@pytest.mark.parametrize("number", [2, 3, 4, 8, 20])
def test_the_values_do_not_depend_on_how_many_runs_a_shard_holds(
    small: Recipe, tmp_path: Path, set_runs_per_shard: RunsPerShard, number: int
) -> None:
    one = store.open(build(small, tmp_path / "one.zarr", workers=1).path).load()
    set_runs_per_shard(number)
    several = build(small, tmp_path / "several.zarr", workers=1).path
    shards = [file for file in (several / "velocity" / "c").rglob("*") if file.is_file()]
    assert len(shards) == -(-8 // number)
    dataset = store.open(several).load()
    assert dataset.attrs["runs_per_shard"] == number
    xr.testing.assert_identical(dataset.assign_attrs(runs_per_shard=1), one)


def test_a_store_that_lacks_a_run_is_not_declared_finished(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    write_shards(path, planned, range(7))
    with pytest.raises(StoreError, match="lacks 1 of 8 runs"):
        writing.seal(path)
    assert not manifest.load(path).finished


def test_a_task_that_outlives_its_build_writes_nothing(small: Recipe, tmp_path: Path) -> None:
    """As on a scheduler that was running before, when the build was interrupted and another has begun or ended."""
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    outlived = Store.of(path, planned, parts.claim(path))
    made = made_by(planned, Task((3,), ()))
    parts.claim(path)
    with pytest.raises(
        StoreError, match=r"s\.zarr: the build that this task belongs to has ended; nothing was written"
    ):
        make_shards(outlived, made, {})
    assert not list((path / "smoke").rglob("c/3/**/0"))
    write_shards(path, planned, range(8))
    writing.seal(path)
    before = files_of(path)
    with pytest.raises(StoreError, match="has ended"):
        make_shards(outlived, made, {})
    assert files_of(path) == before
