"""Whole builds, as a user runs them: cold and warm, with one worker and two, and their memory."""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import Blosc

from phigen.building.builder import build
from phigen.building.calibration import calibrate
from phigen.building.cluster import local_cluster, own_process
from phigen.measurement.data_error import measure
from phigen.planning.plans import plan
from phigen.recipe.loading import load, shipped
from phigen.recipe.model import Recipe
from phigen.recipe.scene import Vary
from phigen.simulation.program import simulate
from phigen.store import reading as store

ROUNDS = 3


def command() -> list[dict[str, Any]]:
    """Time `phigen build recipes/rotation_eq10.yaml` from the shell, with nothing cached and with all."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        times: dict[str, list[float]] = {"nothing cached": [], "caches warm": []}
        for turn in range(ROUNDS):
            environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": f"{folder}/cache{turn}"}
            for kind, seconds in times.items():
                seconds.append(_shell("rotation_eq10", Path(folder) / f"{turn} {kind}.zarr", environment))
        for kind, seconds in times.items():
            rows.append(
                {
                    "phigen build rotation_eq10": kind,
                    "s (median)": statistics.median(seconds),
                    "s (most)": max(seconds),
                    "s at most": 15 if kind == "nothing cached" else 8,
                }
            )
    return rows


def _shell(recipe: str, path: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    arguments = [sys.executable, "-m", "phigen", "build", recipe, "--out", str(path)]
    subprocess.run(arguments, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def startup() -> list[dict[str, Any]]:
    """Time a job that is next to nothing with a cluster and without: the difference is the cluster's start-up."""
    recipe = _plumes(2, steps=2)
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(own_process())
        build(recipe, Path(folder) / "warm.zarr", workers=1)
        for turn in range(ROUNDS):
            for workers, seconds in times.items():
                began = time.perf_counter()
                build(recipe, Path(folder) / f"{turn}-{workers}.zarr", workers=workers)
                seconds.append(time.perf_counter() - began)
    alone, two = statistics.median(times[1]), statistics.median(times[2])
    return [
        {"two runs of two steps": "in this process", "s": alone},
        {"two runs of two steps": "two workers", "s": two},
    ]


def workers() -> list[dict[str, Any]]:
    """Build 200 runs of 310 steps in this process, with one worker and with two, clusters started and stopped."""
    os.environ.update(own_process())
    recipe = _plumes(200, steps=310)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        build(_plumes(1, steps=310), Path(folder) / "warm.zarr", workers=1)
        for how, count in (("in this process", 0), ("one worker", 1), ("two workers", 2)):
            path = Path(folder) / f"{count}.zarr"
            began = time.perf_counter()
            if count:
                with local_cluster(count) as client:
                    build(recipe, path, scheduler=client.scheduler.address)
            else:
                build(recipe, path, workers=1)
            seconds[how] = time.perf_counter() - began
            shutil.rmtree(path)
    return [
        {"200 runs of 310 steps": how, "s": taken, "times faster than one worker": seconds["one worker"] / taken}
        for how, taken in seconds.items()
    ]


def memory() -> list[dict[str, Any]]:
    """Build 20 and 400 runs on a worker each, and read the worker's peak memory."""
    rows: list[dict[str, Any]] = []
    for count in (20, 400):
        with tempfile.TemporaryDirectory() as folder, local_cluster(1) as client:
            build(_plumes(count, steps=100), Path(folder) / "s.zarr", scheduler=client.scheduler.address)
            (peak,) = client.run(_peak).values()
        rows.append({"runs of 100 steps": count, "peak of the worker, MB": peak})
    for row in rows:
        row["against 20 runs"] = row["peak of the worker, MB"] / rows[0]["peak of the worker, MB"]
    return rows


def recipes() -> list[dict[str, Any]]:
    """Build every shipped recipe from the shell, with warm caches."""
    rows = []
    bounds = {"rotation": 15, "translation": 15, "scaling": 180}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": f"{folder}/cache"}
        for name in shipped():
            seconds = {}
            for kind in ("nothing cached", "caches warm"):
                path = Path(folder) / f"{name}.zarr"
                seconds[kind] = _shell(name, path, environment)
                megabytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
                shutil.rmtree(path)
            rows.append({"recipe": name, "MB": megabytes, **seconds, "s at most, warm": bounds.get(name, "")})
    return rows


def compiling() -> list[dict[str, Any]]:
    """Simulate scenes of `scaling` twice in a process: the first time costs more by tracing and compiling."""
    rows = []
    planned = plan(load("scaling"))
    with tempfile.TemporaryDirectory() as folder:
        as_workers = {"JAX_COMPILATION_CACHE_DIR": folder, "PYTHONHASHSEED": "0"}
        environment = os.environ | own_process() | as_workers
        for run in planned.runs[::13]:
            row: dict[str, Any] = {"cells": run.simulation.cells[0]}
            for kind in ("compiled anew", "compiled before"):
                code = f"from benchmarks.builds import time_twice; time_twice({run.index})"
                done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
                first, second = map(float, done.stdout.split())
                row |= {f"{kind}, s": first - second, "simulated, s": second}
            rows.append(row)
    return rows


