"""Windows cross no run, split or gap, hold what is stored there, and normalising them commutes with the group."""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import phigen
from phigen.errors import WindowError
from phigen.store import reading as store
from phigen.symmetry.point_groups import POINT_GROUPS, GroupName, turn
from phigen.training import windows as training
from phigen.training.channels import Field
from tests.shared.windows import read, windows_of


@st.composite
def splits_and_gaps(draw: st.DrawFn) -> xr.Dataset:
    """Runs of any split and frames with gaps, which are longer than the step; the step is the most common distance."""
    step = draw(st.integers(1, 3))
    is_gap = draw(st.lists(st.sampled_from([False, False, False, True]), max_size=30))
    gaps = iter(range(step + 1, 99))
    distances = [step, step, *(next(gaps) if gap else step for gap in is_gap)]
    times = np.cumsum([draw(st.integers(0, 5)), *distances])
    homes = draw(st.lists(st.sampled_from(["train", "validation", "test"]), min_size=1, max_size=5))
    attributes = {}
    for name in ("train", "test"):
        if draw(st.booleans()):
            attributes[f"frames_{name}"] = sorted(draw(st.tuples(*[st.sampled_from(times.tolist())] * 2)))
    shape = (len(homes), len(times), 2, 2)
    return xr.Dataset(
        {"smoke": (("run", "time", "y", "x"), np.arange(np.prod(shape), dtype=np.float32).reshape(shape))},
        coords={"time": times, "split": ("run", homes)},
        attrs=attributes | {"step": step},
    )


@given(splits_and_gaps(), st.sampled_from([None, "train", "validation", "test"]), st.integers(1, 4), st.integers(1, 4))
def test_there_is_a_window_wherever_frames_follow_one_another_in_a_run_and_a_split(
    data: xr.Dataset, split: str | None, first: int, then: int
) -> None:
    homes, times = data["split"].values.tolist(), data["time"].values.tolist()
    only_frames = set(homes) == {"train"} and f"frames_{split}" in data.attrs
    low, high = data.attrs.get(f"frames_{split}", (0, 10**9)) if split else (0, 10**9)
    expected = [
        (run, start)
        for run, home in enumerate(homes)
        for start in range(len(times) - first - then + 1)
        if (split is None or home == split or only_frames)
        and low <= times[start]
        and times[start + first + then - 1] <= high
        and times[start + first + then - 1] - times[start] == (first + then - 1) * data.attrs["step"]
    ]
    arguments: dict[str, Any] = {"input": first, "horizon": then, "split": split, "variables": ("smoke",)}
    if not expected:
        with pytest.raises(WindowError, match=r"without a gap|split: the dataset has"):
            windows_of(data, **arguments)
        return
    windows = windows_of(data, **arguments)
    assert [windows.place(i) for i in range(len(windows))] == expected
    run, start = expected[-1]
    frames = data["smoke"].values[run, start : start + first + then, None]
    np.testing.assert_array_equal(read(windows, len(windows) - 1), frames)


def test_a_table_of_millions_of_windows_is_small() -> None:
    data = xr.Dataset(
        {"smoke": (("run", "time", "y", "x"), np.broadcast_to(np.float32(0), (100_000, 310, 2, 2)))},
        coords={"time": np.arange(310)},
    )
    windows = windows_of(data, split=None, variables="smoke")
    assert len(windows) == 100_000 * 306
    assert windows.place(len(windows) - 1) == (99_999, 305)
    assert windows.before.nbytes + windows.begins.nbytes < 100


SELECTED: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "all": lambda data: data,
    "some runs": lambda data: data.isel(run=[5, 3, 3]),
    "runs by meaning": lambda data: data.isel(run=data["level"] == 1),
    "one run": lambda data: data.isel(run=9),
    "every other frame": lambda data: data.isel(time=slice(2, None, 2)),
    "frames with a gap": lambda data: data.isel(time=[0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 14]),
    "some cells": lambda data: data.isel(x=slice(4, 12), y=[3, 1]),
    "dims in another order": lambda data: data.transpose("x", "component", "run", "y", "time", ...),
    "in memory": lambda data: data.load(),
    "dask": lambda data: data.chunk(run=2),
    "double precision": lambda data: data.astype(np.float64),
}


