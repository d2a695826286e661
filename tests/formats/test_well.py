"""The Well's own loader reads the export, in an environment of its own, because it pins other versions."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.store.metadata import index_of
from phigen.store.reading import open as open_dataset
from tests.shared.recipes import SMALL

PYTHON = Path(__file__).parents[2] / ".venv-well" / "bin" / "python"

LOADER = """\
import json, sys, warnings
import numpy as np
warnings.simplefilter("error")
from the_well.data import WellDataset
from the_well.data.normalization import RMSNormalization, ZScoreNormalization

jobs, out = json.loads(sys.argv[1]), sys.argv[2]
arrays, described = {}, {}
for name, options in jobs.items():
    kind = {"zscore": ZScoreNormalization, "rms": RMSNormalization}.get(options.pop("normalization", None))
    dataset = WellDataset(**options, use_normalization=kind is not None, normalization_type=kind)
    samples = [dataset[i] for i in range(len(dataset))]
    described[name] = {
        "length": len(dataset),
        "fields": dataset.metadata.field_names,
        "scalars": dataset.metadata.constant_scalar_names,
        "varying": dataset.metadata.scalar_names,
        "trajectories": dataset.metadata.n_trajectories_per_file,
        "kinds": dataset.metadata.boundary_condition_types,
    }
    for key in samples[0]:
        arrays[f"{name}/{key}"] = np.stack([sample[key].numpy() for sample in samples])
np.savez(out, **arrays)
print(json.dumps(described))
"""

SPLIT = (
    SMALL.replace("steps: 6", "steps: 12").replace("symmetry:", "vary: {strength: [0.05, 0.1, 0.2]}\nsymmetry:")
    + """\
store: [smoke, velocity, pressure]
splits:
  train: [0]
  validation: [2]
  test: [1]
  frames: {train: [1, 5], test: [9, 11], window: 3}
"""
)
MIXED = SMALL.split("symmetry:")[0].replace(
    "cells: 16", "cells: [16, 12], boundary: {x: periodic, y: {lower: closed, upper: open}}"
)


def load(jobs: dict[str, dict[str, Any]], folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    if not PYTHON.exists():
        pytest.fail(f"{PYTHON.parent.parent.name} is not there; make test makes it")
    command = [PYTHON, "-c", LOADER, json.dumps(jobs), folder / "samples.npz"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "samples.npz") as arrays:
        return json.loads(done.stdout), dict(arrays)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    return open_dataset(build(parse(SPLIT), tmp_path_factory.mktemp("built") / "s.zarr", workers=1).path)


@pytest.fixture(scope="module")
def loaded(
    dataset: xr.Dataset, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The metadata and samples that the loader returns of each part, in windows of three frames."""
    folder = tmp_path_factory.mktemp("well")
    path = str(phigen.export(dataset, folder / "split", format="well"))
    index = index_of(plan(parse(MIXED)))
    noise = np.random.default_rng(0).normal(size=[index.sizes[dim] for dim in ("run", "time", "y", "x")])
    mixed = index.assign(smoke=(("run", "time", "y", "x"), noise.astype(np.float32)))
    other = str(phigen.export(mixed, folder / "mixed", format="well"))
    windows = {"n_steps_input": 2, "n_steps_output": 1}
    parts = {part: {"path": path, "well_split_name": part, **windows} for part in ("train", "valid", "test")}
    jobs = parts | {
        "zscore": parts["train"] | {"normalization": "zscore"},
        "rms": parts["train"] | {"normalization": "rms"},
        "level 1": parts["train"] | {"include_filters": ["level_1"]},
        "future": parts["test"] | {"include_filters": ["future"]},
        "mixed": {"path": other, "well_split_name": "train", **windows},
    }
    return load(jobs, folder)


def windows_of(dataset: xr.Dataset, frames: slice) -> np.ndarray:
    """All windows of three frames, (window, time, x, y, field), as the loader flattens fields."""
    chosen = dataset.sel(time=frames)
    fields = np.stack([chosen["smoke"], chosen["pressure"], *np.moveaxis(chosen["velocity"].values, 2, 0)], axis=-1)
    fields = fields.swapaxes(2, 3)
    return np.stack([run[start : start + 3] for run in fields for start in range(len(run) - 2)])


