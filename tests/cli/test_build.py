"""The command line as a user drives it: subprocesses, their output and their exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from phigen.cli import cli
from tests.shared.command import phigen, succeeds
from tests.shared.files import files_of
from tests.shared.recipes import SMALL

COMMANDS = sorted(cli.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    text = succeeds(command, "--help")
    assert "Usage:" in text
    assert "--debug" in text


def test_the_main_job_from_plan_to_picture(small_file: Path, tmp_path: Path) -> None:
    planned = succeeds("plan", small_file, cwd=tmp_path)
    assert re.search(r"distinct simulations +4\nsteps +6\n", planned)
    assert not (tmp_path / "datasets").exists()
    built = succeeds("build", small_file, cwd=tmp_path)
    path = tmp_path / "datasets" / "small.zarr"
    assert "8 runs, 8 of them written" in built
    assert re.search(r"level +smoke +velocity\n.*\n +0 +0 +0\n +1 +0\.\d+ +0\.\d+\n", built)
    before = files_of(path)
    assert "is finished, 8 runs; nothing to do" in succeeds("build", small_file, cwd=tmp_path)
    assert files_of(path) == before
    assert re.search(r"runs stored +8\n", succeeds("inspect", path))
    assert "rotate270" in succeeds("measure", path)
    assert succeeds("measure", path, "--over-time").count("smoke") == 5
    picture = Path(succeeds("preview", path).strip())
    assert picture == path.with_suffix(".png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    film = tmp_path / "film.gif"
    succeeds("preview", path, "--out", film, "--level", "1")
    assert film.read_bytes().startswith(b"GIF8")


def test_whatever_prints_a_table_also_prints_json(small_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.zarr"
    assert json.loads(succeeds("plan", small_file, "--json"))["distinct_simulations"] == 4
    built = json.loads(succeeds("build", small_file, "--out", path, "--json"))
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
    inspected = json.loads(succeeds("inspect", path, "--json"))
    assert inspected["finished"]
    assert {v["name"] for v in inspected["variables"]} == {"smoke", "velocity", "buoyancy", "divergence", "courant"}
    measured = json.loads(succeeds("measure", path, "--frames", "1:-1", "--json"))
    assert measured["frames"] == [2, 3, 4]
    first = measured["over_time"][0]
    assert (first["variable"], first["frame"], first["level 0"]) == ("smoke", 2, 0.0)
    assert first["level 1"] > 0
    assert json.loads(succeeds("validate", small_file, "--json")) == [
        {"recipe": str(small_file), "faults": [], "runs": 8}
    ]


GRADED = SMALL.replace("breaking: {offsets: [0, 0.01, 0.02, 0.03], levels: [0, 1]}", "target_error: [0, 0.01]")


def test_target_errors_are_found_shown_and_drawn(tmp_path: Path) -> None:
    recipe = tmp_path / "graded.yaml"
    recipe.write_text(GRADED)
    shown = succeeds("calibrate", recipe, cwd=tmp_path)
    assert re.search(r"target_error +breaking +error\n", shown)
    assert (tmp_path / "small-calibration.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "datasets").exists()
    found = json.loads(succeeds("calibrate", recipe, "--out", tmp_path / "c.png", "--json"))
    assert [level["target_error"] for level in found["levels"]] == [0, 0.01]
    planned = json.loads(succeeds("plan", recipe, "--json"))
    assert (planned["to_calibrate"], planned["distinct_simulations"]) == (2, None)
    built = json.loads(succeeds("build", recipe, "--out", tmp_path / "g.zarr", "--json"))
    errors = {row["level"]: row["mae"] for row in built["errors"] if row["variable"] == "velocity"}
    assert errors == {level["target_error"]: pytest.approx(level["error"], rel=1e-12) for level in found["levels"]}
    assert json.loads(succeeds("inspect", tmp_path / "g.zarr", "--json"))["calibration"] == found["levels"]


def test_the_floor_stands_beside_the_error_in_table_and_picture(small_file: Path, tmp_path: Path) -> None:
    succeeds("build", small_file, "--out", tmp_path / "s.zarr")
    told = succeeds("measure", tmp_path / "s.zarr", "--floor")
    assert re.search(r"variable +frame +level 0 +level 1 +floor\n", told)
    assert (tmp_path / "s-floor.png").read_bytes().startswith(b"\x89PNG")
    rows = json.loads(succeeds("measure", tmp_path / "s.zarr", "--floor", "--frames", "1:", "--json"))
    assert all(0 <= row["floor"] < 1e-6 for row in rows["errors"] + rows["over_time"])
    assert len(rows["over_time"]) == 2 * len(rows["frames"])


def test_data_of_the_lab_frame_always_carry_the_floor(tmp_path: Path) -> None:
    recipe = tmp_path / "lab.yaml"
    recipe.write_text(SMALL.replace("group: C4", "group: C4\n  frame: lab"))
    assert "floor of velocity" in succeeds("build", recipe, "--out", tmp_path / "s.zarr")
    assert "floor" in succeeds("measure", tmp_path / "s.zarr").splitlines()[0]


def test_many_elements_have_a_table_of_their_own(tmp_path: Path) -> None:
    recipe = tmp_path / "shifts.yaml"
    shifts = "group: translation\n  shifts: {x: {start: 0, step: 2, count: 5}, y: [0, 4]}"
    recipe.write_text(SMALL.split("symmetry:")[0].replace("[8, 3]", "[4, 3]") + f"symmetry:\n  {shifts}\n")
    succeeds("build", recipe, "--out", tmp_path / "s.zarr")
    told = succeeds("measure", tmp_path / "s.zarr")
    assert "resampling" not in told
    assert re.search(r"level +element +smoke +velocity\n", told)
    assert told.count("shift(") == 9
    assert Path(succeeds("preview", tmp_path / "s.zarr").strip()).exists()


def test_an_export_stands_beside_its_dataset(small_file: Path, tmp_path: Path) -> None:
    succeeds("build", small_file, "--out", tmp_path / "s.zarr")
    assert succeeds("export", tmp_path / "s.zarr", "--format", "npy") == f"{tmp_path}/s-npy\n"
    assert (tmp_path / "s-npy" / "velocity.npy").is_file()


def test_the_legacy_convention_is_called_one(eq3: Path) -> None:
    told = succeeds("measure", eq3, "--convention", "wang2022")
    assert told.startswith("legacy convention wang2022: the lower 64 of 65 faces, frames 20 to 58")
    rows = json.loads(succeeds("measure", eq3, "--convention", "wang2022", "--json"))["errors"]
    assert [round(row["mae"], 3) for row in rows] == [0, 0.313, 0.896]


def test_the_schema_knows_every_section() -> None:
    schema = json.loads(succeeds("schema"))
    assert schema["additionalProperties"] is False
    assert {"name", "version", "grid", "time", "scene", "vary", "symmetry"} <= schema["properties"].keys()


def test_validate_reports_every_fault_of_every_recipe(small_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SMALL.replace("steps: 6", "steps: 0").replace("radius", "raduis"))
    done = phigen("validate", small_file, bad, tmp_path / "none.yaml")
    assert done.returncode == 1
    assert done.stdout == f"{small_file}: sound, 8 runs\n"
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{bad}:4:8: time.steps: ")
    assert lines[-1].startswith(f"{tmp_path}/none.yaml: no such file")


def test_inspect_reads_an_unfinished_dataset(small_file: Path, tmp_path: Path) -> None:
    from phigen.planning.plans import plan
    from phigen.recipe.loading import load
    from phigen.store import reading as store

    store.prepare(tmp_path / "s.zarr", plan(load(small_file)))
    facts = json.loads(succeeds("inspect", tmp_path / "s.zarr", "--json"))
    assert (facts["finished"], facts["runs_stored"], facts["largest_courant"]) == (False, 0, None)


BAD_INPUT = {
    "missing file": ["build", "none.yaml"],
    "unknown name": ["build", "rotation_eq11"],
    "directory": ["build", "."],
    "binary file": ["build", "binary.yaml"],
    "empty recipe": ["build", "empty.yaml"],
    "misspelt key": ["build", "misspelt.yaml"],
    "quarter turn of an oblong box": ["build", "oblong.yaml"],
    "scale that makes no whole grid": ["build", "scale.yaml"],
    "fractions that do not add up": ["build", "fractions.yaml"],
    "output is a file": ["build", "small.yaml", "--out", "small.yaml"],
    "output below a file": ["build", "small.yaml", "--out", "small.yaml/s.zarr"],
    "output cannot be made": ["build", "small.yaml", "--out", "/proc/phigen/s.zarr"],
    "output holds something else": ["build", "small.yaml", "--out", "."],
    "too large for any disk": ["build", "large.yaml"],
    "no scheduler there": ["build", "small.yaml", "--scheduler", "tcp://127.0.0.1:1"],
    "no scheduler's address": ["build", "small.yaml", "--scheduler", "nonsense://x"],
    "scheduler that is secured": ["build", "small.yaml", "--scheduler", "tls://127.0.0.1:1"],
    "a very long name": ["build", "x" * 300],
    "a very long output": ["build", "small.yaml", "--out", "x" * 300],
    "no dataset": ["measure", "none.zarr"],
    "no dataset of ours": ["inspect", "."],
    "no such level": ["preview", "SMALL", "--level", "7"],
    "neither png nor gif": ["preview", "SMALL", "--out", "x.txt"],
    "picture in no folder": ["preview", "SMALL", "--out", "none/x.png"],
    "no frames": ["measure", "SMALL", "--frames", "50:"],
    "nothing to calibrate": ["calibrate", "small.yaml"],
    "a target out of reach": ["build", "unreachable.yaml"],
    "frames that the published error needs": ["measure", "SMALL", "--convention", "wang2022"],
    "an export over something": ["export", "SMALL", "--format", "npy", "--out", "small.yaml"],
    "an export below a file": ["export", "SMALL", "--format", "netcdf", "--out", "small.yaml/x.nc"],
    "an export of nothing": ["export", "none.zarr", "--format", "well"],
    "an import of nothing": ["import", "wang2022", "none.zip"],
    "an import of something else": ["import", "wang2022", "small.yaml"],
    "an import of an empty folder": ["import", "wang2022", "built.zarr"],
    "an import over something": ["import", "wang2022", "originals", "--out", "small.yaml"],
    "an import from the Hub": ["import", "wang2022", "hf://datasets/dl2-g32/smokeplume"],
    "a calibration drawn nowhere": ["calibrate", "graded.yaml", "--out", "small.yaml/x.png"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a user has made every mistake."""
    path = tmp_path_factory.mktemp("mistakes")
    (path / "small.yaml").write_text(SMALL)
    (path / "binary.yaml").write_bytes(b"\x89PNG\r\n\x00\xff")
    (path / "empty.yaml").write_text("")
    (path / "misspelt.yaml").write_text(SMALL.replace("symmetry", "symetry"))
    (path / "oblong.yaml").write_text(SMALL.replace("cells: 16", "cells: [16, 20]"))
    scaling = "group: scaling\n  factors: [1, 1.1, 1.2, 1.25]\n  reading: resampled"
    (path / "scale.yaml").write_text(SMALL.replace("group: C4", scaling))
    (path / "fractions.yaml").write_text(SMALL + "splits: {train: 0.8, test: 0.1}\n")
    (path / "large.yaml").write_text(SMALL.replace("cells: 16", "cells: 4096").replace("steps: 6", "steps: 1000000"))
    (path / "graded.yaml").write_text(GRADED)
    (path / "unreachable.yaml").write_text(GRADED.replace("[0, 0.01]", "[0, 1e6]"))
    (path / "originals" / "Scale").mkdir(parents=True)
    (path / "originals" / "Scale" / "raw_data_0.pt").write_bytes(b"")
    succeeds("build", "small.yaml", "--out", "built.zarr", cwd=path)
    return path


