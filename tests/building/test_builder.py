"""The same bytes however a dataset is built: processes, a borrowed cluster, interruptions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from phigen.building import builder as building
from phigen.building import cluster
from phigen.building.builder import build, processes_for
from phigen.building.cluster import local_cluster
from phigen.building.cost import Costs
from phigen.building.rates import BUILT_IN, Rates
from phigen.building.work import Work
from phigen.errors import BuildError, SimulationError, StoreError
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from phigen.store import manifest, writing
from phigen.store import reading as store
from tests.shared.command import free_port
from tests.shared.files import files_of
from tests.shared.recipes import SMALL
from tests.shared.requests import RunsPerShard


def test_progress_counts_every_run_of_an_orbit_that_shares_a_simulation(small: Recipe, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    built = build(small, tmp_path / "s.zarr", workers=1, progress=lambda what, done, total: seen.append((done, total)))
    assert seen == [(0, 8), (5, 8), (6, 8), (7, 8), (8, 8)]
    assert (built.runs, built.written) == (8, 8)


def test_a_failing_run_is_named_and_those_before_it_are_kept(tmp_path: Path) -> None:
    recipe = parse(SMALL.replace("levels: [0, 1]", "levels: [0, 1e305]"))
    with pytest.raises(
        SimulationError, match=r"run 5 \(level 1e\+305, orbit 0, rotate90, strength 1e\+303\): .* finite"
    ):
        build(recipe, tmp_path / "s.zarr", workers=1)
    assert len(manifest.load(tmp_path / "s.zarr").held_runs) == 5


def test_processes_are_for_cores_and_for_jobs_that_outweigh_a_clusters_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def processes(recipe: Recipe, missing: int | None = None) -> int:
        planned = plan(recipe)
        return processes_for(Costs(Work(Path("none"), planned, range(len(planned.shards))[:missing]), BUILT_IN))

    monkeypatch.setattr("dask.system.CPU_COUNT", 4)
    rotation = load("rotation")
    assert processes(load("rotation_eq10")) == 1
    longer = rotation.time.model_copy(update={"steps": 20_000})
    large = rotation.model_copy(update={"time": longer})
    assert processes(large) == 4
    assert processes(large, missing=1) < 4


def test_a_build_asks_for_what_was_measured_and_measures_nothing(
    tmp_path: Path, small: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Rates] = []

    def one_process(costs: Costs) -> int:
        asked.append(costs.rates)
        return 1

    monkeypatch.setattr("phigen.building.builder.of_this_machine", lambda: BUILT_IN._replace(trace=7))
    monkeypatch.setattr("phigen.building.builder.processes_for", one_process)
    monkeypatch.setattr("phigen.building.fitting.fitted", None)
    build(small, tmp_path / "s.zarr")
    assert asked == [BUILT_IN._replace(trace=7)]


@pytest.mark.slow
def test_two_processes_give_the_same_bytes_as_none(eq3: Path, tmp_path: Path) -> None:
    built = build("rotation_eq3", tmp_path / "two.zarr", workers=2)
    assert files_of(built.path) == files_of(eq3)


def test_a_failure_in_a_worker_is_named_too(tmp_path: Path) -> None:
    recipe = parse(SMALL.replace("strength: 0.1", "strength: 1e305").replace("0, 0.01, 0.02", "0, 1e305, 2e305"))
    with pytest.raises(SimulationError, match=r"run \d \(level"):
        build(recipe, tmp_path / "s.zarr", workers=2)


def test_more_workers_than_tasks_are_one_line(tmp_path: Path) -> None:
    one = parse(SMALL.replace("levels: [0, 1]", "levels: [0]"))
    with pytest.warns(UserWarning, match=r"^workers: 9 were asked for, there is work for 1; no more are started$"):
        assert build(one, tmp_path / "s.zarr", workers=9).written == 4


def test_no_workers_at_all_are_refused(small: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        build(small, tmp_path / "s.zarr", workers=0)
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_running_scheduler_gives_the_same_bytes(scheduler: str, small: Recipe, tmp_path: Path) -> None:
    """Its worker has two threads, in which a simulation must work."""
    here = build(small, tmp_path / "here.zarr", workers=1).path
    there = build(small, tmp_path / "there.zarr", scheduler=scheduler).path
    assert files_of(here) == files_of(there)


@pytest.mark.parametrize("name", ["jax", "instruction set"])
def test_workers_of_other_versions_are_refused(name: str) -> None:
    class Client:
        def scheduler_info(self) -> dict[str, object]:
            return {"workers": {"w": {}}}

        def run(self, _: object) -> dict[str, dict[str, str]]:
            return {"tcp://w:1": cluster._computed_with() | {name: "0.0.1"}}

    with pytest.raises(BuildError, match=rf"tcp://w:1: has {name} 0\.0\.1, here it is"):
        cluster._refuse_other_workers(Client(), "tcp://s:1")  # type: ignore[arg-type]


def test_a_scheduler_that_does_not_answer_is_one_line(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    with pytest.raises(BuildError, match=r"^tcp://127\.0\.0\.1:\d+: no dask scheduler answers there") as caught:
        build(small, tmp_path / "s.zarr", scheduler=f"tcp://127.0.0.1:{free_port()}")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s.zarr").exists()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recipe that takes some seconds, and its store when nothing interrupts the build."""
    folder = tmp_path_factory.mktemp("long")
    text = load("rotation_eq10").text.replace("steps: 61", "steps: 800")
    (folder / "long.yaml").write_text(text.replace("{first: 10, last: 59}", "{first: 10, every: 100}"))
    return folder / "long.yaml", build(folder / "long.yaml", folder / "whole.zarr", workers=1).path


