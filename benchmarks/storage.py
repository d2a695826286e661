"""How large a store is, and how fast it is written and read."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from phigen.building.builder import build
from phigen.planning.plans import plan
from phigen.recipe.loading import load
from phigen.simulation.program import simulate
from phigen.store import construction, writing
from phigen.store import reading as store
from phigen.store.summary import describe
from phigen.symmetry.actions import act

WINDOW = 10
WINDOWS = 200


def storage(recipe: str = "rotation_eq10", windows: int = WINDOWS) -> list[dict[str, Any]]:
    """Write the runs of a recipe, and read windows of 10 frames at random positions."""
    planned = plan(load(recipe))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.zarr"
        build(planned.recipe, path, workers=1)
        variables = {variable["name"]: variable for variable in describe(path)["variables"]}
        written, read = _writing(planned, Path(folder) / "again.zarr"), _reading(path, windows)
    rows = []
    for name in ("smoke", "velocity"):
        values = int(np.prod(variables[name]["shape"]))
        rows.append(
            {
                "variable": name,
                "bytes per value": variables[name]["bytes"] / values,
                "written, MB/s": written,
                "windows read, MB/s": read[name][0],
                "ms per window": read[name][1],
            }
        )
    return rows


def _writing(planned: Any, path: Path) -> float:
    """Return MB/s of float32 written, smoke and velocity together, digests and manifest included."""
    construction.prepare(path, planned, known=None)
    megabytes = 4 * sum(planned.values_per_run.values()) / 1e6
    speeds = []
    for run in map(planned.runs.__getitem__, planned.distinct):
        fields = act(simulate(run.simulation), run.after)
        began = time.perf_counter()
        shard = run.index // planned.runs_per_shard
        writing.write_shard(path, shard, {name: fields[name].values[None] for name in ("smoke", "velocity")}, {})
        speeds.append(megabytes / (time.perf_counter() - began))
    return statistics.median(speeds)


def _reading(path: Path, windows: int) -> dict[str, tuple[float, float]]:
    """Return MB/s and ms per window, by variable."""
    dataset = store.open(path)
    rng = np.random.default_rng(0)
    result = {}
    for name in ("smoke", "velocity"):
        times = []
        for _ in range(windows):
            run = int(rng.integers(dataset.sizes["run"]))
            start = int(rng.integers(dataset.sizes["time"] - WINDOW))
            began = time.perf_counter()
            window = dataset[name].isel(run=run, time=slice(start, start + WINDOW)).values
            times.append(time.perf_counter() - began)
        seconds = statistics.median(times)
        result[name] = (window.nbytes / 1e6 / seconds, 1e3 * seconds)
    return result