@pytest.mark.parametrize("mistake", BAD_INPUT)
def test_a_mistake_is_one_line_and_changes_nothing(mistake: str, folder: Path) -> None:
    before = files_of(folder)
    done = phigen(*("built.zarr" if a == "SMALL" else a for a in BAD_INPUT[mistake]), cwd=folder)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "phigen failed" not in done.stderr
    assert files_of(folder) == before
    assert not (folder / "datasets").exists()


def test_debug_shows_the_traceback(folder: Path) -> None:
    assert "Traceback" in phigen("build", "none.yaml", "--debug", cwd=folder).stderr
    assert "Traceback" in phigen("--debug", "build", "none.yaml", cwd=folder).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["build"],
        ["built"],
        ["build", "small.yaml", "--workers", "0"],
        ["build", "small.yaml", "--workers", "2", "--scheduler", "tcp://x:1"],
        ["measure", "built.zarr", "--frames", "ten"],
        ["measure", "built.zarr", "--convention", "wang2022", "--floor"],
        ["measure", "built.zarr", "--convention", "wang2021"],
        ["export", "built.zarr"],
        ["export", "built.zarr", "--format", "zip"],
        ["import", "wang2021", "originals"],
    ],
)
def test_a_usage_mistake_exits_2(arguments: list[str], folder: Path) -> None:
    done = phigen(*arguments, cwd=folder)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_another_recipes_dataset_is_refused_with_a_way_to_go_on(folder: Path) -> None:
    other = folder / "other.yaml"
    other.write_text(SMALL + "precision: single\n")
    done = phigen("build", other, "--out", "built.zarr", cwd=folder)
    other.unlink()
    assert done.returncode == 1
    assert "was built from another recipe" in done.stderr
    assert "--out" in done.stderr
