"""What simulations cost: compiling, calibrating, the parts of a run; and what rounding makes of them."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numcodecs import Blosc

from phigen.building.builder import build
from phigen.building.calibration import calibrate
from phigen.measurement.data_error import measure
from phigen.planning.plans import Plan, plan
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.simulation.separate_process import own_process
from phigen.store import reading as store
from phigen.store import writing


def compiling(stride: int = 13, steps: int = 20) -> list[dict[str, Any]]:
    """Simulate some runs of `scaling`, cut short, twice in a process: only the first time compiles.

    In seconds of the processor, which depend less than others on what else the machine does.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"XDG_CACHE_HOME": folder}
        for run in _scaling(steps).runs[::stride]:
            row: dict[str, Any] = {"cells a side": run.simulation.cells[0]}
            for kind in ("traced and compiled", "kept"):
                code = f"from benchmarks.simulations import time_twice; time_twice({run.index}, steps={steps})"
                done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
                first, second = map(float, done.stdout.split())
                row[f"{kind}, s of the processor"] = first - second
            rows.append(row)
    return rows


def time_twice(index: int, *, steps: int) -> None:
    """Print how long one run of `scaling` takes the first and the second time, after all modules are loaded."""
    os.environ.update(own_process())
    simulation = _scaling(steps).runs[index].simulation
    simulate(plan(load("rotation_eq3")).runs[0].simulation, fields=["smoke"])
    for _ in range(2):
        began = time.process_time()
        simulate(simulation, fields=["smoke", "velocity"])
        print(time.process_time() - began)


def _scaling(steps: int) -> Plan:
    """Return the plan of `scaling` with fewer steps."""
    base = load("scaling")
    shorter = {"time": base.time.model_copy(update={"steps": steps}), "splits": type(base.splits)()}
    return plan(Recipe.model_validate(base.model_copy(update=shorter).model_dump()))


FIRST = """
import sys
from hashlib import sha256
from phigen.simulation.separate_process import own_process
import os; os.environ.update(own_process())
from phigen.planning.plans import plan
from phigen.recipe.loading import load
from phigen.simulation.program import simulate
fields = simulate(plan(load(sys.argv[1])).runs[0].simulation, fields=["smoke", "velocity"])
digest = sha256(b"".join(fields[name].values.tobytes() for name in fields)).hexdigest()
print(digest, sum(name == "phi" for name in sys.modules))
"""


def first_simulation(recipe: str = "rotation_eq10", rounds: int = 7) -> list[dict[str, Any]]:
    """Time a new process until its first simulation is finished, in turn with and without what is kept of another."""
    seconds: dict[str, list[float]] = {"nothing kept": [], "compiled code kept": [], "traced program kept too": []}
    processor: dict[str, list[float]] = {kind: [] for kind in seconds}
    told = dict.fromkeys(seconds, "")
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            # Traced in the order of the same sets, as dask's workers do: jax finds code that was compiled before.
            environment = os.environ | {"XDG_CACHE_HOME": folder, "PYTHONHASHSEED": "0"}
            asked = "from phigen.simulation.instruction_set import wanted; wanted()"
            subprocess.run([sys.executable, "-c", asked], env=environment, check=True)
            for kind, times in seconds.items():
                if kind == "compiled code kept":
                    for program in Path(folder).rglob("*.program"):
                        program.unlink()
                began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
                command = [sys.executable, "-c", FIRST, recipe]
                done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
                times.append(time.perf_counter() - began)
                processor[kind].append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used)
                told[kind] = done.stdout
    (digest,) = {text.split()[0] for text in told.values()}
    return [
        {
            f"a new process, first run of {recipe}": kind,
            "s (median)": statistics.median(times),
            "s (least)": min(times),
            "s of the processor": statistics.median(processor[kind]),
            "imports PhiFlow": "yes" if told[kind].split()[1] == "1" else "no",
            "sha256 of its fields": digest[:12],
        }
        for kind, times in seconds.items()
    ]


