"""Windows per second from two loader processes, with a cold and a warm page cache, compared with other formats."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import torch
import xarray as xr
from torch.utils.data import DataLoader, Dataset

from phigen.torch import Windows

INPUT, HORIZON = 10, 20
BATCHES, BATCH_SIZE = 60, 32
FILLING = 5
"""Batches before the clock starts: those that workers fetch ahead."""
ROUNDS = 2
COLD, WARM = "windows/s, cold", "windows/s, warm"
ORIGINALS = "all .pt files in memory"


class InMemory(Dataset):
    """Windows as the published training scripts load them: from tensors of all runs in memory."""

    def __init__(self, folder: Path) -> None:
        self.runs = [torch.load(file) for file in sorted(folder.glob("*.pt"))]
        self.windows = len(self.runs[0]) - INPUT - HORIZON + 1

    def __len__(self) -> int:
        return len(self.runs) * self.windows

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        run, first = divmod(index, self.windows)
        window = self.runs[run][first : first + INPUT + HORIZON]
        return window[:INPUT].float(), window[INPUT:].float()


class InHdf5(Dataset):
    """Windows from one array (run, time, ...) in one file, which each worker opens for itself."""

    def __init__(self, path: Path) -> None:
        self.path, self.array = path, None
        with h5py.File(path) as file:
            runs, frames, *_ = file["velocity"].shape
        self.count, self.windows = runs, frames - INPUT - HORIZON + 1

    def __len__(self) -> int:
        return self.count * self.windows

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        if self.array is None:
            self.array = h5py.File(self.path)["velocity"]
        run, first = divmod(index, self.windows)
        window = torch.from_numpy(self.array[run, first : first + INPUT + HORIZON])
        return window[:INPUT], window[INPUT:]


def _windows(path: Path, **kept: Any) -> Windows:
    return Windows(path, input=INPUT, horizon=HORIZON, split=None, **kept)


WAYS = {
    "phigen.torch.Windows": ("built.zarr", _windows),
    "the same, a cache that holds all": ("built.zarr", lambda path: _windows(path, cache="1 GB")),
    "the same, in_memory=True": ("built.zarr", lambda path: _windows(path, in_memory=True)),
    ORIGINALS: ("pt", InMemory),
    "h5py, gzip, chunks of 10 frames": ("gzip.h5", InHdf5),
    "h5py, neither compressed nor chunked": ("plain.h5", InHdf5),
}


def loading(
    recipe: str = "rotation",
    ways: Sequence[str] = tuple(WAYS),
    batches: int = BATCHES,
    filling: int = FILLING,
    rounds: int = ROUNDS,
) -> list[dict[str, Any]]:
    """Load shuffled windows of 10 + 20 frames of velocity, in turn in each way."""
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        _store_in_all_ways(recipe, Path(folder))
        for _ in range(rounds):
            for way, passes in measured.items():
                path = Path(folder) / WAYS[way][0]
                _forget(path)
                printed = subprocess.run(
                    [sys.executable, "-m", "benchmarks.loading", way, str(path), str(batches), str(filling)],
                    check=True,
                    capture_output=True,
                )
                passes.append(json.loads(printed.stdout))
    rows = []
    for way, passes in measured.items():
        medians = {key: statistics.median(one[key] for one in passes) for key in passes[0]}
        ratios = [one[WARM] / other[WARM] for one, other in zip(passes, measured[ORIGINALS], strict=True)]
        rows.append(
            {f"{recipe}, two workers": way, **medians, "warm, relative to .pt in memory": statistics.median(ratios)}
        )
    return rows


def _store_in_all_ways(recipe: str, folder: Path) -> None:
    path = folder / "built.zarr"
    subprocess.run(
        [sys.executable, "-m", "phigen", "build", recipe, "--out", str(path)], check=True, capture_output=True
    )
    velocity = xr.open_zarr(path, chunks=None)["velocity"].values
    (folder / "pt").mkdir()
    for run, fields in enumerate(velocity):
        torch.save(torch.from_numpy(fields), folder / "pt" / f"{run:03}.pt")
    for name, how in (("gzip", {"compression": "gzip", "chunks": (1, 10, *velocity.shape[2:])}), ("plain", {})):
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("velocity", data=velocity, **how)


def _files(path: Path) -> Iterator[Path]:
    return (file for file in (path, *path.rglob("*")) if file.is_file())


def _forget(path: Path) -> None:
    """Have the kernel drop the pages of files; those that a host below it holds, if there is one, stay."""
    for file in _files(path):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def passes(way: str, path: Path, count: int, filling: int) -> dict[str, float]:
    """Load twice, the second time from the page cache or what the workers keep, and return the times."""
    torch.manual_seed(0)
    began = time.perf_counter()
    loader = DataLoader(WAYS[way][1](path), batch_size=BATCH_SIZE, shuffle=True, num_workers=2, persistent_workers=True)
    measured: dict[str, float] = {}
    for cache in (COLD, WARM):
        batches = iter(loader)
        next(batches)
        measured.setdefault("s to the first batch, cold", time.perf_counter() - began)
        for _ in islice(batches, filling - 1):
            pass
        since = time.perf_counter()
        loaded = sum(len(inputs) for inputs, _ in islice(batches, count))
        measured[cache] = loaded / (time.perf_counter() - since)
        del batches
    return measured


if __name__ == "__main__":
    print(json.dumps(passes(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))))
