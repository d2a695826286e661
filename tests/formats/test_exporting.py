"""Exports are whole or not there, hold every bit, and plain tools read them."""

from __future__ import annotations

import csv
import json
import resource
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.building.builder import build
from phigen.errors import FormatError, StoreError
from phigen.formats.exporting import FORMATS, default_path
from phigen.measurement.data_error import measure
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store.metadata import index_of
from phigen.store.reading import open as open_dataset
from tests.shared.files import abandoned, files_of
from tests.shared.recipes import SMALL

WRITTEN = [pytest.param(name, marks=[pytest.mark.torch] if name == "wang2022" else []) for name in FORMATS]


@pytest.fixture(scope="module")
def built(small: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(small, tmp_path_factory.mktemp("built") / "small.zarr", workers=1).path


def test_plain_numpy_reads_every_bit(built: Path, tmp_path: Path) -> None:
    path, dataset = phigen.export(built, tmp_path / "arrays", format="npy"), open_dataset(built)
    for name in (*dataset.data_vars, "time", "x", "y"):
        variable = dataset[name]
        loaded = np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        assert loaded.dtype == variable.dtype
        np.testing.assert_array_equal(loaded, variable.values)
    assert np.load(path / "component.npy").tolist() == ["x", "y"]
    with (path / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["strength"]) for row in rows] == dataset["strength"].values.tolist()
    assert [(row["run"], row["element"]) for row in rows[:2]] == [("0", "identity"), ("1", "rotate90")]
    content = json.loads((path / "attributes.json").read_text())
    assert content["attributes"] == dataset.attrs
    assert content["variables"]["velocity"]["dims"] == ["run", "time", "component", "y", "x"]
    assert content["variables"]["velocity"]["units"] == "cell step-1"


def test_attributes_that_json_does_not_know_are_numbers_or_text(built: Path, tmp_path: Path) -> None:
    """Other stores and files have arrays among their attributes, and users whatever they like."""
    own = {"sizes": np.array([1, 2]), "factor": np.float32(0.5), "day": date(2026, 1, 2), "steps": True, "empty": []}
    for format in ("npy", "netcdf"):
        phigen.export(open_dataset(built).isel(run=[0]).assign_attrs(own), tmp_path / format, format=format)
    attributes = json.loads((tmp_path / "npy" / "attributes.json").read_text())["attributes"]
    assert (attributes["sizes"], attributes["factor"], attributes["day"]) == ([1, 2], 0.5, "2026-01-02")
    with xr.open_dataset(tmp_path / "netcdf", engine="h5netcdf") as loaded:
        assert loaded.attrs["sizes"].tolist() == [1, 2]
        assert (loaded.attrs["day"], loaded.attrs["steps"], loaded.attrs["empty"]) == ('"2026-01-02"', "true", "[]")


def test_plain_xarray_reads_every_bit_of_the_netcdf_file(built: Path, tmp_path: Path) -> None:
    path, dataset = phigen.export(built, tmp_path / "small.nc", format="netcdf"), open_dataset(built)
    with xr.open_dataset(path, engine="h5netcdf") as loaded:
        assert set(loaded.coords) == set(dataset.coords)
        for name, variable in dataset.variables.items():
            assert loaded[name].dims == variable.dims
            np.testing.assert_array_equal(loaded[name].values, variable.values)
        assert {str(v.dtype) for v in loaded[["smoke", "velocity"]].values()} == {"float32"}
        assert loaded["velocity"].attrs["std"].tolist() == dataset["velocity"].attrs["std"]
        assert loaded.attrs["recipe"] == dataset.attrs["recipe"]
        assert json.loads(loaded.attrs["versions"]) == dataset.attrs["versions"]
        xr.testing.assert_identical(measure(loaded), measure(dataset))


