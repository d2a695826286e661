"""Streamed statistics are those of the values themselves, and only of values for training."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from phigen.building.builder import build
from phigen.recipe.loading import parse
from phigen.store import reading as store
from phigen.store.measured import channels
from phigen.store.statistics import moments_of, statistics

numbers = st.floats(-1e3, 1e3, width=32)
STATISTICS = ("mean", "std", "rms")


@st.composite
def runs(draw: st.DrawFn) -> list[np.ndarray]:
    """Runs of one shape (time, component, y, x), some of a single frame."""
    shape = (draw(st.integers(1, 4)), 2, draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return draw(st.lists(hnp.arrays(np.float32, shape, elements=numbers), min_size=1, max_size=5))


def statistics_of(several: Iterable[np.ndarray]) -> dict[str, dict[str, Any]]:
    """Return the statistics of runs whose velocity is given; their smoke is its first component."""
    fields = ({"smoke": values[:, 0], "velocity": values} for values in several)
    return statistics(np.stack([moments_of(of_run) for of_run in fields]), channels(["smoke", "velocity"]))


def expected(values: Any) -> dict[str, float]:
    values = np.asarray(values, np.float64)
    return {"mean": values.mean(), "std": values.std(), "rms": np.sqrt((values**2).mean())}


@given(runs())
def test_merged_moments_are_those_of_everything_together(several: list[np.ndarray]) -> None:
    found = statistics_of(several)
    together = np.stack(several).astype(np.float64)
    steps = np.diff(together, axis=1)
    for suffix, values in (("", together), ("_delta", steps)):
        if not values.size:
            assert not any(statistic + suffix in found["smoke"] for statistic in STATISTICS)
            continue
        close = {"rtol": 1e-9, "atol": 1e-9 * max(1.0, float(np.abs(values).max()))}
        for statistic in STATISTICS:
            x, y = (expected(values[:, :, i])[statistic] for i in (0, 1))
            np.testing.assert_allclose(found["velocity"][statistic + suffix], [x, y], **close)
            np.testing.assert_allclose(found["smoke"][statistic + suffix], x, **close)


@given(runs())
def test_statistics_do_not_depend_on_how_frames_are_cut_into_runs(several: list[np.ndarray]) -> None:
    """But for one-step differences, which no cut between runs has."""
    whole = statistics_of([np.concatenate(several)])["velocity"]
    parts = statistics_of(several)["velocity"]
    for statistic in STATISTICS:
        np.testing.assert_allclose(parts[statistic], whole[statistic], rtol=1e-9, atol=1e-9)


def test_a_small_spread_about_a_large_mean_is_not_lost() -> None:
    """The mean of squares less the square of the mean would give 0 or worse here."""
    values = 1e9 + np.array([0.0, 1.0, 0.0, 1.0]).reshape(4, 1, 1)
    found = statistics(np.stack([moments_of({"smoke": values})] * 3), channels(["smoke"]))["smoke"]
    assert found["std"] == pytest.approx(0.5, rel=1e-12)
    assert found["mean_delta"] == pytest.approx(1 / 3)


def test_runs_that_are_not_for_training_are_left_out() -> None:
    rng = np.random.default_rng(0)
    tables = np.stack([moments_of({"smoke": rng.standard_normal((3, 4, 4))}) for _ in range(3)])
    others = np.insert(tables, 1, np.nan, axis=0)
    assert statistics(others, channels(["smoke"])) == statistics(tables, channels(["smoke"]))


def test_a_dataset_without_training_runs_has_no_statistics() -> None:
    moments = np.full((2, 3, 2, 3), np.nan)
    assert statistics(moments, channels(["smoke", "velocity"])) == {"smoke": {}, "velocity": {}}
    assert statistics(np.empty((2, 0, 2, 3)), channels([])) == {}


def recipe(strengths: str, splits: str) -> str:
    return f"""\
name: moments
version: 1.0.0
grid: {{cells: 12}}
time: {{steps: 14, frames: {{first: 1, every: 2}}}}
scene:
  inflows: [{{center: [5, 3], radius: 2}}]
  buoyancy: {{strength: 0.1}}
