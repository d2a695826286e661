"""torch's Dataset of windows: stored values, normalised and acted on, the same in every kind of worker process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.errors import WindowError
from phigen.store import reading as store
from phigen.symmetry.point_groups import POINT_GROUPS, turn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def dataset(longer: Path) -> xr.Dataset:
    return store.open(longer)


def test_an_item_is_the_inputs_and_what_follows(dataset: xr.Dataset) -> None:
    windows = phigen.torch.Windows(dataset, normalise=False)
    assert len(windows) == 8 * 6
    inputs, targets = windows[7]
    assert (inputs.shape, targets.shape) == ((10, 2, 16, 16), (20, 2, 16, 16))
    assert (inputs.dtype, targets.dtype) == (torch.float32, torch.float32)
    stored = dataset["velocity"].isel(run=1, time=slice(1, 31)).values
    np.testing.assert_array_equal(torch.cat([inputs, targets]).numpy(), stored)
    assert torch.equal(windows[-1][0], windows[47][0])
    for index in (48, -49):
        with pytest.raises(IndexError, match="window index must be from 0 to 47"):
            windows[index]


def test_a_dataset_may_be_given_by_its_path(longer: Path, dataset: xr.Dataset) -> None:
    for place in (longer, str(longer)):
        assert torch.equal(phigen.torch.Windows(place)[5][1], phigen.torch.Windows(dataset)[5][1])


def test_what_there_is_no_window_of_is_refused(dataset: xr.Dataset) -> None:
    with pytest.raises(WindowError, match="split: the dataset has train, got test; choose"):
        phigen.torch.Windows(dataset, split="test")


def test_normalising_is_undone(dataset: xr.Dataset) -> None:
    chosen = {"variables": ("smoke", "velocity")}
    windows, plain = phigen.torch.Windows(dataset, **chosen), phigen.torch.Windows(dataset, **chosen, normalise=False)
    (inputs, targets), (stored, _) = windows[9], plain[9]
    assert torch.equal(windows.normalise(stored), inputs)
    torch.testing.assert_close(windows.denormalise(inputs), stored)
    torch.testing.assert_close(windows.denormalise(torch.stack([targets])), torch.stack([plain[9][1]]))
    assert windows.denormalise(inputs.double()).dtype == torch.float64
    assert torch.equal(plain.normalise(stored), stored)
    assert torch.equal(plain.denormalise(stored), stored)


def test_one_element_drawn_by_torch_acts_on_inputs_and_targets(dataset: xr.Dataset) -> None:
    data = dataset.isel(run=[0], time=slice(0, 30)).load()
    data["velocity"].values = np.random.default_rng(0).normal(size=data["velocity"].shape).astype(np.float32)
    windows = phigen.torch.Windows(data, augment="D4", normalise=False)
    acted_on = {turn(data, name)["velocity"].values[0].tobytes(): name for name in POINT_GROUPS["D4"]}

    def drawn(seed: int) -> list[str]:
        torch.manual_seed(seed)
        return [acted_on[torch.cat(windows[0]).numpy().tobytes()] for _ in range(60)]

    assert set(drawn(0)) == set(POINT_GROUPS["D4"])
    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)


@pytest.mark.parametrize("kept", [{}, {"cache": "1 GB"}, {"in_memory": True}], ids=str)
def test_the_items_of_a_batch_are_those_read_one_by_one(dataset: xr.Dataset, kept: dict[str, Any]) -> None:
    chosen = [5, 30, -1, 6, 5, 0, 47]
    windows = phigen.torch.Windows(dataset, augment="D4", **kept)
    torch.manual_seed(4)
    batch = windows.__getitems__(chosen)
    torch.manual_seed(4)
    for (inputs, targets), (one_inputs, one_targets) in zip(batch, map(windows.__getitem__, chosen), strict=True):
        assert torch.equal(inputs, one_inputs)
        assert torch.equal(targets, one_targets)
    with pytest.raises(IndexError, match="window index must be from 0 to 47, got 48"):
        windows.__getitems__([0, 48])


def test_batches_of_a_loader_come_in_the_order_of_the_sampler(dataset: xr.Dataset) -> None:
    windows = phigen.torch.Windows(dataset)
    order = torch.randperm(48).tolist()
    loader = torch.utils.data.DataLoader(torch.utils.data.Subset(windows, order), batch_size=10)
    loaded = torch.cat([inputs for inputs, _ in loader])
    assert torch.equal(loaded, torch.stack([windows[index][0] for index in order]))


@pytest.mark.parametrize("kept", [{}, {"cache": "1 GB"}, {"in_memory": True}], ids=str)
def test_an_item_may_be_changed_in_place(dataset: xr.Dataset, kept: dict[str, Any]) -> None:
    windows = phigen.torch.Windows(dataset, **kept)
    inputs, _ = windows[3]
    before = inputs.clone()
    inputs += 1
    assert torch.equal(windows[3][0], before)


def test_what_is_pickled_for_a_worker_is_small(dataset: xr.Dataset) -> None:
    windows = phigen.torch.Windows(dataset)
    pickled = pickle.dumps(windows)
    assert len(pickled) < 20_000
    assert torch.equal(pickle.loads(pickled)[11][0], windows[11][0])


LOADING = """\
import sys
import torch
import xarray
import phigen, phigen.torch
from torch.utils.data import DataLoader

def loaded(dataset, **how):
    torch.manual_seed(3)
    return list(DataLoader(phigen.torch.Windows(dataset, **how.pop("windows", {})), batch_size=5, **how))

def same(some, others):
    assert len(some) == len(others) == 10
    assert all(torch.equal(a, b) for one, other in zip(some, others, strict=True) for a, b in zip(one, other))

if __name__ == "__main__":
    with_dask = xarray.open_zarr(sys.argv[1])
    with_dask["smoke"].isel(run=0).values  # zarr's thread runs, and dask's, before workers are forked
    ours, zarrs = phigen.open(sys.argv[1]), xarray.open_zarr(sys.argv[1], chunks=None)
    here = loaded(ours)
    for opened, start in ((ours, "fork"), (ours, "spawn"), (zarrs, "fork"), (with_dask, "fork")):
        same(here, loaded(opened, num_workers=2, multiprocessing_context=start))
    for kept in ({"cache": "400 kB"}, {"cache": "1 GB"}, {"in_memory": True}):
        for start in ("fork", "spawn"):
            same(here, loaded(ours, windows=kept, num_workers=2, multiprocessing_context=start))
    augmented = [loaded(ours, windows={"augment": "C4"}, num_workers=2) for _ in range(2)]
    same(*augmented)
    assert not torch.equal(augmented[0][0][0], here[0][0])
    print("the same")
"""


@pytest.mark.slow
def test_forked_and_spawned_workers_give_the_same_items(longer: Path, tmp_path: Path) -> None:
    script = tmp_path / "loading.py"
    script.write_text(LOADING)
    done = subprocess.run([sys.executable, script, longer], capture_output=True, text=True, timeout=300)
    assert done.stdout == "the same\n", done.stderr


def test_without_torch_one_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['torch'] = None; import phigen; phigen.batches; from phigen.torch import Windows"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: phigen.torch: needs torch, which is not installed; pip install torch"
    )
