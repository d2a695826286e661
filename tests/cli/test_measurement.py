"""Commands that look at a dataset."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from tests.shared.command import run_here, succeeds_here
from tests.shared.recipes import SMALL
from tests.shared.stores import prepared


def test_inspect_prints_variables_as_json(small_store: Path) -> None:
    inspected = json.loads(succeeds_here("inspect", small_store, "--json"))
    assert (inspected["finished"], inspected["reference_frame"]) == (True, "orbit")
    assert {v["name"] for v in inspected["variables"]} == {"smoke", "velocity", "buoyancy", "divergence", "courant"}


def test_inspect_reads_an_unfinished_dataset(small: Recipe, tmp_path: Path) -> None:
    prepared(tmp_path / "s.zarr", plan(small))
    facts = json.loads(succeeds_here("inspect", tmp_path / "s.zarr", "--json"))
    assert (facts["finished"], facts["runs_stored"], facts["largest_courant"]) == (False, 0, None)
    assert re.search(
        r"content sha256 +not known before it is finished\n", succeeds_here("inspect", tmp_path / "s.zarr")
    )


def test_measure_prints_one_row_per_frame_and_the_same_as_json(small_store: Path) -> None:
    assert succeeds_here("measure", small_store, "--over-time").count("smoke") == 5
    measured = json.loads(succeeds_here("measure", small_store, "--frames", "1:-1", "--json"))
    assert measured["frames"] == [2, 3, 4]
    first = measured["over_time"][0]
    assert (first["variable"], first["frame"], first["level 0"]) == ("smoke", 2, 0.0)
    assert first["level 1"] > 0


def test_the_rounding_floor_is_printed_with_the_error_and_drawn(copied_store: Path) -> None:
    printed = succeeds_here("measure", copied_store, "--rounding-floor")
    assert re.search(r"variable +frame +level 0 +level 1 +rounding_floor\n", printed)
    picture = copied_store.with_name("small-rounding-floor.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(succeeds_here("measure", copied_store, "--rounding-floor", "--frames", "1:", "--json"))
    assert rows["picture"] == str(picture)
    assert all(0 <= row["rounding_floor"] < 1e-6 for row in rows["errors"] + rows["over_time"])
    assert len(rows["over_time"]) == 2 * len(rows["frames"])


def test_the_errors_of_many_elements_are_printed_in_a_second_table(tmp_path: Path) -> None:
    recipe = tmp_path / "shifts.yaml"
    shifts = "group: translation\n  shifts: {x: {start: 0, step: 2, count: 5}, y: [0, 4]}"
    recipe.write_text(SMALL.split("symmetry:")[0].replace("[8, 3]", "[4, 3]") + f"symmetry:\n  {shifts}\n")
    succeeds_here("build", recipe, "--out", tmp_path / "s.zarr")
    printed = succeeds_here("measure", tmp_path / "s.zarr")
    assert "resampling" not in printed
    assert re.search(r"level +element +smoke +velocity\n", printed)
    assert printed.count("shift(") == 9
    assert Path(succeeds_here("preview", tmp_path / "s.zarr").strip()).exists()


def test_the_convention_of_the_paper_is_named_with_its_faces_and_frames(eq3: Path) -> None:
    printed = succeeds_here("measure", eq3, "--convention", "wang2022")
    assert printed.startswith("convention wang2022: the lower 64 of 65 faces, frames 20 to 58")
    rows = json.loads(succeeds_here("measure", eq3, "--convention", "wang2022", "--json"))["errors"]
    assert [round(row["mae"], 3) for row in rows] == [0, 0.313, 0.896]


def test_preview_writes_a_film(small_store: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    succeeds_here("preview", small_store, "--out", film, "--level", "1")
    assert film.read_bytes().startswith(b"GIF8")


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Two runs of an experiment, the second the reflection of the first but for a constant."""
    first = np.random.default_rng(0).normal(size=(1, 2, 6, 6))
    second = first[..., ::-1] * np.array([-1, 1])[:, None, None] + 0.5
    fields = xr.Dataset({"velocity": (("repetition", "c", "y", "x"), np.concatenate([first, second]))})
    fields.to_netcdf(tmp_path / "experiment.nc", engine="h5netcdf")
    return tmp_path / "experiment.nc"


def test_options_name_the_dims_and_elements_of_data_from_elsewhere(experiment: Path) -> None:
    named = ("--run-dim", "repetition", "--elements", "identity,mirror_x")
    (row,) = json.loads(succeeds_here("measure", experiment, *named, "--json"))["errors"]
    assert row["mae"] == pytest.approx(0.5)


def test_the_old_name_of_an_option_is_a_usage_mistake(experiment: Path) -> None:
    done = run_here("measure", experiment, "--run", "repetition")
    assert done.exit_code == 2
