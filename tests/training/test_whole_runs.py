"""Whole runs in memory hold what is on disk, take no more memory than they may, and are safe in threads and workers."""

from __future__ import annotations

import gc
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import xarray as xr

from phigen.errors import WindowError
from phigen.store import reading as store
from phigen.training import whole_runs
from phigen.training.channels import Channels
from phigen.training.whole_runs import CACHE, RunCache
from tests.shared.windows import read, windows_of

RUN = 75 * 3 * 16 * 16 * 4
"""Bytes of a run's velocity and smoke."""

BOTH: dict[str, Any] = {"variables": ("velocity", "smoke"), "normalise": True}
KEPT: list[dict[str, Any]] = [{"in_memory": True}, {"cache": "1 GB"}, {"cache": RUN}]


@pytest.fixture
def opened(built: Path) -> xr.Dataset:
    """A dataset of which nothing is kept yet."""
    return store.open(built)


class Counted(Channels):
    """Channels that remember which runs were read."""

    runs: ClassVar[list[int]] = []

    def read(self, run: int, frames: slice) -> np.ndarray:
        self.runs.append(run)
        return super().read(run, frames)


@pytest.fixture
def counted(opened: xr.Dataset) -> Counted:
    Counted.runs = []
    return Counted.of(opened, ("velocity", "smoke"), normalise=True)


@pytest.mark.parametrize("kept", KEPT, ids=str)
@pytest.mark.parametrize("split", ["train", "test", None])
def test_windows_of_runs_in_memory_are_those_on_disk(
    opened: xr.Dataset, split: str | None, kept: dict[str, Any]
) -> None:
    on_disk, in_memory = (windows_of(opened, split=split, augment="D4", **BOTH, **how) for how in ({}, kept))
    rng = np.random.default_rng(0)
    for _ in range(3):
        indices, elements = rng.integers(len(on_disk), size=12).tolist(), rng.integers(8, size=12).tolist()
        ours, theirs = (np.stack(windows.read(indices, elements)) for windows in (in_memory, on_disk))
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kept", KEPT[:2], ids=str)
def test_a_selection_is_kept_as_it_is_selected(opened: xr.Dataset, kept: dict[str, Any]) -> None:
    whole = windows_of(opened, split=None, cache="1 GB")
    read(whole, 7)
    part = opened.isel(run=[5, 3], x=slice(2, 9), time=slice(1, None, 2))
    on_disk, in_memory = (windows_of(part, split=None, **how) for how in ({}, kept))
    for index in (0, 17, len(on_disk) - 1):
        np.testing.assert_array_equal(read(in_memory, index), read(on_disk, index))


@pytest.mark.parametrize("kept", KEPT[:2], ids=str)
def test_what_is_in_memory_is_not_read_again(built: Path, tmp_path: Path, kept: dict[str, Any]) -> None:
    copy = Path(shutil.copytree(built, tmp_path / "copy.zarr"))
    windows = windows_of(store.open(copy), **BOTH, **kept)
    once = [read(windows, 31 * run) for run in range(16)]
    shutil.rmtree(copy)
    for run in range(16):
        np.testing.assert_array_equal(read(windows, 31 * run), once[run])


def test_the_run_that_was_read_longest_ago_goes_first(counted: Counted) -> None:
    cache = RunCache()
    cache.limit = 3 * RUN - 1
    for run in (0, 1, 0, 2, 0, 2, 1):
        assert cache.read(1, counted, run).shape == (75, 3, 16, 16)
        assert cache.size <= cache.limit
    assert counted.runs == [0, 1, 2, 1]
    assert cache.size == 2 * RUN


