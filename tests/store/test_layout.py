"""Stores that phigen 0.1 and 0.2 wrote are read, and those of a later phigen are refused.

data/layout_1.tar.xz holds two stores of phigen 0.1: four plumes on 8 x 8 cells, each simulated in the lab's reference
frame, and a plume at three sizes whose recipe has all keys that were renamed.  data/layout_2.tar.xz holds one of phigen
0.2: two levels of two orbits of two plumes on 8 x 8 cells.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import phigen
from phigen.errors import RecipeError, StoreError
from phigen.store import manifest
from phigen.store.layout import recipe_of, translated
from phigen.store.reading import stream
from phigen.store.summary import describe
from tests.shared.files import files_of
from tests.shared.requests import Hub

ARCHIVES = [Path(__file__).parent / "data" / f"layout_{number}.tar.xz" for number in (1, 2)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with the stores old_lab.zarr and old_scaling.zarr of layout 1, and old_rotation.zarr of layout 2."""
    for file in ARCHIVES:
        with tarfile.open(file) as archive:
            archive.extractall(tmp_path, filter="data")
    return tmp_path


def test_todays_attributes_are_there_and_the_recipe_stays_word_for_word(old: Path) -> None:
    stored = xr.open_zarr(old / "old_scaling.zarr").attrs
    attributes = phigen.open(old / "old_scaling.zarr").attrs
    names = ("reference_frame", "scaling_method", "layout")
    assert [attributes[name] for name in names] == ["lab", "resampled", 1]
    assert not {"frame", "reading"} & attributes.keys()
    assert attributes["recipe"] == stored["recipe"]
    assert "reading: resampled   # resampled" in attributes["recipe"]


def test_the_recipe_is_read_with_todays_keys_and_its_words_stay(old: Path) -> None:
    recipe = recipe_of(phigen.open(old / "old_scaling.zarr").attrs)
    symmetry = recipe.symmetry
    assert (symmetry.reference_frame, symmetry.scaling_method, symmetry.non_integer) == ("lab", "resampled", "truncate")
    assert recipe.description == "A plume at three sizes; frame: and fractional: are words of this text"
    assert "# A tiny plume at three sizes.  The word reading: stands here on purpose." in recipe.text
    flow = recipe_of(phigen.open(old / "old_lab.zarr").attrs)
    assert flow.symmetry.reference_frame == "lab"


OLD = """\
name: old
version: 1.0.0
grid: {{cells: 8}}
time: {{steps: 4}}
scene:
  inflows: [{{center: [4, 2], radius: 1}}]
  buoyancy: {{strength: 0.1}}
symmetry: {symmetry}
"""


@pytest.mark.parametrize(
    ("symmetry", "value"),
    [
        ("{group: scaling, factors: [1, 2], reading: resampled, 'fractional': refused}", "error"),
        ('{group: translation, shifts: [[0, 0], [0.5, 0]], "fractional": "resampled"}', "resample"),
        ("{group: scaling, factors: [1, 1.5], reading: resampled, fractional: floored}", "truncate"),
    ],
)
def test_every_value_of_fractional_has_a_name_today(symmetry: str, value: str) -> None:
    recipe = recipe_of({"name": "old", "recipe": OLD.format(symmetry=symmetry)})
    assert recipe.symmetry.non_integer == value


def test_an_old_recipe_that_is_not_valid_is_refused_where_it_is_wrong() -> None:
    for wrong in ("{frame: nowhere}", "lab", "{frame: [}"):
        with pytest.raises(RecipeError, match="old:8:"):
            recipe_of({"name": "old", "recipe": OLD.format(symmetry=wrong)})


def test_the_errors_are_those_that_phigen_0_1_measured(old: Path) -> None:
    measured = phigen.summarize(phigen.measure(phigen.open(old / "old_lab.zarr")))["mae"]
    assert measured.sel(level=0).values.tolist() == [0, 0]
    np.testing.assert_allclose(measured.sel(level=1), [0.0125141, 0.0116047], rtol=1e-5)
    scaled = phigen.summarize(phigen.measure(phigen.open(old / "old_scaling.zarr")))["mae"]
    np.testing.assert_allclose(scaled.values.ravel(), [0.100384, 0.0221927], rtol=1e-5)


def test_the_errors_are_those_that_phigen_0_2_measured(old: Path) -> None:
    """A path is measured too, because nothing was measured when the store was built."""
    path = old / "old_rotation.zarr"
    measured = phigen.measure(path)
    xr.testing.assert_identical(measured, phigen.measure(phigen.open(path)))
    mae = phigen.summarize(measured)["mae"]
    assert mae.sel(level=0).values.tolist() == [0, 0]
    np.testing.assert_allclose(mae.sel(level=1), [0.0015000747190556663, 0.0036165812292286623], rtol=1e-12)


EACH = pytest.mark.parametrize(
    ("name", "layout", "of_phigen"), [("old_lab.zarr", 1, "0.1.0"), ("old_rotation.zarr", 2, "0.2.0")]
)


@pytest.mark.parametrize("name", ["old_lab.zarr", "old_rotation.zarr"])
def test_its_rounding_floor_can_be_measured(old: Path, name: str) -> None:
    measured = phigen.rounding_floor(phigen.open(old / name))
    assert float(measured["mae"].max()) < 1e-5


