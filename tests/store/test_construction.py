"""A build continues what is its own, and refuses and leaves alone what is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import xarray as xr

from phigen.building.builder import build
from phigen.errors import StoreError
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.store import construction
from phigen.store import reading as store
from tests.shared.files import files_of
from tests.shared.recipes import SMALL
from tests.shared.stores import prepared


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


def test_a_shard_with_other_bytes_than_those_listed_is_not_taken_for_this_one(built: Path, small: Recipe) -> None:
    """Its files can be read, and have the right size, but those of another run are in their place."""
    for name in ("smoke", "velocity"):
        shutil.rmtree(built / name / "c" / "2")
        shutil.copytree(built / name / "c" / "6", built / name / "c" / "2")
    assert prepared(built, plan(small)) == [2]


def test_the_current_folder_is_refused(small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="is the current folder; choose another place"):
        build(small, ".")
    assert files_of(tmp_path) == {}
