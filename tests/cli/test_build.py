"""Building from the command line, up to a picture."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.shared.command import run_here, succeeds, succeeds_here
from tests.shared.files import files_of
from tests.shared.recipes import SMALL


def test_a_dataset_is_built_inspected_measured_and_drawn(small_file: Path, tmp_path: Path) -> None:
    built = succeeds("build", small_file, cwd=tmp_path)
    path = tmp_path / "datasets" / "small.zarr"
    assert "8 runs, 8 of them written" in built
    assert re.search(r"level +smoke +velocity\n.*\n +0 +0 +0\n +1 +0\.\d+ +0\.\d+\n", built)
    before = files_of(path)
    assert "already finished, 8 runs; nothing to do" in succeeds("build", small_file, cwd=tmp_path)
    assert files_of(path) == before
    assert re.search(r"runs stored +8\n", succeeds("inspect", path))
    assert "rotate270" in succeeds("measure", path)
    picture = Path(succeeds("preview", path).strip())
    assert picture == path.with_suffix(".png")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_build_prints_its_errors_as_json(small_file: Path, tmp_path: Path) -> None:
    built = json.loads(succeeds_here("build", small_file, "--out", tmp_path / "s.zarr", "--json"))
    assert (built["runs"], built["written"]) == (8, 8)
    assert built["errors"][0] == {
        "level": 0.0,
        "variable": "smoke",
        "mae": 0.0,
        "l2": 0.0,
        "relative": 0.0,
        "resampling": 0.0,
        "mae_by_element": {"rotate90": 0.0, "rotate180": 0.0, "rotate270": 0.0},
    }


def test_a_build_in_the_lab_frame_prints_the_rounding_floor(tmp_path: Path) -> None:
    recipe = tmp_path / "lab.yaml"
    recipe.write_text(SMALL.replace("group: C4", "group: C4\n  reference_frame: lab"))
    assert "rounding floor of velocity" in succeeds_here("build", recipe, "--out", tmp_path / "s.zarr")
    assert "rounding_floor" in succeeds_here("measure", tmp_path / "s.zarr").splitlines()[0]


def test_a_dataset_without_a_group_is_not_measured(tmp_path: Path) -> None:
    recipe = tmp_path / "plain.yaml"
    recipe.write_text(SMALL.split("symmetry:")[0])
    assert "no symmetry group: nothing to measure" in succeeds_here("build", recipe, "--out", tmp_path / "s.zarr")


def test_the_dataset_of_another_recipe_is_refused_with_a_way_to_go_on(small_store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(SMALL + "precision: single\n")
    before = files_of(small_store)
    done = run_here("build", other, "--out", small_store)
    assert done.exit_code == 1
    assert "was built from another recipe" in done.stderr
    assert "--out" in done.stderr
    assert files_of(small_store) == before
