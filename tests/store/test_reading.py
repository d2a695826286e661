"""A store is what plain xarray opens, knows what must be in it, and loses nothing without a word."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.errors import StoreError
from phigen.planning.plans import Plan, plan
from phigen.planning.runs import Run
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.store import construction, writing
from phigen.store import reading as store
from phigen.store.metadata import versions
from phigen.symmetry.actions import act
from tests.shared.files import files_of
from tests.shared.recipes import SMALL


@pytest.fixture
def built(small: Recipe, tmp_path: Path) -> Path:
    return build(small, tmp_path / "small.zarr", workers=1).path


def prepared(path: Path, planned: Plan) -> list[Run]:
    return construction.prepare(path, planned, known=construction.begun(path, planned))


def test_plain_xarray_opens_it_with_all_that_the_data_model_names(eq10: Path) -> None:
    dataset = xr.open_zarr(eq10)
    assert dict(dataset.sizes) == {"run": 40, "time": 50, "component": 2, "y": 64, "x": 64}
    assert {str(n): (v.dims, str(v.dtype)) for n, v in dataset.data_vars.items()} == {
        "smoke": (("run", "time", "y", "x"), "float32"),
        "velocity": (("run", "time", "component", "y", "x"), "float32"),
        "buoyancy": (("run", "time", "component"), "float64"),
        "divergence": (("run", "time"), "float32"),
        "courant": (("run", "time"), "float32"),
    }
    on_run = {str(name) for name, c in dataset.coords.items() if c.dims == ("run",)}
    assert on_run >= {"level", "orbit", "element", "inflow_x", "inflow_y", "inflow_radius", "strength", "split"}
    assert dataset["element"].values[:4].tolist() == ["identity", "rotate90", "rotate180", "rotate270"]
    assert dataset["time"].values.tolist() == list(range(10, 60))
    assert dataset["y"].values[0] == 0.5
    assert all("units" in v.attrs and "long_name" in v.attrs for v in dataset.data_vars.values())
    assert not any(np.isnan(v.values).any() for v in dataset.data_vars.values())


def test_it_holds_the_recipe_word_for_word(eq10: Path) -> None:
    attributes = store.open(eq10).attrs
    recipe = load("rotation_eq10")
    assert attributes["recipe"] == recipe.text
    assert attributes["recipe_sha256"] == hashlib.sha256(recipe.text.encode()).hexdigest()
    assert attributes["versions"] == versions()
    assert plan(parse(attributes["recipe"])).runs == plan(recipe).runs


def test_what_is_read_is_what_was_simulated(eq10: Path) -> None:
    run = plan(load("rotation_eq10")).runs[39]
    stored = store.open(eq10).isel(run=39)
    expected = act(simulate(run.simulation), run.turn)
    for name in ("smoke", "velocity", "buoyancy", "divergence", "courant"):
        np.testing.assert_array_equal(stored[name].values, expected[name].values)
    force = stored["buoyancy"].values
    assert (force[:, 0] == run.strength).all()
    assert not force[:, 1].any()


def test_faces_and_pressure_are_stored_where_the_recipe_asks(tmp_path: Path) -> None:
    recipe = parse(SMALL + "store: [faces, pressure]\n")
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert dataset["velocity_x"].dims == ("run", "time", "y", "x_face")
    assert dataset["velocity_y"].shape == (8, 5, 17, 16)
    assert dataset["pressure"].dims == ("run", "time", "y", "x")
    assert not {"smoke", "velocity"} & set(dataset)
    x, y = dataset["velocity_x"].values.astype(float), dataset["velocity_y"].values.astype(float)
    assert np.abs(np.diff(x, axis=-1) + np.diff(y, axis=-2)).max() < 1e-6


def test_several_inflows_have_a_dim_of_their_own(tmp_path: Path) -> None:
    two = "[{center: [8, 3], radius: 2}, {center: [4, 5], radius: 1.5}]"
    recipe = parse(SMALL.replace("[{center: [8, 3], radius: 2}]", two))
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert dataset["inflow_x"].dims == ("run", "inflow")
    assert dataset["inflow_x"].values[:2].tolist() == [[8, 4], [13, 11]]


def test_a_still_flow_is_stored_too(tmp_path: Path) -> None:
    """zarr leaves out chunks that hold only their fill value unless it is told not to."""
    recipe = parse(SMALL.replace("strength: 0.1", "strength: 0").replace("levels: [0, 1]", "levels: [0]"))
    dataset = store.open(build(recipe, tmp_path / "s.zarr", workers=1).path)
    assert (dataset["velocity"].values == 0).all()


def test_every_run_is_one_shard_per_variable(eq10: Path) -> None:
    for name in ("smoke", "velocity"):
        assert len([file for file in (eq10 / name / "c").rglob("*") if file.is_file()]) == 40


def test_the_list_names_every_file_with_size_and_digest(built: Path) -> None:
    listed = json.loads((built / "manifest.json").read_text())
    named = dict(listed["files"])
    for entry in listed["runs"]:
        named |= entry["files"]
        assert entry["parameters"].keys() >= {"level", "orbit", "element", "strength", "split", "simulation"}
    files = files_of(built)
    assert set(files) == {*named, "manifest.json"}
    assert all(
        (len(files[name]), hashlib.sha256(files[name]).hexdigest()) == tuple(told) for name, told in named.items()
    )


@pytest.mark.parametrize("damage", ["deleted", "cut", "flipped"])
def test_damage_is_noticed_and_mended_with_the_same_bytes(built: Path, small: Recipe, damage: str) -> None:
    before = files_of(built)
    shard = next(file for file in (built / "velocity" / "c" / "3").rglob("*") if file.is_file())
    bits = bytearray(shard.read_bytes())
    if damage == "deleted":
        shard.unlink()
    elif damage == "cut":
        shard.write_bytes(bits[:-20])
    else:
        bits[len(bits) // 3] ^= 1
        shard.write_bytes(bits)
    if damage == "flipped":
        for dataset in (store.open(built), xr.open_zarr(built)):
            with pytest.raises(ValueError, match=r"(?i)checksum"):
                dataset["velocity"].isel(run=3).load()
    else:
        with pytest.raises(StoreError, match=r"velocity/c/3/.* is damaged"):
            store.open(built)
    assert build(small, built, workers=1).written == 1
    assert files_of(built) == before


@pytest.mark.parametrize("file", ["strength/c/0", "time/zarr.json", "smoke/zarr.json"])
def test_a_lost_coordinate_is_noticed_and_mended_without_simulating(built: Path, small: Recipe, file: str) -> None:
    before = files_of(built)
    (built / file).unlink()
    with pytest.raises(StoreError, match=f"{file} is damaged, got no file"):
        store.open(built)
    assert build(small, built, workers=1).written == 0
    assert files_of(built) == before


def test_a_damaged_list_is_one_line(built: Path) -> None:
    for nonsense in ("{", "{}", "[]"):
        (built / "manifest.json").write_text(nonsense)
        with pytest.raises(StoreError, match=r"manifest\.json: is damaged"):
            store.open(built)


def test_an_unfinished_store_is_not_opened_and_can_be_continued(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    assert prepared(path, planned) == list(planned.runs)
    for run in planned.runs[:3]:
        construction.write_run(path, run, act(simulate(run.simulation), run.turn))
    with pytest.raises(StoreError, match="is unfinished, 3 of 8 runs are there; run the same build again"):
        store.open(path)
    assert prepared(path, planned) == list(planned.runs[3:])
    assert build(small, path, workers=1).written == 5
    whole = build(small, tmp_path / "whole.zarr", workers=1).path
    assert files_of(path) == files_of(whole)


def test_a_finished_store_is_left_as_it_is(built: Path, small: Recipe) -> None:
    before = {file: file.stat().st_mtime_ns for file in built.rglob("*")}
    assert build(small, built).written == 0
    assert {file: file.stat().st_mtime_ns for file in built.rglob("*")} == before


def test_another_recipes_store_is_refused_and_left_alone(built: Path) -> None:
    before = files_of(built)
    with pytest.raises(StoreError, match="was built from another recipe"):
        build(parse(SMALL + "# changed\n"), built)
    assert files_of(built) == before


def test_other_versions_do_not_go_on_with_a_store(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.zarr"
    prepared(path, plan(small))
    monkeypatch.setattr(construction, "versions", lambda: {"jax": "0.0.1"})
    with pytest.raises(StoreError, match=r"was begun with jax .* \(now 0\.0\.1\)"):
        prepared(path, plan(small))


@pytest.mark.parametrize("what", ["file", "folder", "zarr", "below a file", "no room"])
def test_an_unsuitable_place_is_refused_and_left_alone(
    what: str, small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.zarr"
    if what == "file":
        path.write_text("mine")
    elif what == "folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine")
    elif what == "zarr":
        xr.Dataset({"mine": ("x", [1.0])}).to_zarr(path, zarr_format=3, consolidated=False)
    elif what == "below a file":
        (tmp_path / "file").write_text("mine")
        path = tmp_path / "file" / "s.zarr"
    else:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 100, 0))
    before = files_of(tmp_path)
    with pytest.raises(StoreError, match="choose another place") as caught:
        build(small, path)
    assert "\n" not in str(caught.value)
    assert files_of(tmp_path) == before


def test_a_store_that_lacks_a_run_is_not_declared_finished(small: Recipe, tmp_path: Path) -> None:
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    for run in planned.runs[:7]:
        construction.write_run(path, run, act(simulate(run.simulation), run.turn))
    with pytest.raises(StoreError, match="lacks 1 of 8 runs"):
        writing.seal(path)
    assert not store.status(path).finished


def test_parts_of_the_list_left_by_a_kill_are_tidied(built: Path, small: Recipe) -> None:
    before = files_of(built)
    (built / "manifest").mkdir()
    entry = json.loads((built / "manifest.json").read_text())["runs"][0]
    (built / "manifest" / "000000.json").write_text(json.dumps(entry))
    assert build(small, built, workers=1).written == 0
    assert files_of(built) == before


def test_a_continued_template_is_not_rewritten_where_it_is_sound(small: Recipe, tmp_path: Path) -> None:
    """Rewriting zarr.json in place would leave a store that nobody recognises if it were cut off then."""
    path, planned = tmp_path / "s.zarr", plan(small)
    prepared(path, planned)
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}
    prepared(path, planned)
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()} == before


def test_an_empty_folder_and_a_link_to_one_are_taken(small: Recipe, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    assert build(small, tmp_path / "link", workers=1).written == 8
    assert store.open(tmp_path / "empty").sizes["run"] == 8


def test_a_recipe_changed_in_python_is_another_recipe(built: Path, small: Recipe) -> None:
    changed = small.model_copy(update={"precision": "single"})
    assert changed.digest != small.digest
    assert parse(changed.text).precision == "single"
    with pytest.raises(StoreError, match="was built from another recipe"):
        build(changed, built)


def test_a_template_that_was_cut_off_is_made_anew(small: Recipe, tmp_path: Path) -> None:
    draft = tmp_path / f".s.{'0' * 32}.draft.zarr"
    draft.mkdir()
    (draft / "half").write_text("")
    assert build(small, tmp_path / "s.zarr", workers=1).written == 8
    assert not draft.exists()


def test_a_run_of_another_plan_is_not_taken_for_this_ones(built: Path, small: Recipe) -> None:
    """Its files are sound, but the list says that they were simulated from something else."""
    listed = json.loads((built / "manifest.json").read_text())
    listed["runs"][2]["parameters"]["simulation"] = "another"
    (built / "manifest.json").write_text(json.dumps(listed))
    assert [run.index for run in prepared(built, plan(small))] == [2]
