"""Stores that phigen 0.1 wrote are read, and those of a later phigen are refused.

data/layout_1.tar.xz holds two stores of phigen 0.1: four plumes on 8 x 8 cells, each simulated in the lab's reference
frame, and a plume at three sizes whose recipe has all keys that were renamed.
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

ARCHIVE = Path(__file__).parent / "data" / "layout_1.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A folder with the stores old_lab.zarr and old_scaling.zarr."""
    with tarfile.open(ARCHIVE) as archive:
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


def test_its_rounding_floor_can_be_measured(old: Path) -> None:
    measured = phigen.rounding_floor(phigen.open(old / "old_lab.zarr"))
    assert float(measured["mae"].max()) < 1e-5


def test_it_can_be_drawn_exported_and_described(old: Path, tmp_path: Path) -> None:
    dataset = phigen.open(old / "old_lab.zarr")
    assert phigen.preview(dataset, tmp_path / "old.png").is_file()
    phigen.export(old / "old_lab.zarr", tmp_path / "old.nc", format="netcdf")
    assert (tmp_path / "old.nc").is_file()
    facts = describe(old / "old_lab.zarr")
    assert (facts["reference_frame"], facts["layout"], facts["versions"]["phigen"]) == ("lab", 1, "0.1.0")


def test_it_can_be_published_and_its_recipe_stays_word_for_word(old: Path, hub: Hub, tmp_path: Path) -> None:
    path = old / "old_lab.zarr"
    publication = phigen.publish(path, hub.repository)
    assert publication.published
    address = f"hf://datasets/{publication.reference}"
    xr.testing.assert_equal(phigen.open(address).load(), phigen.open(path).load())
    assert phigen.open(address).attrs == phigen.open(path).attrs
    copy = phigen.download(str(publication.reference), tmp_path / "copy").path
    assert files_of(copy) == files_of(path)
    text = (tmp_path / "copy" / "recipe.yaml").read_text()
    assert text == xr.open_zarr(path).attrs["recipe"]


@pytest.mark.parametrize("finished", [True, False])
def test_it_is_not_continued_and_left_alone(old: Path, finished: bool) -> None:
    path = old / "old_lab.zarr"
    recipe = recipe_of(phigen.open(path).attrs)
    if not finished:
        manifest.scatter(manifest.load(path))
    before = files_of(path)
    with pytest.raises(StoreError, match=r"was built by phigen 0\.1 .* run the same build again") as caught:
        phigen.build(recipe, path)
    assert "\n" not in str(caught.value)
    assert files_of(path) == before


def test_a_streamed_store_has_todays_attributes_too(old: Path) -> None:
    attributes = stream(f"local://{old / 'old_lab.zarr'}").attrs
    assert (attributes["reference_frame"], attributes["layout"]) == ("lab", 1)


@pytest.mark.parametrize("layout", [3, "two", None, 0])
def test_a_layout_that_is_not_known_is_refused_in_one_line(built: Path, layout: object) -> None:
    file = built / "zarr.json"
    root = json.loads(file.read_text())
    root["attributes"]["layout"] = layout
    file.write_text(json.dumps(root))
    for refuse in (phigen.open, describe, lambda path: stream(f"local://{path}")):
        with pytest.raises(StoreError, match=r"has layout .*, this phigen reads layouts 1 to 2; install") as caught:
            refuse(built)
        assert "\n" not in str(caught.value)


def test_a_build_on_a_store_of_a_newer_phigen_is_refused(built: Path) -> None:
    recipe = recipe_of(phigen.open(built).attrs)
    file = built / "zarr.json"
    root = json.loads(file.read_text())
    root["attributes"]["layout"] = 3
    file.write_text(json.dumps(root))
    before = files_of(built)
    with pytest.raises(StoreError, match="has layout 3"):
        phigen.build(recipe, built)
    assert files_of(built) == before


def test_todays_attributes_stay_as_they_are(built: Path) -> None:
    attributes = phigen.open(built).attrs
    assert attributes["layout"] == 2
    assert translated(attributes, "here") == attributes