def calibrating(targets: Sequence[float] | None = None) -> list[dict[str, Any]]:
    """Calibrate the ten levels of `rotation_graded`, or some of them, and compare their errors with the targets."""
    recipe = load("rotation_graded")
    if targets is not None:
        symmetry = recipe.symmetry.model_copy(update={"target_error": tuple(targets)})
        recipe = recipe.model_copy(update={"symmetry": symmetry})
    began = time.perf_counter()
    calibration = calibrate(recipe)
    seconds = time.perf_counter() - began
    off = [abs(e - t) / t for e, t in zip(calibration.errors, calibration.targets, strict=True) if t]
    return [
        {
            "levels": len(calibration.targets),
            "s": seconds,
            "s, upper limit": 60,
            "measured at": len(calibration.curve),
            "largest relative deviation": max(off),
        }
    ]


def sampled(count: int = 1000, timed: int = 50) -> list[dict[str, Any]]:
    """Build plumes that are drawn at random, each a simulation of its own, and divide the time of a run into parts."""
    base = load("random_plumes")
    recipe = base.model_copy(
        update={
            "name": "sampled",
            "sample": base.sample.model_copy(update={"count": count}),
            "symmetry": type(base.symmetry)(),
            "splits": type(base.splits)(),
        }
    )
    os.environ.update(own_process())
    planned = plan(Recipe.model_validate(recipe.model_dump()))
    parts: dict[str, list[float]] = {"simulation": [], "compression": [], "writing, digests and manifest": []}
    codec = Blosc(cname="lz4", clevel=5, shuffle=Blosc.SHUFFLE)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        path = build(planned.recipe, Path(folder) / "s.zarr").path
        whole = time.perf_counter() - began
        for run in planned.runs[:timed]:
            times = [time.perf_counter()]
            fields = simulate(run.simulation, fields=["smoke", "velocity"])
            times.append(time.perf_counter())
            for name in ("smoke", "velocity"):
                for start in range(0, 100, 10):
                    codec.encode(np.ascontiguousarray(fields[name].values[start : start + 10]))
            times.append(time.perf_counter())
            shard = run.index // planned.runs_per_shard
            writing.write_shard(path, shard, {name: fields[name].values[None] for name in ("smoke", "velocity")}, {})
            simulated, compressed, written = np.diff([*times, time.perf_counter()])
            for part, seconds in zip(parts, (simulated, compressed, written - compressed), strict=True):
                parts[part].append(seconds)
    total = sum(map(statistics.median, parts.values()))
    rows: list[dict[str, Any]] = [
        {"a sampled run": part, "ms": 1e3 * statistics.median(s), "share": statistics.median(s) / total}
        for part, s in parts.items()
    ]
    return [*rows, {"a sampled run": f"{count} of them, by as many processes as pay off", "ms": 1e3 * whole}]


def rounding_floor(frames: Sequence[int] = (1, 10, 30, 60, 100, 200, 309)) -> list[dict[str, Any]]:
    """Simulate an orbit of equal strengths in the lab's reference frame: its error is made by rounding alone."""
    rows = []
    for precision in ("single", "double"):
        recipe = {
            "name": "lab",
            "version": "1.0.0",
            "grid": {"cells": 64},
            "time": {"steps": frames[-1] + 1, "frames": {"first": 1}, "dt_velocity": 0.5},
            "scene": {"inflows": [{"center": [32, 5], "radius": 5}], "buoyancy": {"strength": 0.05}},
            "symmetry": {"group": "C4", "reference_frame": "lab"},
            "precision": precision,
        }
        with tempfile.TemporaryDirectory() as folder:
            path = build(parse(json.dumps(recipe), "lab"), Path(folder) / "lab.zarr", workers=1).path
            errors = measure(store.open(path))["mae"].isel(level=0).sel(variable="smoke", time=list(frames))
            curve = errors.mean("element").values
        rows.append(
            {"smoke, mean |difference| after step": precision} | dict(zip(map(str, frames), curve, strict=True))
        )
    return rows
