"""What a window costs: zarr's read of it, what phigen adds, and what runs in memory save; needs no torch."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

import phigen
from phigen.building.builder import build
from phigen.store.pipeline import fast_pipeline
from phigen.training.windows import NEAR, Windows

INPUT, HORIZON = 10, 20
LENGTH = INPUT + HORIZON
BATCH_SIZE = 32
BARE = "zarr, as phigen has it read"
ARRAYS = "slices of arrays in memory, stacked"


def window(recipe: str = "rotation_eq10", windows: int = 600) -> list[dict[str, Any]]:
    """Read windows of 30 frames of velocity in this process, in every way, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = build(recipe, Path(folder) / "built.zarr", workers=1).path
        dataset = phigen.open(path)
        with fast_pipeline():
            array = zarr.open_array(path / "velocity", mode="r")
        default = zarr.open_array(path / "velocity", mode="r")
        items, cached, loaded = (_windows(dataset, **kept) for kept in ({}, {"cache": "1 GB"}, {"in_memory": True}))
        per_run = dataset.sizes["time"] - LENGTH + 1
        for run in range(dataset.sizes["run"]):
            cached.read([run * per_run], [0])
        velocity = dataset["velocity"]
        ways: dict[str, Callable[[int, int], Any]] = {
            BARE: lambda run, first: array[run, first : first + LENGTH],
            "zarr's default pipeline": lambda run, first: default[run, first : first + LENGTH],
            "phigen.open(...).velocity.isel": lambda run, first: (
                velocity.isel(run=run, time=slice(first, first + LENGTH)).values
            ),
            "an item of Windows, normalised": lambda run, first: items.read([run * per_run + first], [0]),
            "the same, cached": lambda run, first: cached.read([run * per_run + first], [0])[0].copy(),
            "the same, in_memory=True": lambda run, first: loaded.read([run * per_run + first], [0])[0].copy(),
        }
        places = np.random.default_rng(0).integers((dataset.sizes["run"], per_run), size=(windows, 2)).tolist()
        return _timed("a window of 30 frames", ways, places, block=20)


def near(recipe: str = "rotation", batches: int = 40) -> list[dict[str, Any]]:
    """Read windows of one run one by one and together: those of a batch in order, and two with a gap between them."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = phigen.open(build(recipe, Path(folder) / "built.zarr", workers=1).path)
        items = _windows(dataset)
        per_run, apart = dataset.sizes["time"] - LENGTH + 1, LENGTH + NEAR
        size = min(BATCH_SIZE, per_run)

        def one_by_one(*indices: int) -> None:
            for index in indices:
                items.read([index], [0])

        def together(*indices: int) -> None:
            items.read(indices, [0] * len(indices))

        rng = np.random.default_rng(0)
        runs = (per_run * rng.integers(dataset.sizes["run"], size=batches)).tolist()
        in_order = [range(run, run + size) for run in runs]
        two = [(run, run + min(apart, per_run - 1)) for run in runs]
        cases = {f"{size} in a row": in_order, f"two, {NEAR} frames apart": two}
        return [
            row
            for what, indices in cases.items()
            for row in _timed(
                "windows of a run", {f"{what}, one by one": one_by_one, f"{what}, together": together}, indices
            )
        ]


def batches(recipe: str = "rotation", count: int = 60, filling: int = 40, rounds: int = 3) -> list[dict[str, Any]]:
    """Take shuffled batches from `phigen.batches` in two processes at once, in every way in turn."""
    measured: dict[str, list[float]] = {way: [] for way in SOURCES}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "built.zarr"
        subprocess.run(
            [sys.executable, "-m", "phigen", "build", recipe, "--out", str(path)], check=True, capture_output=True
        )
        for _ in range(rounds):
            for way, rates in measured.items():
                command = [sys.executable, "-m", "benchmarks.reading", way, str(path), str(count), str(filling)]
                pair = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
                rates.append(sum(json.loads(process.communicate()[0]) for process in pair))
    return [
        {
            f"{recipe}, two processes": way,
            "windows/s": statistics.median(rates),
            "relative to arrays in memory": statistics.median(
                rate / other for rate, other in zip(rates, measured[ARRAYS], strict=True)
            ),
        }
        for way, rates in measured.items()
    ]


def _of_phigen(dataset: xr.Dataset, **kept: Any) -> Iterator[Any]:
    for seed in count():
        yield from phigen.batches(
            dataset, input=INPUT, horizon=HORIZON, split=None, batch_size=BATCH_SIZE, seed=seed, **kept
        )


def _of_arrays(dataset: xr.Dataset) -> Iterator[Any]:
    velocity, rng = dataset["velocity"].values, np.random.default_rng(0)
    runs, frames, *_ = velocity.shape
    while True:
        places = rng.integers((runs, frames - LENGTH + 1), size=(BATCH_SIZE, 2)).tolist()
        batch = np.stack([velocity[run, first : first + LENGTH] for run, first in places])
        yield batch[:, :INPUT], batch[:, INPUT:]


SOURCES: dict[str, Callable[[xr.Dataset], Iterator[Any]]] = {
    ARRAYS: _of_arrays,
    "phigen.batches": _of_phigen,
    "the same, a cache that holds all": lambda dataset: _of_phigen(dataset, cache="1 GB"),
    "the same, in_memory=True": lambda dataset: _of_phigen(dataset, in_memory=True),
}


def rate(way: str, path: str, count: int, filling: int) -> float:
    """Return how many windows a second come after the first batches."""
    taken = SOURCES[way](phigen.open(path))
    for _ in islice(taken, filling):
        pass
    since = time.perf_counter()
    windows = sum(len(inputs) for inputs, _ in islice(taken, count))
    return windows / (time.perf_counter() - since)


def _windows(dataset: xr.Dataset, **kept: Any) -> Windows:
    return Windows.of(
        dataset,
        input=INPUT,
        horizon=HORIZON,
        split=None,
        normalise=True,
        variables=("velocity",),
        augment=None,
        **kept,
    )


def _timed(
    what: str, ways: dict[str, Callable[..., Any]], arguments: list[Any], *, block: int = 1
) -> list[dict[str, Any]]:
    """Time blocks of calls, each way with the same arguments in random turn; all have been read before."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    reference = next(iter(ways))
    for start in range(0, len(arguments), block):
        own = arguments[start : start + block]
        for each in own:
            ways[reference](*each)
        for way in random.sample(list(ways), len(ways)):
            began = time.perf_counter()
            for each in own:
                ways[way](*each)
            times[way].append((time.perf_counter() - began) / len(own))
    return [
        {
            what: way,
            "ms": 1e3 * statistics.median(taken),
            "relative": statistics.median(one / other for one, other in zip(taken, times[reference], strict=True)),
        }
        for way, taken in times.items()
    ]


if __name__ == "__main__":
    print(json.dumps(rate(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))))
