"""Whole builds, as a user runs them: cold and warm, with one worker and two, and their memory."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phigen.building.builder import build
from phigen.building.cluster import local_cluster
from phigen.planning.plans import plan
from phigen.recipe.loading import parse, shipped
from phigen.recipe.model import Recipe
from phigen.simulation.separate_process import own_process

ROUNDS = 3


def command(recipe: str = "rotation_eq10", rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Time `phigen build` from the shell, with nothing cached and with everything cached."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        times: dict[str, list[float]] = {"nothing cached": [], "caches warm": []}
        for turn in range(rounds):
            environment = os.environ | {"XDG_CACHE_HOME": f"{folder}/cache{turn}"}
            for kind, seconds in times.items():
                seconds.append(_shell(recipe, Path(folder) / f"{turn} {kind}.zarr", environment))
        for kind, seconds in times.items():
            rows.append(
                {
                    f"phigen build {recipe}": kind,
                    "s (median)": statistics.median(seconds),
                    "s (most)": max(seconds),
                    "s, upper limit": 15 if kind == "nothing cached" else 8,
                }
            )
    return rows


def _shell(recipe: str, path: Path, environment: dict[str, str]) -> float:
    began = time.perf_counter()
    arguments = [sys.executable, "-m", "phigen", "build", recipe, "--out", str(path)]
    subprocess.run(arguments, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def cluster(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """Time a tiny job with a cluster and without: the difference is the cluster's start-up."""
    recipe = _plumes(2, steps=2)
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(own_process())
        build(recipe, Path(folder) / "warm.zarr", workers=1)
        for turn in range(rounds):
            for workers, seconds in times.items():
                began = time.perf_counter()
                build(recipe, Path(folder) / f"{turn}-{workers}.zarr", workers=workers)
                seconds.append(time.perf_counter() - began)
    alone, two = statistics.median(times[1]), statistics.median(times[2])
    return [
        {"two runs of two steps": "in this process", "s": alone},
        {"two runs of two steps": "two workers", "s": two},
    ]


def workers(count: int = 200, steps: int = 310) -> list[dict[str, Any]]:
    """Build runs in this process, with one worker and with two, starting and stopping the clusters."""
    os.environ.update(own_process())
    recipe = _plumes(count, steps=steps)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        build(_plumes(1, steps=steps), Path(folder) / "warm.zarr", workers=1)
        for how, processes in (("in this process", 0), ("one worker", 1), ("two workers", 2)):
            path = Path(folder) / f"{processes}.zarr"
            began = time.perf_counter()
            if processes:
                with local_cluster(processes) as client:
                    build(recipe, path, scheduler=client.scheduler.address)
            else:
                build(recipe, path, workers=1)
            seconds[how] = time.perf_counter() - began
            shutil.rmtree(path)
    return [
        {
            f"{count} runs of {steps} steps": how,
            "s": taken,
            "times faster than one worker": seconds["one worker"] / taken,
        }
        for how, taken in seconds.items()
    ]


def memory(counts: Sequence[int] = (20, 400), steps: int = 100) -> list[dict[str, Any]]:
    """Build few and many runs, each on a new worker, and read the worker's peak memory."""
    rows: list[dict[str, Any]] = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder, local_cluster(1) as client:
            build(_plumes(count, steps=steps), Path(folder) / "s.zarr", scheduler=client.scheduler.address)
            (peak,) = client.run(_peak).values()
        rows.append({f"runs of {steps} steps": count, "peak of the worker, MB": peak})
    for row in rows:
        row[f"relative to {counts[0]} runs"] = row["peak of the worker, MB"] / rows[0]["peak of the worker, MB"]
    return rows


def recipes(names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Build shipped recipes, all if none are named, from the shell, with nothing cached and with warm caches."""
    rows = []
    bounds = {"rotation": 15, "translation": 15, "scaling": 180}
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": f"{folder}/cache"}
        for name in shipped() if names is None else names:
            seconds = {}
            for kind in ("nothing cached", "caches warm"):
                path = Path(folder) / f"{name}.zarr"
                seconds[kind] = _shell(name, path, environment)
                megabytes = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
                shutil.rmtree(path)
            rows.append({"recipe": name, "MB": megabytes, **seconds, "s, upper limit, warm": bounds.get(name, "")})
    return rows


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _plumes(count: int, *, steps: int) -> Recipe:
    """Return a recipe of plumes of different strengths, each of which is a simulation of its own."""
    recipe = {
        "name": "plumes",
        "version": "1.0.0",
        "grid": {"cells": 64},
        "time": {"steps": steps, "dt_velocity": 0.5},
        "scene": {"inflows": [{"center": [32, 5], "radius": 5}], "buoyancy": {"strength": 0.01}},
        "vary": {"strength": {"start": 0.01, "step": 0.0005, "count": count}},
    }
    plumes = parse(json.dumps(recipe), "plumes")
    if len(plan(plumes).distinct) != count:
        raise SystemExit("the plumes are not distinct")
    return plumes