@EACH
def test_it_can_be_drawn_exported_and_described(
    old: Path, tmp_path: Path, name: str, layout: int, of_phigen: str
) -> None:
    dataset = phigen.open(old / name)
    assert phigen.preview(dataset, tmp_path / "old.png").is_file()
    phigen.export(old / name, tmp_path / "old.nc", format="netcdf")
    assert (tmp_path / "old.nc").is_file()
    facts = describe(old / name)
    assert (facts["layout"], facts["versions"]["phigen"]) == (layout, of_phigen)
    assert facts["reference_frame"] == dataset.attrs["reference_frame"]
    assert (facts["finished"], facts["runs_stored"]) == (True, dataset.sizes["run"])
    assert facts["largest_courant"] == float(dataset["courant"].max())
    shards = [file for file in (old / name / "velocity" / "c").rglob("*") if file.is_file()]
    (velocity,) = (variable for variable in facts["variables"] if variable["name"] == "velocity")
    assert velocity["bytes"] == sum(file.stat().st_size for file in shards)


@pytest.mark.parametrize("name", ["old_lab.zarr", "old_rotation.zarr"])
def test_it_can_be_published_and_its_recipe_stays_word_for_word(old: Path, hub: Hub, tmp_path: Path, name: str) -> None:
    path = old / name
    publication = phigen.publish(path, hub.repository)
    assert publication.published
    address = f"hf://datasets/{publication.reference}"
    xr.testing.assert_equal(phigen.open(address).load(), phigen.open(path).load())
    assert phigen.open(address).attrs == phigen.open(path).attrs
    copy = phigen.download(str(publication.reference), tmp_path / "copy").path
    assert files_of(copy) == files_of(path)
    text = (tmp_path / "copy" / "recipe.yaml").read_text()
    assert text == xr.open_zarr(path).attrs["recipe"]


def test_some_runs_of_a_store_of_phigen_0_2_are_downloaded(old: Path, hub: Hub, tmp_path: Path) -> None:
    reference = phigen.publish(old / "old_rotation.zarr", hub.repository).reference
    copy = phigen.download(str(reference), tmp_path / "copy", levels=[1], split="test")
    shards = sorted(folder.name for folder in (copy.path / "velocity" / "c").iterdir())
    assert (copy.runs, shards) == (2, ["6", "7"])
    whole = phigen.open(old / "old_rotation.zarr").isel(run=[6, 7])
    xr.testing.assert_equal(phigen.open(copy.path).load(), whole.load())


def test_a_partial_copy_that_phigen_0_2_made_lists_every_run(old: Path) -> None:
    path = old / "old_rotation.zarr"
    (path / "manifest.chosen.json").write_text("[0, 1, 5]")
    assert manifest.load(path).chosen == {0, 1, 5}
    assert phigen.open(path).sizes["run"] == 3


@EACH
@pytest.mark.parametrize("finished", [True, False])
def test_it_is_not_continued_and_left_alone(old: Path, finished: bool, name: str, layout: int, of_phigen: str) -> None:
    path = old / name
    recipe = recipe_of(phigen.open(path).attrs)
    if not finished:
        _take_the_list_apart(path)
    before = files_of(path)
    with pytest.raises(StoreError, match=rf"\(layout {layout}, now 3\) and can be read, but not continued") as caught:
        phigen.build(recipe, path)
    assert "run the same build again" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files_of(path) == before


def _take_the_list_apart(path: Path) -> None:
    """Turn a finished store of layout 1 or 2 into one that was being built: a part of the list for each run."""
    listed = json.loads((path / "manifest.json").read_text())
    (path / "manifest").mkdir()
    for entry in listed["runs"]:
        (path / "manifest" / f"{entry['run']:06d}.json").write_text(json.dumps(entry))
    (path / "manifest.json").unlink()


def test_a_streamed_store_has_todays_attributes_too(old: Path) -> None:
    attributes = stream(f"local://{old / 'old_lab.zarr'}").attrs
    assert (attributes["reference_frame"], attributes["layout"]) == ("lab", 1)


@pytest.mark.parametrize("layout", [4, "two", None, 0])
def test_a_layout_that_is_not_known_is_refused_in_one_line(built: Path, layout: object) -> None:
    file = built / "zarr.json"
    root = json.loads(file.read_text())
    root["attributes"]["layout"] = layout
    file.write_text(json.dumps(root))
    for refuse in (phigen.open, describe, lambda path: stream(f"local://{path}")):
        with pytest.raises(StoreError, match=r"has layout .*, this phigen reads layouts 1 to 3; install") as caught:
            refuse(built)
        assert "\n" not in str(caught.value)


def test_a_build_on_a_store_of_a_newer_phigen_is_refused(built: Path) -> None:
    recipe = recipe_of(phigen.open(built).attrs)
    file = built / "zarr.json"
    root = json.loads(file.read_text())
    root["attributes"]["layout"] = 4
    file.write_text(json.dumps(root))
    before = files_of(built)
    with pytest.raises(StoreError, match="has layout 4"):
        phigen.build(recipe, built)
    assert files_of(built) == before


def test_todays_attributes_stay_as_they_are(built: Path) -> None:
    attributes = phigen.open(built).attrs
    assert attributes["layout"] == 3
    assert translated(attributes, "here") == attributes
