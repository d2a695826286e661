"""The work of a build: the same bytes however it is done, every simulation once, and only what is missing."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xarray as xr

from phigen.building import shards, work
from phigen.building.builder import build
from phigen.building.work import Work
from phigen.errors import SimulationError, StoreError
from phigen.planning.plans import Plan, plan
from phigen.planning.runs import Run, Simulation
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store import manifest, parts, writing
from phigen.store import reading as store
from tests.shared.files import files_of
from tests.shared.recipes import TWO_ORBITS
from tests.shared.requests import RunsPerShard
from tests.shared.stores import prepared

if TYPE_CHECKING:
    from distributed import Client


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    """Sixteen runs of two levels and two orbits."""
    return parse(TWO_ORBITS)


@pytest.fixture
def in_threes(recipe: Recipe, set_runs_per_shard: RunsPerShard) -> Plan:
    """Their plan in shards of three, which lie across orbits and levels; the last holds one."""
    set_runs_per_shard(3)
    return plan(recipe)


@pytest.fixture
def threads() -> Iterator[Client]:
    """A dask cluster of two threads of this process, so that a test sees what they do."""
    from distributed import Client, LocalCluster

    free = {"dashboard_address": "127.0.0.1:0"}  # of the scheduler's server: any port, for tests that run side by side
    with (
        LocalCluster(
            processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None, scheduler_kwargs=free
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_as_none_with_several_runs_a_shard(
    in_threes: Plan, recipe: Recipe, sharded: Path, tmp_path: Path
) -> None:
    assert build(recipe, tmp_path / "two.zarr", workers=2).written == 16
    assert files_of(tmp_path / "two.zarr") == files_of(sharded)


@pytest.mark.parametrize("number", [1, 2, 3, 16])
def test_every_simulation_is_made_once_here(
    recipe: Recipe, tmp_path: Path, set_runs_per_shard: RunsPerShard, simulated: list[Simulation], number: int
) -> None:
    set_runs_per_shard(number)
    build(recipe, tmp_path / "s.zarr", workers=1)
    assert len(simulated) == len(set(simulated)) == len(plan(recipe).distinct)


@pytest.mark.parametrize("number", [1, 3])
def test_every_simulation_is_made_once_on_a_cluster(
    threads: Client,
    recipe: Recipe,
    tmp_path: Path,
    set_runs_per_shard: RunsPerShard,
    simulated: list[Simulation],
    number: int,
) -> None:
    set_runs_per_shard(number)
    path, planned = tmp_path / "s.zarr", plan(recipe)
    whole = Work(path, planned, prepared(path, planned))
    assert sum(whole.on_cluster(threads)) == 16
    assert len(simulated) == len(set(simulated)) == len(planned.distinct)
    writing.seal(path)
    assert files_of(path) == files_of(build(recipe, tmp_path / "here.zarr", workers=1).path)


def test_few_tasks_wait_on_a_cluster_at_a_time(
    threads: Client, recipe: Recipe, tmp_path: Path, set_runs_per_shard: RunsPerShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_runs_per_shard(2)
    monkeypatch.setattr(work, "TASKS_A_WORKER", 1)
    submitted: list[object] = []
    submit = threads.submit

    def counted(function: object, *arguments: object, **options: object) -> object:
        submitted.extend([function] if function is work.make_shards else [])
        return submit(function, *arguments, **options)

    monkeypatch.setattr(threads, "submit", counted)
    path, planned = tmp_path / "s.zarr", plan(recipe)
    counts = [len(submitted) for _ in Work(path, planned, prepared(path, planned)).on_cluster(threads)]
    assert counts == [3, 4, 5, 6, 7, 8, 8, 8]


def test_nothing_is_kept_when_all_tasks_are_done(
    in_threes: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulation that several tasks need is kept while one of them is still to be done."""
    results: list[weakref.ref[object]] = []

    def watched(real: Callable[..., xr.Dataset]) -> Callable[..., xr.Dataset]:
        def simulated(store: shards.Store, run: Run) -> xr.Dataset:
            made = real(store, run)
            results.append(weakref.ref(made["velocity"].data))
            return made

        return simulated

    def alive() -> int:
        gc.collect()
        return sum(result() is not None for result in results)

    for module in (work, shards):
        monkeypatch.setattr(module, "simulated", watched(module.simulated))
    path = tmp_path / "s.zarr"
    whole = Work(path, in_threes, prepared(path, in_threes))
    counts = [alive() for _ in whole.here()]
    assert len(results) == len(in_threes.distinct)
    assert max(counts) < len(results)
    assert alive() == 0


