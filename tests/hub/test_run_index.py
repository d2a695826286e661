"""The index says of each run what the store says, what was measured, and null where nothing was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.hub.run_index import run_table, write_run_table
from phigen.measurement.data_error import average, measure_runs, summarize
from phigen.recipe.loading import parse
from phigen.store.metadata import PER_RUN
from phigen.store.reading import open as open_dataset
from tests.shared.recipes import SMALL

ORBITS = SMALL + "vary: {strength: [0.1, 0.2]}\n"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    """Two levels of two orbits of four tiny runs."""
    path = tmp_path_factory.mktemp("index") / "small.zarr"
    build(parse(ORBITS), path, workers=1)
    return open_dataset(path)


def test_a_row_has_all_that_the_store_says_of_a_run(dataset: xr.Dataset) -> None:
    index = run_table(dataset, measure_runs(dataset))
    assert index.column_names[: 1 + len(PER_RUN)] == ["run", *PER_RUN]
    assert index["run"].to_pylist() == list(range(16))
    of_runs = [str(name) for name, coordinate in dataset.coords.items() if "run" in coordinate.dims]
    assert len(of_runs) == 10
    assert all(index[name].to_pylist() == dataset[name].values.tolist() for name in of_runs)
    assert index["largest_courant"].to_pylist() == dataset["courant"].max("time").values.tolist()


def test_errors_of_runs_average_to_the_datasets_own(dataset: xr.Dataset) -> None:
    """The mean over runs but the first ones, and their quadratic mean for l2."""
    errors = measure_runs(dataset)
    index = run_table(dataset, errors).to_pandas()
    total = summarize(average(errors))
    others = index[index["element"] != "identity"].groupby("level")
    for variable in ("smoke", "velocity"):
        expected = total.sel(variable=variable)
        np.testing.assert_allclose(others[f"{variable}_mae"].mean(), expected["mae"], rtol=1e-12)
        squares = others[f"{variable}_l2"].agg(lambda values: np.sqrt(np.mean(values**2)))
        np.testing.assert_allclose(squares, expected["l2"], rtol=1e-12)
    assert (index.loc[index["element"] == "identity", ["smoke_mae", "velocity_l2"]] == 0).all(axis=None)
    assert (index.loc[(index["element"] != "identity") & (index["level"] == 1), "smoke_mae"] > 0).all()


def test_several_inflows_and_regions_are_lists(tmp_path: Path) -> None:
    halves = "  regions:\n    - {x: [0, 8]}\n    - {x: [8, 16], factor: 2}\n"
    two = SMALL.replace("[{center: [8, 3], radius: 2}]", "[{center: [5, 3], radius: 2}, {center: [9, 3], radius: 1}]")
    recipe = parse(two.split("symmetry:")[0] + halves)
    build(recipe, tmp_path / "s.zarr", workers=1)
    index = run_table(open_dataset(tmp_path / "s.zarr"), None)
    assert index["inflow_x"].to_pylist() == [[5.0, 9.0]]
    assert index["inflow_radius"].to_pylist() == [[2.0, 1.0]]
    assert index["region_right"].to_pylist() == [[8.0, 16.0]]
    assert not [name for name in index.column_names if name.endswith(("_mae", "_l2"))]


def test_what_is_not_known_is_null(dataset: xr.Dataset) -> None:
    unknown = dataset[["smoke", "courant"]].load()
    unknown["courant"][3] = np.nan
    errors = measure_runs(unknown)
    errors["mae"][5] = np.nan
    index = run_table(unknown, errors)
    assert [row for row in range(16) if index["largest_courant"][row].as_py() is None] == [3]
    assert [row for row in range(16) if index["smoke_mae"][row].as_py() is None] == [5]
    assert not {"largest_divergence", "velocity_mae"} & set(index.column_names)


def test_the_same_index_is_the_same_bytes_and_reads_back(dataset: xr.Dataset, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_run_table(run_table(dataset, measure_runs(dataset)), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert pq.read_table(tmp_path / "one").equals(run_table(dataset, measure_runs(dataset)))