def test_windows_of_one_dataset_share_what_is_kept(opened: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (windows_of(opened, cache="1 GB", split=split, **BOTH) for split in ("train", None))
    others = windows_of(opened, cache="1 GB", split=None, **{**BOTH, "normalise": False})
    values = read(first, 3)
    monkeypatch.delattr(Channels, "read")
    np.testing.assert_array_equal(read(second, 3), values)
    with pytest.raises(AttributeError):
        read(others, 3)


def test_what_is_kept_goes_with_the_dataset_and_its_windows(built: Path) -> None:
    gc.collect()
    before = CACHE.size
    dataset = store.open(built)
    windows = windows_of(dataset, cache="1 GB", **BOTH)
    read(windows, 0)
    assert CACHE.size == before + RUN
    del windows
    gc.collect()
    assert CACHE.size == before + RUN
    windows = windows_of(built, cache="1 GB", **BOTH)
    read(windows, 0)
    del dataset
    gc.collect()
    assert CACHE.size == before + RUN
    del windows
    gc.collect()
    assert CACHE.size == before


def test_threads_read_the_same_values_and_stay_in_the_limit(counted: Counted) -> None:
    cache = RunCache()
    cache.limit = 3 * RUN
    expected = [Channels.read(counted, run, slice(None)) for run in range(6)]

    def reading(seed: int) -> bool:
        order = np.random.default_rng(seed).integers(6, size=30).tolist()
        return all(np.array_equal(cache.read(1, counted, run), expected[run]) for run in order)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(reading, range(8)))
    assert cache.size == 3 * RUN


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        ("1 GB", 10**9),
        ("1.5MiB", 3 * 2**19),
        (" 2 gb ", 2 * 10**9),
        ("700 kB", 700_000),
        ("800000", 800_000),
        (10**6, 10**6),
    ],
)
def test_a_size_is_a_number_of_bytes(opened: xr.Dataset, size: str | int, limit: int) -> None:
    windows = windows_of(opened, cache=size, **BOTH)
    assert isinstance(windows.whole_runs, whole_runs.CachedRuns)
    assert windows.whole_runs.limit == limit
    assert CACHE.limit >= limit


@pytest.mark.parametrize("size", ["lots", "", "-1 GB", "1 XB", "1 iB", "GB", "1e9", -1, True])
def test_what_is_no_size_is_refused(opened: xr.Dataset, size: Any) -> None:
    with pytest.raises(WindowError) as refused:
        windows_of(opened, cache=size)
    assert str(refused.value) == (f"cache: must be a size in bytes, such as 500 MB or 1 GB, got {size!r}; name one")


def test_a_cache_that_holds_no_run_is_refused(opened: xr.Dataset) -> None:
    with pytest.raises(WindowError) as refused:
        windows_of(opened, cache="200 kB", **BOTH)
    assert str(refused.value) == (
        "cache: a run takes 0.23 MB, got 200 kB; choose a larger size, at best one that holds all runs"
    )


@pytest.mark.parametrize("kept", KEPT, ids=str)
def test_a_spawned_worker_is_sent_no_values(opened: xr.Dataset, kept: dict[str, Any]) -> None:
    windows = windows_of(opened, **BOTH, **kept)
    values = read(windows, 40)
    pickled = pickle.dumps(windows)
    assert len(pickled) < 20_000
    np.testing.assert_array_equal(read(pickle.loads(pickled), 40), values)


FORKING = """\
import os, sys, threading
import phigen
from phigen.training.windows import Windows

dataset = phigen.open(sys.argv[1])
windows = Windows.of(dataset, input=3, horizon=2, split="train", normalise=True, variables="velocity", augment=None,
                     cache="400 kB")
here = [windows.read([31 * run], [0])[0].copy() for run in range(6)]
stop = threading.Event()

def reading():
    while not stop.is_set():
        for run in range(6):
            windows.read([31 * run], [0])

threads = [threading.Thread(target=reading) for _ in range(2)]
for thread in threads:
    thread.start()
statuses = []
for _ in range(10):
    child = os.fork()
    if child == 0:
        there = [windows.read([31 * run], [0])[0] for run in range(6)]
        phigen.open(sys.argv[1])
        os._exit(0 if all((a == b).all() for a, b in zip(here, there, strict=True)) else 3)
    statuses.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(statuses)
"""


@pytest.mark.slow
def test_a_child_forked_while_threads_read_reads_on(built: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING, built], capture_output=True, text=True, timeout=120
    )
    assert done.stdout == f"{[0] * 10}\n", done.stderr