@pytest.mark.parametrize("selection", SELECTED)
@pytest.mark.parametrize("opened_by", ["phigen", "zarr"])
def test_a_window_holds_what_the_selected_dataset_has_there(built: Path, selection: str, opened_by: str) -> None:
    opened = store.open(built) if opened_by == "phigen" else xr.open_zarr(built, chunks=None)
    data = SELECTED[selection](opened)
    windows = windows_of(data, split=None, variables=("smoke", "velocity"))
    assert windows.shape == (5, 3, data.sizes["y"], data.sizes["x"])
    for index in np.random.default_rng(0).integers(len(windows), size=8).tolist():
        run, start = windows.place(index)
        there = data.isel(time=slice(start, start + 5), **({"run": run} if "run" in data.dims else {}))
        parts = [there["smoke"].expand_dims("component"), there["velocity"]]
        expected = np.concatenate([part.transpose("time", "component", "y", "x").values for part in parts], axis=1)
        np.testing.assert_array_equal(read(windows, index), expected.astype(np.float32))
    assert np.unique(np.diff(data["time"].values[start : start + 5])).size == 1


def test_reading_a_window_leaves_data_in_memory_as_they_are(dataset: xr.Dataset) -> None:
    data = dataset.isel(run=[0]).load()
    before = data.copy(deep=True)
    read(windows_of(data, normalise=True, augment="D4"), 3, 5)[...] = 0
    xr.testing.assert_identical(data, before)


def test_a_split_is_its_runs_and_its_frames(dataset: xr.Dataset) -> None:
    assert len(windows_of(dataset)) == 16 * (35 - 5 + 1)
    assert len(windows_of(dataset, split="test")) == 8 * (35 - 5 + 1)
    assert len(windows_of(dataset, split=None)) == 24 * (75 - 5 + 1)
    future = windows_of(dataset.isel(run=dataset["split"] == "train"), split="test")
    assert len(future) == 16 * (35 - 5 + 1)
    assert dataset["time"].values[future.place(0)[1]] == 41