IN_SHARDS = """\
from phigen.planning.plans import Plan
Plan.runs_per_shard = property(lambda _: {})
from phigen.cli import main
if __name__ == "__main__":
    main(prog_name="phigen")
"""
"""The command `phigen`, with a number of runs in a shard."""


def _interrupted(
    recipe: Path, path: Path, number: signal.Signals, workers: str, runs_per_shard: int = 1
) -> tuple[int, str, float]:
    """Start a build as a user does, stop it once runs are stored, and return status, stderr and seconds."""
    program = ["-m", "phigen"] if runs_per_shard == 1 else ["-c", IN_SHARDS.format(runs_per_shard)]
    command = [sys.executable, *program, "build", str(recipe), "--out", str(path), "--workers", workers]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list((path / "manifest").glob("*.npz")) if path.exists() else []) * runs_per_shard < 14:
        assert process.poll() is None, "finished before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    began = time.monotonic()
    os.killpg(process.pid, number)
    _, error = process.communicate(timeout=60)
    return process.returncode, error, time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_stops_soon_and_the_same_command_continues(
    workers: str, long: tuple[Path, Path], tmp_path: Path
) -> None:
    path, (recipe, whole) = tmp_path / "s.zarr", long
    status, error, seconds = _interrupted(recipe, path, signal.SIGINT, workers)
    assert status == 130
    assert "interrupted; what was built is kept" in error
    assert "Traceback" not in error, error
    assert seconds < 10
    done = len(manifest.load(path).held_runs)
    assert 0 < done < 40
    assert build(recipe, path, workers=1).written == 40 - done
    assert files_of(path) == files_of(whole)


@pytest.mark.slow
def test_a_killed_build_continues_to_the_same_bytes(long: tuple[Path, Path], tmp_path: Path) -> None:
    path, (recipe, whole) = tmp_path / "s.zarr", long
    status, _, _ = _interrupted(recipe, path, signal.SIGKILL, "1")
    assert status == -signal.SIGKILL
    (path / "smoke" / "c" / "39.partial").write_text("left by a writer that was killed")
    build(recipe, path, workers=1)
    assert files_of(path) == files_of(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGKILL), ("2", signal.SIGKILL), ("2", signal.SIGINT)])
def test_a_killed_build_of_several_runs_a_shard_continues_by_shard(
    workers: str, number: signal.Signals, long: tuple[Path, Path], tmp_path: Path, set_runs_per_shard: RunsPerShard
) -> None:
    path, (recipe, _) = tmp_path / "s.zarr", long
    _interrupted(recipe, path, number, workers, runs_per_shard=3)
    done = len(manifest.load(path).held_runs)
    assert 0 < done < 40
    assert done % 3 in (0, 1), "a shard is there whole or not at all; the last one holds one run"
    set_runs_per_shard(3)
    assert build(recipe, path, workers=2).written == 40 - done
    assert files_of(path) == files_of(build(recipe, tmp_path / "whole.zarr", workers=1).path)


def test_two_builds_of_one_store_do_not_meet(small: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    with building._claimed(path):
        with pytest.raises(StoreError, match=r"s\.zarr: is being built by another process; wait until"):
            build(small, path)
        assert not path.exists()
    assert build(small, path, workers=1).written == 8


@pytest.mark.slow
def test_a_single_long_simulation_stops_soon_too(tmp_path: Path) -> None:
    """Compiled code cannot be interrupted, so a long simulation runs in a worker, which is stopped."""
    recipe, path = tmp_path / "long.yaml", tmp_path / "s.zarr"
    text = SMALL.replace("cells: 16", "cells: 256").replace("steps: 6", "steps: 4000").replace("[8, 3]", "[80, 30]")
    recipe.write_text(text.replace("first: 1", "first: 3999").replace("levels: [0, 1]", "levels: [0]"))
    command = [sys.executable, "-m", "phigen", "build", str(recipe), "--out", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    time.sleep(15)
    assert process.poll() is None
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in error) == (130, False), error
    assert time.monotonic() - began < 10


@pytest.mark.slow
def test_two_builds_on_one_scheduler_do_not_take_each_others_tasks(small: Recipe, tmp_path: Path) -> None:
    faces = parse(SMALL + "store: [faces]\n")
    with local_cluster(1) as client, ThreadPoolExecutor(3) as pool:
        builds = [(small, "a.zarr"), (small, "b.zarr"), (faces, "c.zarr")]
        address = client.scheduler.address
        done = [pool.submit(build, recipe, tmp_path / name, scheduler=address) for recipe, name in builds]
        assert [future.result().written for future in done] == [8, 8, 8]
    for (recipe, name), field in zip(builds, ("smoke", "smoke", "velocity_x"), strict=True):
        assert np.isfinite(store.open(tmp_path / name)[field].values).all()
        assert files_of(build(recipe, tmp_path / "alone.zarr", workers=1).path) == files_of(tmp_path / name)
        shutil.rmtree(tmp_path / "alone.zarr")


def test_a_run_that_cannot_be_written_is_named(small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write_shard", full)
    with pytest.raises(StoreError, match=r"s\.zarr: run 0 .* cannot be written, No space left on device; what was"):
        build(small, tmp_path / "s.zarr", workers=1)