def stop_at_the_fourth(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that does the same, but is interrupted when it is called for the fourth time."""
    calls: list[object] = []

    def stopping(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        call(*arguments)

    return stopping


@pytest.mark.parametrize(("module", "name"), [(writing, "write_shard"), (parts, "add")])
def test_a_build_that_is_interrupted_between_or_within_shards_continues_by_shard(
    in_threes: Plan,
    recipe: Recipe,
    sharded: Path,
    tmp_path: Path,
    simulated: list[Simulation],
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    name: str,
) -> None:
    path = tmp_path / "s.zarr"
    with monkeypatch.context() as patched:
        patched.setattr(module, name, stop_at_the_fourth(getattr(module, name)))
        with pytest.raises(KeyboardInterrupt):
            build(recipe, path, workers=1)
    known = manifest.load(path)
    assert (list(known.shards), len(known.held_runs), known.finished) == ([0, 1, 2], 9, False)
    before = {file: file.stat().st_mtime_ns for file in _shards(path, range(3))}
    simulated.clear()
    assert build(recipe, path, workers=1).written == 7
    assert set(simulated) == {in_threes.runs[run].simulation for run in (*range(9, 16), 8)}
    assert {file: file.stat().st_mtime_ns for file in _shards(path, range(3))} == before
    assert files_of(path) == files_of(sharded)


def _shards(path: Path, numbers: range) -> list[Path]:
    return [path / "velocity" / "c" / str(number) / "0/0/0/0" for number in numbers]


@pytest.mark.parametrize("damage", ["deleted", "flipped", "cut", "whole folder"])
def test_only_a_damaged_shard_is_made_again_and_only_what_it_needs_is_simulated(
    in_threes: Plan, recipe: Recipe, sharded: Path, tmp_path: Path, simulated: list[Simulation], damage: str
) -> None:
    path = Path(shutil.copytree(sharded, tmp_path / "s.zarr"))
    before, (shard,) = files_of(path), _shards(path, range(3, 4))
    bits = bytearray(shard.read_bytes())
    if damage == "deleted":
        shard.unlink()
    elif damage == "whole folder":
        shutil.rmtree(path / "smoke" / "c" / "3")
    else:
        bits[len(bits) // 3] ^= 1
        shard.write_bytes(bits[:-20] if damage == "cut" else bits)
    others = _shards(path, range(3)) + _shards(path, range(4, 6))
    written = {file: file.stat().st_mtime_ns for file in others}
    assert build(recipe, path, workers=1).written == 3
    assert set(simulated) == {in_threes.runs[run].simulation for run in (8, 9, 10, 11)}
    assert len(simulated) == len(set(simulated))
    assert {file: file.stat().st_mtime_ns for file in others} == written
    assert files_of(path) == before


def test_a_repair_that_is_interrupted_continues(
    in_threes: Plan, recipe: Recipe, sharded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is repaired, a store is unfinished: no reader takes it for whole."""
    path = Path(shutil.copytree(sharded, tmp_path / "s.zarr"))
    before = files_of(path)
    for shard in (1, 4):
        shutil.rmtree(path / "velocity" / "c" / str(shard))
    with monkeypatch.context() as patched:
        real = writing.write_shard

        def stop(path: Path, shard: int, *rest: Any) -> None:
            if shard == 4:
                raise KeyboardInterrupt
            real(path, shard, *rest)

        patched.setattr(writing, "write_shard", stop)
        with pytest.raises(KeyboardInterrupt):
            build(recipe, path, workers=1)
    assert list(manifest.load(path).shards) == [0, 1, 2, 3, 5]
    with pytest.raises(StoreError, match="is unfinished, 13 of 16 runs are there"):
        store.open(path)
    assert build(recipe, path, workers=1).written == 3
    assert files_of(path) == before


def test_a_failing_run_in_a_shard_is_named(tmp_path: Path, set_runs_per_shard: RunsPerShard) -> None:
    set_runs_per_shard(3)
    diverging = parse(TWO_ORBITS.replace("levels: [0, 1]", "levels: [0, 1e305]"))
    with pytest.raises(SimulationError, match=r"run \d+ \(level 1e\+305, orbit \d, rotate90, strength .*\): .* finite"):
        build(diverging, tmp_path / "s.zarr", workers=1)
    assert list(manifest.load(tmp_path / "s.zarr").shards) == [0, 1, 2]