def time_twice(index: int) -> None:
    """Print how long one run of `scaling` takes at first and again, once all modules are there."""
    simulation = plan(load("scaling")).runs[index].simulation
    simulate(plan(load("rotation_eq3")).runs[0].simulation, fields=["smoke"])
    for _ in range(2):
        began = time.perf_counter()
        simulate(simulation, fields=["smoke", "velocity"])
        print(time.perf_counter() - began)


def calibrating() -> list[dict[str, Any]]:
    """Find the ten levels of `rotation_graded`, and read how far they are from their targets."""
    recipe = load("rotation_graded")
    began = time.perf_counter()
    found = calibrate(recipe)
    seconds = time.perf_counter() - began
    off = [abs(e - t) / t for e, t in zip(found.errors, found.targets, strict=True) if t]
    return [
        {"ten levels": "calibrated", "s": seconds, "s at most": 60, "measured at": len(found.curve), "off by": max(off)}
    ]


def sampled() -> list[dict[str, Any]]:
    """Build 1,000 drawn plumes of 100 frames, each a simulation of its own, and share out a run's time."""
    base = load("random_plumes")
    sample = base.sample.model_copy(update={"count": 1000}) if base.sample else None
    recipe = base.model_copy(update={"name": "sampled", "sample": sample, "symmetry": type(base.symmetry)()})
    os.environ.update(own_process())
    planned = plan(Recipe.model_validate(recipe.model_dump()))
    parts: dict[str, list[float]] = {"simulation": [], "compression": [], "writing, digests and the list": []}
    codec = Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = build(planned.recipe, Path(folder) / "s.zarr").path
        whole = time.perf_counter() - began
        for run in planned.runs[:50]:
            times = [time.perf_counter()]
            fields = simulate(run.simulation, fields=["smoke", "velocity"])
            times.append(time.perf_counter())
            for name in ("smoke", "velocity"):
                for start in range(0, 100, 10):
                    codec.encode(np.ascontiguousarray(fields[name].values[start : start + 10]))
            times.append(time.perf_counter())
            store.write(path, run, fields)
            simulated, compressed, written = np.diff([*times, time.perf_counter()])
            for part, seconds in zip(parts, (simulated, compressed, written - compressed), strict=True):
                parts[part].append(seconds)
    total = sum(map(statistics.median, parts.values()))
    rows: list[dict[str, Any]] = [
        {"a sampled run": part, "ms": 1e3 * statistics.median(s), "share": statistics.median(s) / total}
        for part, s in parts.items()
    ]
    return [*rows, {"a sampled run": "1,000 of them, by as many processes as pay off", "ms": 1e3 * whole}]


def floor() -> list[dict[str, Any]]:
    """Simulate one orbit of equal strengths in the lab's frame: what rounding alone makes of its symmetry."""
    frames = [1, 10, 30, 60, 100, 200, 309]
    rows = []
    for precision in ("single", "double"):
        base = load("rotation")
        recipe = base.model_copy(
            update={
                "precision": precision,
                "splits": type(base.splits)(),
                "vary": Vary(),
                "scene": base.scene.model_copy(
                    update={"buoyancy": base.scene.buoyancy.model_copy(update={"strength": 0.05})}
                ),
                "symmetry": type(base.symmetry)(group="C4", frame="lab"),
                "time": base.time.model_copy(update={"dt_velocity": 0.5}),
            }
        )
        with tempfile.TemporaryDirectory() as folder:
            path = build(recipe, Path(folder) / "lab.zarr", workers=1).path
            errors = measure(store.open(path))["mae"].isel(level=0).sel(variable="smoke", time=frames)
            curve = errors.mean("element").values
        rows.append(
            {"smoke, mean |difference| after step": precision} | dict(zip(map(str, frames), curve, strict=True))
        )
    return rows


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _plumes(count: int, *, steps: int) -> Recipe:
    """Give as many plumes of different strengths, each a simulation of its own."""
    eq10 = load("rotation_eq10")
    strengths = {"start": 0.01, "step": 0.0005, "count": count}
    recipe = eq10.model_copy(
        update={
            "name": "plumes",
            "time": eq10.time.model_copy(update={"steps": steps, "frames": type(eq10.time.frames)()}),
            "vary": Vary.model_validate({"strength": strengths}),
            "symmetry": type(eq10.symmetry)(),
        }
    )
    made = Recipe.model_validate(recipe.model_dump())
    if len(plan(made).distinct) != count:
        raise SystemExit("the plumes are not distinct")
    return made