REFUSED: dict[str, tuple[Callable[[xr.Dataset], xr.Dataset], dict[str, Any]]] = {
    r"split: the dataset has train, test, got validation; choose": (lambda d: d, {"split": "validation"}),
    r"split: the dataset has test, got train; choose one": (lambda d: d.isel(run=d["split"] == "test"), {}),
    r"split: the dataset has no splits, got train; choose": (lambda d: d.drop_vars("split"), {}),
    r"longest stretch of train without a gap has 35 frames, got windows of 30 \+ 6;": (
        lambda d: d,
        {"input": 30, "horizon": 6},
    ),
    r"the longest stretch of all frames without a gap has 1 frames,": (lambda d: d.isel(time=[3]), {"split": None}),
    r"the longest stretch of all frames without a gap has 0 frames,": (lambda d: d.isel(time=[]), {"split": None}),
    r"the dataset has no dim time; select frames with a list": (lambda d: d.isel(time=3), {}),
    r"variables: .*velocity.*, got vorticity; choose": (lambda d: d, {"variables": ("smoke", "vorticity")}),
    r"variables: needs at least one, got none": (lambda d: d, {"variables": ()}),
    r"buoyancy must be a field .*, got dims run 24, time 75": (lambda d: d, {"variables": ("buoyancy",)}),
    r"velocity must be a field in cell centres with all its components": (lambda d: d.isel(component=0), {}),
    r"velocity must be a field .* component 1, y 16": (lambda d: d.isel(component=[0]), {}),
    r"smoke must be a field in cell centres": (lambda d: d.mean("x"), {"variables": ("smoke",)}),
    r"normalise: velocity needs the attributes rms, got none; pass normalise=False": (
        lambda d: d.drop_attrs(deep=True).assign_attrs(d.attrs),
        {"normalise": True},
    ),
    r"normalise: smoke needs the attributes mean and std, got none": (
        lambda d: d.drop_attrs(deep=True).assign_attrs(d.attrs),
        {"normalise": True, "variables": ("smoke",)},
    ),
    r"augment: unknown point group, got 'C8'; choose one of C1, C2": (lambda d: d, {"augment": "C8"}),
    r"augment: C4 needs a square box, got 4 x 16 cells; choose": (lambda d: d.isel(x=slice(4)), {"augment": "C4"}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_there_is_no_window_of_is_refused_in_one_line(dataset: xr.Dataset, message: str) -> None:
    select, arguments = REFUSED[message]
    with pytest.raises(WindowError, match=message) as caught:
        windows_of(select(dataset), **arguments)
    assert "\n" not in str(caught.value)


def test_misuse_is_an_error_of_pythons(dataset: xr.Dataset) -> None:
    with pytest.raises(ValueError, match="input and horizon must be at least 1, got 3 and 0"):
        windows_of(dataset, horizon=0)
    with pytest.raises(ValueError, match="cache and in_memory exclude each other, got '1 GB' and True"):
        windows_of(dataset, cache="1 GB", in_memory=True)
    for index in (-1, 496):
        with pytest.raises(IndexError, match=f"window index must be from 0 to 495, got {index}"):
            windows_of(dataset).place(index)


@pytest.mark.parametrize("group", POINT_GROUPS)
def test_an_element_acts_on_a_window_as_turn_acts_on_fields(noise: xr.Dataset, group: GroupName) -> None:
    windows = windows_of(noise, augment=group, variables=("velocity", "smoke"))
    run, start = windows.place(33)
    there = noise.isel(run=run, time=slice(start, start + 5))
    for number, name in enumerate(POINT_GROUPS[group]):
        turned = turn(there, name)
        expected = np.concatenate([turned["velocity"].values, turned["smoke"].values[:, None]], axis=1)
        np.testing.assert_array_equal(read(windows, 33, number), expected)


def test_normalising_commutes_with_the_group_to_the_last_bit(noise: xr.Dataset) -> None:
    """Also where the components' own statistics differ, by which normalising would break the symmetry."""
    data = noise.copy()
    data["velocity"].attrs |= {"mean": [0.3, -0.1], "rms": [1.5, 0.5]}
    plain = windows_of(data, normalise=True, variables=("velocity", "smoke"), augment="D4")
    for number, name in enumerate(POINT_GROUPS["D4"]):
        turned_before = windows_of(turn(data, name), normalise=True, variables=("velocity", "smoke"))
        np.testing.assert_array_equal(read(plain, 5, number), read(turned_before, 5))
    assert plain.channels.scale[:2].ravel().tolist() == [np.float32(np.sqrt(1.25))] * 2
    assert not plain.channels.mean[:2].any()


def test_normalised_windows_of_the_training_part_have_rms_1_and_mean_0(dataset: xr.Dataset) -> None:
    part = dataset.isel(run=dataset["split"] == "train").sel(time=slice(1, 35))
    windows = windows_of(part, input=34, horizon=1, normalise=True, variables=("velocity", "smoke"))
    values = np.stack([read(windows, run) for run in range(16)]).astype(np.float64)
    np.testing.assert_allclose(np.sqrt(np.mean(values[:, :, :2] ** 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(values[:, :, 2].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(values[:, :, 2].std(), 1, rtol=1e-6)


def test_a_field_that_never_changes_stays_finite(dataset: xr.Dataset) -> None:
    data = xr.zeros_like(dataset.isel(run=[0]).load())
    data["velocity"].attrs["rms"], data["smoke"].attrs["std"] = [0.0, 0.0], 0.0
    data["smoke"].attrs["mean"] = 0.0
    assert not read(windows_of(data, normalise=True, split=None, variables=("velocity", "smoke")), 0).any()


def test_a_window_reads_only_the_chunks_that_it_lies_in(built: Path, tmp_path: Path) -> None:
    """All others are damaged, and what is read is checked."""
    copy = Path(shutil.copytree(built, tmp_path / "copy.zarr"))
    file = copy / "velocity" / "c" / "2" / "0" / "0" / "0" / "0"
    bits = bytearray(file.read_bytes())
    chunks = 8
    index = np.frombuffer(bits[-16 * chunks - 4 : -4], "<u8").reshape(chunks, 2).tolist()
    for place in {p for begin, size in (*index[:1], *index[3:]) for p in range(begin, begin + size)}:
        bits[place] ^= 1
    file.write_bytes(bits)
    windows = windows_of(phigen.open(copy), split=None)
    whole = windows_of(phigen.open(built), split=None)
    first = 2 * (75 - 5 + 1)
    for inside in (10, 25):
        np.testing.assert_array_equal(read(windows, first + inside), read(whole, first + inside))
    for beyond in (9, 26):
        with pytest.raises(ValueError, match=r"(?i)checksum"):
            read(windows, first + beyond)


@pytest.mark.parametrize(
    ("indices", "reads"),
    [
        ([0], [(0, 0, 5)]),
        ([4, 0, 2, 2], [(0, 0, 9)]),
        ([0, 5 + training.NEAR], [(0, 0, 10 + training.NEAR)]),
        ([6 + training.NEAR, 0], [(0, 0, 5), (0, 6 + training.NEAR, 11 + training.NEAR)]),
        ([31 * 3 + 1, 0, 31 * 3], [(0, 0, 5), (3, 0, 6)]),
    ],
)
def test_windows_of_a_batch_that_are_near_each_other_in_a_run_are_read_together(
    dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch, indices: list[int], reads: list[tuple[int, int, int]]
) -> None:
    windows, done, read_field = windows_of(dataset), [], Field.read

    def reading(field: Field, run: int, frames: slice) -> np.ndarray:
        done.append((run, frames.start, frames.stop))
        return read_field(field, run, frames)

    alone = [read(windows, index) for index in indices]
    monkeypatch.setattr(Field, "read", reading)
    batch = windows.read(indices, [0] * len(indices))
    assert sorted(done) == reads
    np.testing.assert_array_equal(np.stack(batch), np.stack(alone))


def test_a_batch_keeps_the_order_and_the_elements_that_it_is_given(noise: xr.Dataset) -> None:
    windows = windows_of(noise, normalise=True, augment="D4", variables=("velocity", "smoke"))
    rng = np.random.default_rng(0)
    indices, elements = rng.integers(len(windows), size=40).tolist(), rng.integers(8, size=40).tolist()
    alone = [read(windows, index, element) for index, element in zip(indices, elements, strict=True)]
    np.testing.assert_array_equal(np.stack(windows.read(indices, elements)), np.stack(alone))


def test_data_that_come_into_memory_later_stay_as_they_are(built: Path) -> None:
    """A window's memory is used again only if it was read from disk, which may be so at first and not later."""
    data = store.open(built)
    windows = windows_of(data, normalise=True)
    before = read(windows, 40)
    data.load()
    stored = data["velocity"].copy(deep=True)
    np.testing.assert_array_equal(read(windows, 40), before)
    xr.testing.assert_identical(data["velocity"], stored)
    in_pieces = store.open(built).chunk(run=1, time=5).persist(scheduler="synchronous")
    stored = in_pieces["velocity"].compute(scheduler="synchronous").copy(deep=True)
    for index in (40, 40):
        np.testing.assert_array_equal(read(windows_of(in_pieces, normalise=True), index), before)
    xr.testing.assert_identical(in_pieces["velocity"].compute(scheduler="synchronous"), stored)


def test_windows_of_a_store_are_pickled_by_its_path(built: Path) -> None:
    windows = windows_of(store.open(built).isel(run=slice(3, 9)), normalise=True)
    pickled = pickle.dumps(windows)
    assert len(pickled) < 20_000
    np.testing.assert_array_equal(read(pickle.loads(pickled), 50), read(windows, 50))


@pytest.mark.slow
@pytest.mark.torch
def test_the_code_of_the_documentation_runs(built: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", document, re.DOTALL))
    assert code.count("Windows(") == 6
    here = code.replace("datasets/rotation.zarr", str(built))
    subprocess.run([sys.executable, "-c", here], check=True, timeout=120)
