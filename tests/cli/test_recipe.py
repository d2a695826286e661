"""Commands that look at a recipe."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared.command import run_here, succeeds, succeeds_here
from tests.shared.recipes import GRADED, SMALL


def test_plan_shows_what_a_build_would_do_and_writes_nothing(small_file: Path, tmp_path: Path) -> None:
    planned = succeeds("plan", small_file, cwd=tmp_path)
    assert re.search(r"distinct simulations +4\nsteps +6\n", planned)
    assert [file.name for file in tmp_path.iterdir()] == [small_file.name]
    facts = json.loads(succeeds_here("plan", small_file, "--json"))
    assert (facts["runs"], facts["distinct_simulations"], facts["path"]) == (8, 4, "datasets/small.zarr")


def test_plan_says_what_a_build_costs_and_what_more_workers_would_take(small_file: Path) -> None:
    facts = json.loads(succeeds_here("plan", small_file, "--json"))
    assert facts["bytes"] > 0 < facts["memory_of_a_process"]
    assert (facts["tasks"], facts["processes"]) == (4, 1)
    assert 0 < facts["seconds"] < facts["seconds_if_nothing_is_compiled"]
    assert facts["speed"] == "measured on this machine"
    three = json.loads(succeeds_here("plan", small_file, "--workers", 3, "--json"))
    assert three["processes"] == 3
    assert three["seconds_of_processors"] > facts["seconds_of_processors"]
    shown = succeeds_here("plan", small_file, "--workers", 64)
    assert re.search(r"processes +4, one for each task, of 64 that were asked for\n", shown)
    assert re.search(r"\nseconds +about [0-9.]+\n", shown)
    assert re.search(r"\nbytes +about 0\.\d MB\n", shown)


def test_plan_with_a_cache_folder_that_is_not_used_says_so_and_uses_built_in_numbers(
    small_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cache" / "phigen" / "programs"
    folder.mkdir(parents=True, mode=0o755)
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "phigen", "plan", str(small_file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert re.search(r"speed +built-in numbers of another machine\n", done.stdout)
    (line,) = done.stderr.splitlines()
    assert "is open to other users" in line
    assert list(folder.iterdir()) == []


def test_target_errors_are_calibrated_shown_and_drawn(tmp_path: Path) -> None:
    recipe = tmp_path / "graded.yaml"
    recipe.write_text(GRADED)
    shown = succeeds("calibrate", recipe, cwd=tmp_path)
    assert re.search(r"target_error +breaking +error\n", shown)
    assert (tmp_path / "small-calibration.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "datasets").exists()
    found = json.loads(succeeds_here("calibrate", recipe, "--out", tmp_path / "c.png", "--json"))
    assert [level["target_error"] for level in found["levels"]] == [0, 0.01]
    planned = json.loads(succeeds_here("plan", recipe, "--json"))
    assert (planned["to_calibrate"], planned["distinct_simulations"]) == (2, None)
    assert "not known before its levels are calibrated" in succeeds_here("plan", recipe)
    built = json.loads(succeeds_here("build", recipe, "--out", tmp_path / "g.zarr", "--json"))
    errors = {row["level"]: row["mae"] for row in built["errors"] if row["variable"] == "velocity"}
    assert errors == {level["target_error"]: pytest.approx(level["error"], rel=1e-12) for level in found["levels"]}
    assert json.loads(succeeds_here("inspect", tmp_path / "g.zarr", "--json"))["calibration"] == found["levels"]


def test_validate_reports_every_error_of_every_recipe(small_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL.replace("steps: 6", "steps: 0").replace("radius", "raduis"))
    done = run_here("validate", small_file, bad, tmp_path / "none.yaml")
    assert done.exit_code == 1
    assert done.stdout == f"{small_file}: valid, 8 runs\n"
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{bad}:4:8: time.steps: ")
    assert lines[-1].startswith(f"{tmp_path}/none.yaml: no such file")


def test_validate_prints_the_errors_of_each_recipe_as_json(small_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL.replace("steps: 6", "steps: 0"))
    done = run_here("validate", small_file, bad, "--json")
    good, other = json.loads(done.stdout)
    assert good == {"recipe": str(small_file), "errors": [], "runs": 8}
    assert other == {"recipe": str(bad), "errors": done.stderr.splitlines()}
    assert done.exit_code == 1


def test_the_schema_knows_every_section() -> None:
    schema = json.loads(succeeds_here("schema"))
    assert schema["additionalProperties"] is False
    assert {"name", "version", "grid", "time", "scene", "vary", "symmetry"} <= schema["properties"].keys()
