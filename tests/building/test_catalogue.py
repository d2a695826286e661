"""The catalogue says what a build gives: the same runs and errors anywhere, the same bytes where they are promised."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phigen.building import catalogue
from phigen.errors import StoreError
from phigen.planning.plans import runs_in
from phigen.recipe.loading import load, shipped
from phigen.store.metadata import versions

EQ3 = "rotation_eq3"


@pytest.fixture(scope="module")
def fresh(eq3: Path) -> dict[str, Any]:
    """The entry of a fresh build of a recipe that takes seconds."""
    return catalogue.entry_of(eq3)


@pytest.fixture(scope="module")
def listed() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in catalogue.entries()}


@pytest.fixture
def datasets(eq3: Path, tmp_path: Path) -> Path:
    """A folder where that recipe is built."""
    shutil.copytree(eq3, tmp_path / "datasets" / f"{EQ3}.zarr")
    return tmp_path / "datasets"


def test_each_shipped_recipe_has_an_entry(listed: dict[str, dict[str, Any]]) -> None:
    assert list(listed) == list(shipped())


@pytest.mark.parametrize("name", shipped())
def test_an_entry_is_that_of_the_recipe_as_it_is_now(name: str, listed: dict[str, dict[str, Any]]) -> None:
    """A recipe that is changed fails until `make catalogue`."""
    recipe, entry = load(name), listed[name]
    assert (entry["recipe_sha256"], entry["version"]) == (recipe.digest, recipe.version)
    assert entry["runs"] == runs_in(recipe)
    assert {row["variable"] for row in entry["errors"]} == {"smoke", "velocity"}


def test_a_fresh_build_has_the_runs_and_errors_of_its_entry(
    fresh: dict[str, Any], listed: dict[str, dict[str, Any]]
) -> None:
    """On any processor and with any versions, for 60 steps in double precision leave rounding unseen.

    Without fused products and sums, which gives other bits, they differ by 4e-13.
    """
    known = listed[EQ3]
    assert [fresh[key] for key in ("name", "version", "runs", "recipe_sha256")] == [
        known[key] for key in ("name", "version", "runs", "recipe_sha256")
    ]
    assert len(fresh["errors"]) == len(known["errors"]) == 6
    for here, there in zip(fresh["errors"], known["errors"], strict=True):
        assert (here["level"], here["variable"]) == (there["level"], there["variable"])
        for norm in ("mae", "l2", "relative"):
            assert here[norm] == pytest.approx(there[norm], rel=1e-9, abs=0)


def test_a_fresh_build_has_the_bytes_of_its_entry_where_they_are_promised(
    fresh: dict[str, Any], listed: dict[str, dict[str, Any]]
) -> None:
    known = listed[EQ3]
    if (here := (versions(), catalogue.processor())) != (known["versions"], known["processor"]):
        pytest.skip(f"bytes are those of {known['versions']} on {known['processor']}, here are {here}")
    assert fresh == known


def test_it_is_built_where_it_is_finished_and_from_the_same_recipe(fresh: dict[str, Any], datasets: Path) -> None:
    assert catalogue.is_built(fresh, datasets)
    assert not catalogue.is_built(fresh, datasets.parent)
    assert not catalogue.is_built(fresh | {"recipe_sha256": "0" * 64}, datasets)
    (datasets / f"{EQ3}.zarr" / "manifest.json").unlink()
    assert not catalogue.is_built(fresh, datasets)


def test_it_is_renewed_from_what_is_built(fresh: dict[str, Any], datasets: Path) -> None:
    catalogue.renew([EQ3], datasets)
    assert json.loads((datasets / "catalogue.json").read_text()) == [fresh]


def test_a_dataset_of_other_versions_is_not_taken_over(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phigen.store.metadata._PACKAGES", ("phigen", "numpy"))
    with pytest.raises(StoreError, match=r"rotation_eq3\.zarr: was built with other versions .* delete it"):
        catalogue.renew([EQ3], datasets)
    assert not (datasets / "catalogue.json").exists()


def test_the_list_has_each_dataset_and_says_what_is_built_here(datasets: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "phigen", "list"]
    told = subprocess.run(command, cwd=datasets.parent, capture_output=True, text=True, check=True).stdout
    lines = [line for line in told.splitlines() if re.match(r"\w+ +\d+\.\d+\.\d+ ", line)]
    assert [line.split()[0] for line in lines] == list(shipped())
    assert [line.split()[0] for line in lines if " yes " in line] == [EQ3]
    assert re.search(rf"\n{EQ3} +1\.0\.0 +12 +16  0 to 0\.761 +yes ", told)
    as_json = subprocess.run([*command, "--json"], cwd=datasets.parent, capture_output=True, text=True, check=True)
    assert [entry["built"] for entry in json.loads(as_json.stdout)] == [name == EQ3 for name in shipped()]