vary: {{strength: {strengths}}}
symmetry: {{group: C2}}
store: [smoke, velocity, faces]
splits: {{{splits}}}
"""


SPLITS = "train: [0, 2], test: [1], frames: {train: [3, 7], test: [11, 13], window: 1}"


def built(path: Path, strengths: str, splits: str) -> xr.Dataset:
    return store.open(build(parse(recipe(strengths, splits)), path, workers=1).path)


def of(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return the statistics among the attributes."""
    return {
        str(name): {key: held for key, held in field.attrs.items() if key.split("_")[0] in STATISTICS}
        for name, field in dataset.items()
    }


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return built(tmp_path_factory.mktemp("moments") / "a.zarr", "[0.1, 0.2, 0.3]", SPLITS)


def test_a_store_holds_the_statistics_of_its_training_runs_and_frames(dataset: xr.Dataset) -> None:
    """Runs 0, 1, 4 and 5 of six, frames 3, 5 and 7 of seven."""
    assert dataset["split"].values.tolist() == ["train", "train", "test", "test", "train", "train"]
    assert dataset.attrs["frames_train"] == [3, 7]
    training = dataset.isel(run=[0, 1, 4, 5]).sel(time=slice(3, 7)).astype("float64").load()
    assert training["time"].values.tolist() == [3, 5, 7]
    for name, held in of(dataset).items():
        if name in ("buoyancy", "divergence", "courant"):
            assert not held
            continue
        over = [dim for dim in training[name].dims if dim != "component"]
        for suffix, values in (("", training[name]), ("_delta", training[name].diff("time"))):
            rms = np.sqrt((values**2).mean(over))
            for statistic, right in (("mean", values.mean(over)), ("std", values.std(over)), ("rms", rms)):
                np.testing.assert_allclose(held[statistic + suffix], right, rtol=1e-9, atol=1e-12)
                assert np.shape(held[statistic + suffix]) == right.shape
        assert len(held) == 6
    whole = dataset["smoke"].astype("float64")
    assert abs(float(whole.mean()) - dataset["smoke"].attrs["mean"]) > 0.01


def test_moments_read_back_merge_to_the_same(dataset: xr.Dataset) -> None:
    """They are in the group `measured`, NaN for runs that are not for training."""
    measured = xr.open_zarr(dataset.encoding["source"], group="measured", consolidated=False, chunks=None)
    assert measured["channel"].values.tolist() == ["smoke", "velocity x", "velocity y", "velocity_x", "velocity_y"]
    lacking = measured["moments"].isnull()
    assert lacking.all(["channel", "kind", "moment"]).values.tolist() == [False, False, True, True, False, False]
    assert not lacking[[0, 1, 4, 5]].any()
    names = ["smoke", "velocity", "velocity_x", "velocity_y"]
    assert statistics(measured["moments"].values, channels(names)) == {name: of(dataset)[name] for name in names}


def test_other_test_runs_do_not_change_the_statistics_and_other_training_runs_do(
    dataset: xr.Dataset, tmp_path: Path
) -> None:
    other_test = built(tmp_path / "b.zarr", "[0.1, 0.9, 0.3]", SPLITS)
    assert not np.array_equal(other_test["smoke"].isel(run=2), dataset["smoke"].isel(run=2))
    assert of(other_test) == of(dataset)
    other_training = built(tmp_path / "c.zarr", "[0.1, 0.2, 0.4]", SPLITS)
    assert of(other_training)["smoke"] != of(dataset)["smoke"]


def test_frames_for_tests_do_not_change_the_statistics(dataset: xr.Dataset, tmp_path: Path) -> None:
    later = built(tmp_path / "d.zarr", "[0.1, 0.2, 0.3]", SPLITS.replace("[11, 13]", "[13, 13]"))
    assert of(later) == of(dataset)
    longer = built(
        tmp_path / "e.zarr", "[0.1, 0.2, 0.3]", SPLITS.replace("[3, 7]", "[3, 9]").replace("11, 13", "13, 13")
    )
    assert of(longer)["smoke"]["mean"] != of(dataset)["smoke"]["mean"]


def test_what_is_not_split_is_all_for_training(tmp_path: Path) -> None:
    whole = built(tmp_path / "w.zarr", "[0.1]", "")
    smoke = whole["smoke"].astype("float64")
    assert whole["smoke"].attrs["mean"] == pytest.approx(float(smoke.mean()))
    assert whole["smoke"].attrs["std_delta"] == pytest.approx(float(smoke.diff("time").std()))