def test_coordinates_of_several_inflows_are_several_columns(tmp_path: Path) -> None:
    two = "[{center: [8, 3], radius: 2}, {center: [4, 5], radius: 1.5}]"
    index = index_of(plan(parse(SMALL.replace("[{center: [8, 3], radius: 2}]", two))))
    path = phigen.export(index, tmp_path / "arrays", format="npy")
    with (path / "index.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[1]
    assert (row["inflow_x_0"], row["inflow_x_1"], row["inflow_radius_1"]) == ("13.0", "11.0", "1.5")


@pytest.mark.parametrize("format", WRITTEN)
def test_a_selection_is_exported_with_progress(format: str, built: Path, tmp_path: Path) -> None:
    dataset = open_dataset(built)
    calls: list[tuple[str, int, int]] = []
    path = phigen.export(
        dataset.isel(run=dataset["level"] == 1, time=slice(0, 3)),
        tmp_path / "new" / "out",
        format=format,
        progress=lambda *call: calls.append(call),
    )
    assert path.exists()
    assert calls[0] == ("exporting", 0, 4)
    assert calls[-1] == ("exporting", 4, 4)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert [file.name for file in path.parent.iterdir()] == ["out"]


@pytest.mark.parametrize("format", WRITTEN)
def test_an_interrupted_export_leaves_nothing(format: str, built: Path, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        phigen.export(built, tmp_path / "out", format=format, progress=interrupt)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(eq10: Path, tmp_path: Path) -> None:
    arguments = ["export", str(eq10), "--format", "npy", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "phigen", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.iterdir()):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == "interrupted\n"
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_there_is_left_alone(format: str, built: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "folder", "link"):
        with pytest.raises(FormatError, match="exists already; delete it, or choose another place with --out"):
            phigen.export(built, tmp_path / name, format=format)
    with pytest.raises(FormatError, match=r"cannot be written, .*; choose another place"):
        phigen.export(built, tmp_path / "file" / "out", format=format)
    assert files_of(tmp_path) == {"file": b"mine"}
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder", "link"}


def test_a_draft_of_an_export_that_was_killed_is_replaced(built: Path, tmp_path: Path) -> None:
    abandoned(tmp_path / "out")
    path = phigen.export(built, tmp_path / "out", format="npy")
    assert not (path / "half").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_a_disk_without_space_for_an_array_is_one_line_and_leaves_nothing(built: Path, tmp_path: Path) -> None:
    """As a limit on the size of files, which is met before an array is mapped into memory."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(
            FormatError, match=r"out: cannot be written, File too large; choose another place"
        ) as caught:
            phigen.export(built, tmp_path / "out", format="npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_one_line(built: Path, tmp_path: Path) -> None:
    dataset = open_dataset(built)
    for exported, format, fault in (
        (dataset, "zip", "format: unknown, got 'zip'; choose one of wang2022, well, npy, netcdf"),
        (dataset.isel(run=0), "npy", "no dim run; select with a list or slice"),
        (dataset[["velocity"]].isel(x=slice(0, 8)), "wang2022", "got 8 of 16 cells along x; export before selecting"),
        (dataset[["smoke"]], "wang2022", "got boundaries closed, closed, closed, closed and smoke; build it with"),
        (dataset.assign_attrs(boundaries=["open"] * 4), "wang2022", "only in a closed box, got boundaries open, open"),
        (dataset[["courant"]], "well", "holds fields in cell centres, got courant; build it with"),
        (dataset.drop_attrs(), "well", "needs the boundary condition of each side, got none; set the attribute"),
    ):
        with pytest.raises(FormatError, match=fault) as caught:
            phigen.export(exported, tmp_path / "out", format=format)
        assert "\n" not in str(caught.value)
    with pytest.raises(StoreError, match="no such dataset"):
        phigen.export(tmp_path / "none.zarr", tmp_path / "out", format="npy")
    assert not list(tmp_path.iterdir())


def test_an_export_goes_beside_its_dataset(tmp_path: Path) -> None:
    names = [default_path(str(tmp_path / "a.b.zarr"), format) for format in FORMATS]
    assert [path.name for path in names] == ["a.b-wang2022", "a.b-well", "a.b-npy", "a.b.nc"]
    assert {path.parent for path in names} == {tmp_path}
