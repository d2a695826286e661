"""The catalogue says what a build gives: the same runs and errors anywhere, the same values on every x86-64."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from phigen.building import catalogue
from phigen.errors import StoreError
from phigen.planning.plans import runs_in
from phigen.recipe.loading import load, shipped
from phigen.simulation import instruction_set
from phigen.store import reading as store

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


def promised(entry: dict[str, Any]) -> dict[str, str]:
    """Return the digests that an entry promises here."""
    jaxlib, here = version("jaxlib"), instruction_set.provenance()
    if jaxlib not in entry["values"] or here != entry["instruction_set"]:
        pytest.skip(f"values are promised for jaxlib {', '.join(entry['values'])} and {entry['instruction_set']}")
    values: dict[str, str] = entry["values"][jaxlib]
    return values


def test_a_fresh_build_has_the_values_of_its_entry(fresh: dict[str, Any], listed: dict[str, dict[str, Any]]) -> None:
    """On every x86-64 processor, with each version of jaxlib that was tried."""
    assert fresh["values"] == {version("jaxlib"): promised(listed[EQ3])}
    assert fresh["instruction_set"] == listed[EQ3]["instruction_set"] == "AVX2"


def test_digests_are_of_values_and_not_of_how_they_are_stored(eq3: Path) -> None:
    dataset = store.open(eq3)
    known = catalogue.digests(dataset)
    assert set(known) == {"smoke", "velocity"}
    shuffled = dataset.isel(run=[7, 2, 11, 0, 1, 3, 4, 5, 6, 8, 9, 10]).load()
    shuffled["smoke"] = shuffled["smoke"].astype(">f4")
    shuffled["smoke"].attrs["comment"] = "another"
    assert catalogue.digests(shuffled) == known
    shuffled["smoke"][3, 4, 5, 6] += 1e-6
    changed = catalogue.digests(shuffled)
    assert (changed["smoke"] != known["smoke"], changed["velocity"] == known["velocity"]) == (True, True)
    fewer = catalogue.digests(dataset.isel(time=slice(1, None)))
    assert not set(fewer.values()) & set(known.values())


SCRIPT = """
import jax
print(jax.numpy.arange(9.0).sum())
import phigen
phigen.build("rotation_eq3", {path!r}, workers=1)
"""

IN_A_NOTEBOOK = "import jax; jax.numpy.zeros(1).block_until_ready()"


@pytest.mark.slow
@pytest.mark.parametrize("way", ["command line", "workers", "scheduler", "script"])
def test_every_way_of_simulating_gives_the_values_of_the_entry(
    way: str, listed: dict[str, dict[str, Any]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """XLA_FLAGS is empty; in the borrowed workers and in the script, jax has run before with its own setting."""
    expected, path = promised(listed[EQ3]), tmp_path / "eq3.zarr"
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    command = [sys.executable, "-W", "error", "-m", "phigen", "build", EQ3, "--out", str(path)]
    if way == "workers":
        command += ["--workers", "2"]
    elif way == "scheduler":
        address = request.getfixturevalue("scheduler")
        with Client(address) as client:
            client.run(exec, IN_A_NOTEBOOK)
        command += ["--scheduler", address]
    elif way == "script":
        command = [sys.executable, "-W", "error", "-c", SCRIPT.format(path=str(path))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    dataset = store.open(path)
    assert dataset.attrs["instruction_set"] == "AVX2"
    assert catalogue.digests(dataset) == expected


@pytest.mark.slow
def test_another_instruction_set_is_warned_of_in_a_line_recorded_and_not_mixed(
    listed: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """AVX, which every x86-64 processor that has AVX2 has too, has no fused products and sums: other bits."""
    expected, path = promised(listed[EQ3]), tmp_path / "eq3.zarr"
    command = [sys.executable, "-m", "phigen", "build", EQ3, "--out", str(path), "--workers", "2"]
    chosen = os.environ | {"XLA_FLAGS": "--xla_cpu_max_isa=AVX"}
    done = subprocess.run(command, env=chosen, capture_output=True, text=True, check=True)
    warned = [line for line in done.stderr.splitlines() if "instruction set" in line]
    assert [line.split(";")[0] for line in warned] == [
        "XLA_FLAGS: asks for the instruction set AVX, which gives other values than AVX2"
    ]
    dataset = store.open(path)
    assert dataset.attrs["instruction_set"] == "AVX"
    assert catalogue.digests(dataset) != expected
    shutil.rmtree(path / "smoke" / "c" / "3")
    mixed = subprocess.run(command, capture_output=True, text=True)
    assert mixed.returncode == 1
    assert "was begun for the instruction set AVX (now AVX2), which gives other values; continue with" in mixed.stderr


def test_it_is_built_where_it_is_finished_and_from_the_same_recipe(fresh: dict[str, Any], datasets: Path) -> None:
    assert catalogue.is_built(fresh, datasets)
    assert not catalogue.is_built(fresh, datasets.parent)
    assert not catalogue.is_built(fresh | {"recipe_sha256": "0" * 64}, datasets)
    (datasets / f"{EQ3}.zarr" / "manifest.json").unlink()
    assert not catalogue.is_built(fresh, datasets)


def test_it_is_renewed_from_what_is_built(fresh: dict[str, Any], datasets: Path) -> None:
    catalogue.renew([EQ3], datasets)
    assert json.loads((datasets / "catalogue.json").read_text()) == [fresh]


def test_entries_of_other_shipped_recipes_stay(
    fresh: dict[str, Any], listed: dict[str, dict[str, Any]], datasets: Path
) -> None:
    file = datasets / "catalogue.json"
    file.write_text(json.dumps([listed["translation"], listed["mirror_eq5"], fresh | {"name": "gone"}]))
    catalogue.renew([EQ3], datasets)
    assert json.loads(file.read_text()) == [listed["mirror_eq5"], fresh, listed["translation"]]


def test_digests_of_other_jaxlibs_are_kept_unless_the_values_have_changed(
    fresh: dict[str, Any], datasets: Path
) -> None:
    file, jaxlib = datasets / "catalogue.json", version("jaxlib")
    theirs = {"0.0.1": {"smoke": "1", "velocity": "2"}, "9.9.9": {"smoke": "3", "velocity": "4"}}

    def renewed(values: dict[str, Any]) -> dict[str, Any]:
        file.write_text(json.dumps([fresh | {"values": values, "runs": 0}]))
        catalogue.renew([EQ3], datasets)
        (entry,) = json.loads(file.read_text())
        assert entry["runs"] == 12
        found: dict[str, Any] = entry["values"]
        return found

    assert renewed(theirs) == theirs | fresh["values"]
    assert renewed(theirs | fresh["values"]) == theirs | fresh["values"]
    assert renewed(theirs | {jaxlib: {"smoke": "5", "velocity": "6"}}) == fresh["values"]


def test_a_dataset_of_other_versions_is_not_taken_over(datasets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phigen.store.metadata._PACKAGES", ("phigen", "numpy", "jaxlib"))
    with pytest.raises(StoreError, match=r"rotation_eq3\.zarr: was built with other versions .* delete it"):
        catalogue.renew([EQ3], datasets)
    assert not (datasets / "catalogue.json").exists()


def test_a_dataset_of_another_instruction_set_is_not_taken_over(
    fresh: dict[str, Any], datasets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "entry_of", lambda path: fresh | {"instruction_set": "AVX512"})
    with pytest.raises(StoreError, match=r"another instruction set than AVX2, got AVX512; delete it"):
        catalogue.renew([EQ3], datasets)
    assert not (datasets / "catalogue.json").exists()


def test_the_list_has_each_dataset_and_says_what_is_built_here(datasets: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "phigen", "list"]
    listing = subprocess.run(command, cwd=datasets.parent, capture_output=True, text=True, check=True).stdout
    lines = [line for line in listing.splitlines() if re.match(r"\w+ +\d+\.\d+\.\d+ ", line)]
    assert [line.split()[0] for line in lines] == list(shipped())
    assert [line.split()[0] for line in lines if " yes " in line] == [EQ3]
    assert re.search(rf"\n{EQ3} +\d+\.\d+\.\d+ +12 +16  0 to 0\.761 +yes +0\.10\.", listing)
    as_json = subprocess.run([*command, "--json"], cwd=datasets.parent, capture_output=True, text=True, check=True)
    assert [entry["built"] for entry in json.loads(as_json.stdout)] == [name == EQ3 for name in shipped()]
