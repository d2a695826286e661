"""A recipe that cannot be loaded says where, what is wrong, what was found and what to do, all errors at once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

import phigen.recipe
from phigen.errors import RecipeError
from phigen.planning.plans import runs_in
from phigen.recipe.loading import load, located, parse, shipped
from phigen.recipe.model import Recipe
from tests.shared.invalid_recipes import errors_after, errors_of, recipe_with
from tests.shared.recipes import SMALL

HEAD = "name: n\nversion: 1.0.0\ngrid: {cells: 16}\ntime: {steps: 3}\n"


def test_a_valid_recipe_keeps_its_text_word_for_word(small: Recipe) -> None:
    assert small.text == SMALL
    assert parse(small.text).digest == small.digest


def test_the_package_hands_on_what_loads_a_recipe() -> None:
    assert phigen.recipe.load is load
    assert phigen.recipe.Recipe is Recipe


def test_a_recipe_made_in_python_writes_a_text_that_reads_as_itself(small: Recipe) -> None:
    made = Recipe.model_validate(small.model_dump())
    assert parse(made.text).model_dump() == made.model_dump() == small.model_dump()


def test_numbers_may_be_written_as_1e_minus_3() -> None:
    assert parse(SMALL.replace("0.1}", "1e-1}")).scene.buoyancy.strength == 0.1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "r.yaml: is empty; add at least name, version, grid, time and scene"),
        ("# only a comment\n", "r.yaml: is empty"),
        ("- a\n- b\n", "r.yaml:1:1: is not a mapping of keys to values, got a list; write key: value"),
        ("just words\n", "r.yaml:1:1: is not a mapping of keys to values, got one value"),
        ("name: x\n\tversion: 1\n", "r.yaml:2:1: is not valid YAML"),
        ("name: x\nname: y\n", "r.yaml:2:1: the key 'name' is given twice; remove one"),
        ("name: [x\n", "is not valid YAML"),
        ("a: " + "[" * 1000, "r.yaml: is nested too deeply"),
        ("name: a\x00b\n", "r.yaml: is not valid YAML, unacceptable character #x0000"),
        ("name: &a\n- *b\n", "r.yaml:2:3: is not valid YAML, found undefined alias 'b'"),
    ],
)
def test_what_is_no_mapping_is_one_line(text: str, expected: str) -> None:
    lines = errors_of(text)
    assert len([line for line in lines if "is missing" not in line]) == 1
    assert expected in lines[0]


def test_an_error_in_a_merged_key_has_the_place_of_what_it_is_merged_into() -> None:
    lines = errors_after("grid: {cells: 16}", "grid: {<<: {cells: -1}}")
    assert lines == ["r.yaml:3:1: grid.cells: should be greater than or equal to 4, got -1"]


def test_a_missing_section_is_an_error_beside_those_of_the_others() -> None:
    assert errors_of(HEAD + "store: [smoke, smoke]\n") == [
        "r.yaml:1:1: scene: is missing; add it",
        "r.yaml:5:16: store.1: smoke is listed twice; remove one",
    ]


def test_all_errors_are_reported_at_once() -> None:
    lines = errors_of(
        HEAD.replace("steps: 3", "steps: -3")
        + "scene: {inflows: [{center: [8, 99], radius: 2}], buoyancy: {strength: 0.1}}\nsymetry: {group: C4}\n"
    )
    assert len(lines) == 3
    assert [line.split(": ")[1] for line in lines] == ["time.steps", "scene.inflows.0", "symetry"]


@pytest.mark.parametrize("broken", ["grid", "time", "scene", "vary", "sample", "symmetry", "store", "splits"])
def test_an_invalid_section_does_not_hide_the_errors_of_the_others(broken: str) -> None:
    """Each of the others contradicts itself or its neighbours in a way that does not need the broken one."""
    wrong = {
        "grid": "{cells: 16, boundary: {x: {lower: periodic, upper: open}, y: open}}",
        "time": "{steps: 60, frames: {first: 60}}",
        "scene": "{inflows: [{center: [5, 3], radius: 2}], buoyancy: {strength: 0.1, direction: [0, 0]}}",
        "vary": "{strength: [-1]}",
        "sample": "{count: 2, seed: 1, wall_distance: 99}",
        "symmetry": "{group: C4, tolerance: 0.1}",
        "store": "[smoke, smoke]",
        "splits": "{frames: {train: [0, 19]}}",
    }
    lines = errors_of(recipe_with(**(wrong | {broken: "7"})))
    expected = {
        "grid": "grid.boundary.x: both sides",
        "time": "time.frames.first: 60 steps",
        "scene": "scene.buoyancy.direction: must not be zero",
        "vary": "vary.strength: must be at least 0",
        "store": "store.1: smoke is listed twice",
        "symmetry": "symmetry.tolerance: belongs to target_error",
    }
    for section, text in expected.items():
        assert any(text in line for line in lines) == (section != broken), (section, lines)
    assert any(f"{broken}: expected" in line for line in lines)


@pytest.mark.parametrize("kind", ["missing", "directory", "binary", "nul", "unknown", "locked"])
def test_what_is_no_recipe_file_is_one_line(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.yaml"
    if kind == "directory":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\x89PNG\xff\xfe")
    elif kind == "nul":
        path.write_bytes(b"name: a\x00b\n")
    elif kind == "locked":

        def refuse(self: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(RecipeError) as caught:
        load("rotation_eq11" if kind == "unknown" else path)
    assert "\n" not in str(caught.value)
    expected = {
        "missing": "no such file; phigen ships the recipes mirror_eq5, ",
        "directory": "is a directory, not a recipe; name a YAML file in it",
        "binary": "is not text, got byte 0x89; a recipe is a YAML file",
        "nul": "is not text, got character 0x00; a recipe is a YAML file",
        "unknown": "rotation_eq11: is neither a file nor a recipe that phigen ships; did you mean 'rotation_eq10'?",
        "locked": "cannot be read, Permission denied",
    }
    assert expected[kind] in str(caught.value)


@pytest.mark.parametrize("value", ["9" * 5000, "2020-13-45"])
def test_a_value_that_yaml_cannot_make_is_one_line(value: str) -> None:
    (line,) = errors_of(f"name: n\nversion: {value}\n")
    assert line.startswith("r.yaml: contains an invalid number or date, ")


def test_an_error_that_shows_itself_after_loading_has_its_place_too(small: Recipe) -> None:
    made = Recipe.model_validate(small.model_dump())
    assert located(small, ("symmetry",), "is wrong") == "small.yaml:8:1: symmetry: is wrong"
    assert re.fullmatch(r"small:\d+:\d+: symmetry\.group: is wrong", located(made, ("symmetry", "group"), "is wrong"))


def test_shipped_recipes_are_found_in_the_data_folder_of_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "recipes"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(SMALL)
    monkeypatch.setattr("phigen.recipe.loading.resources.files", lambda package: tmp_path)
    assert shipped() == {"own": folder / "own.yaml"}
    assert load("own").name == "small"


def test_twenty_five_thousand_drawn_scenes_are_counted_in_seconds() -> None:
    text = recipe_with(
        sample="{count: 25000, seed: 1, inflow_x: {kind: uniform, low: 3, high: 7}}", symmetry="{group: C4}"
    )
    began = time.process_time()
    assert runs_in(parse(text)) == 100_000
    assert time.process_time() - began < 20