def fields_in(arrays: dict[str, np.ndarray], part: str) -> np.ndarray:
    return np.concatenate([arrays[f"{part}/input_fields"], arrays[f"{part}/output_fields"]], axis=1)


@pytest.mark.slow
@pytest.mark.well
def test_its_own_loader_gives_every_bit_of_each_part(
    dataset: xr.Dataset, loaded: tuple[dict[str, Any], dict[str, np.ndarray]]
) -> None:
    described, arrays = loaded
    assert described["train"]["fields"] == {"0": ["smoke", "pressure"], "1": ["velocity_x", "velocity_y"], "2": []}
    assert described["train"]["trajectories"] == [4, 4]
    of = {split: dataset.isel(run=dataset["split"] == split) for split in ("train", "validation", "test")}
    np.testing.assert_array_equal(fields_in(arrays, "train"), windows_of(of["train"], slice(1, 5)))
    np.testing.assert_array_equal(fields_in(arrays, "valid"), windows_of(of["validation"], slice(None)))
    future = windows_of(of["train"], slice(9, 11))
    np.testing.assert_array_equal(fields_in(arrays, "future"), future)
    assert described["test"]["length"] == len(windows_of(of["test"], slice(None))) + len(future)
    level = of["train"].isel(run=of["train"]["level"] == 1)
    np.testing.assert_array_equal(fields_in(arrays, "level 1"), windows_of(level, slice(1, 5)))


@pytest.mark.slow
@pytest.mark.well
def test_parameters_and_buoyancy_are_scalars(
    dataset: xr.Dataset, loaded: tuple[dict[str, Any], dict[str, np.ndarray]]
) -> None:
    described, arrays = loaded
    train = dataset.isel(run=dataset["split"] == "train")
    names = described["train"]["scalars"]
    assert {"level", "strength", "inflow_x", "inflow_radius"} <= set(names)
    for name in names:
        expected = np.repeat(train[name].values.astype(np.float32), 3)
        np.testing.assert_array_equal(arrays["train/constant_scalars"][:, names.index(name)], expected)
    assert described["train"]["varying"] == ["buoyancy_x", "buoyancy_y"]
    first = arrays["train/input_scalars"][0]
    np.testing.assert_array_equal(first, train["buoyancy"].values[0, :2].astype(np.float32))


@pytest.mark.slow
@pytest.mark.well
def test_grids_and_boundaries_are_those_of_the_box(loaded: tuple[dict[str, Any], dict[str, np.ndarray]]) -> None:
    described, arrays = loaded
    assert arrays["mixed/space_grid"].shape[1:] == (16, 12, 2)
    assert arrays["mixed/space_grid"][0, 3, 5].tolist() == [3.5, 5.5]
    assert arrays["mixed/boundary_conditions"][0].tolist() == [[2, 2], [0, 1]]
    assert set(described["mixed"]["kinds"]) == {"WALL", "OPEN", "PERIODIC"}
    assert arrays["train/boundary_conditions"][0].tolist() == [[0, 0], [0, 0]]
    assert arrays["train/input_time_grid"][0].tolist() == [0, 1]


@pytest.mark.slow
@pytest.mark.well
def test_its_normalisation_is_that_of_the_training_part(
    dataset: xr.Dataset, loaded: tuple[dict[str, Any], dict[str, np.ndarray]]
) -> None:
    _, arrays = loaded
    plain = fields_in(arrays, "train")

    def statistic(name: str) -> np.ndarray:
        values = [dataset[field].attrs[name] for field in ("smoke", "pressure", "velocity")]
        return np.array([*values[:2], *values[2]])

    zscore = (plain - statistic("mean")) / statistic("std")
    np.testing.assert_allclose(fields_in(arrays, "zscore"), zscore, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fields_in(arrays, "rms"), plain / statistic("rms"), rtol=1e-5)


def test_tiny_statistics_stay_numbers_for_pyyaml(dataset: xr.Dataset, tmp_path: Path) -> None:
    """PyYAML, which the loader reads them with, takes 1e-05 without a point for a word."""
    tiny = dataset[["smoke"]].copy()
    tiny["smoke"].attrs["mean"] = 1e-05
    path = phigen.export(tiny, tmp_path / "out", format="well")
    assert "smoke: 1.0e-05" in (path / "stats.yaml").read_text()
