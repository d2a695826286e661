"""A recipe that is wrong says where, what, got what and what to do, all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SMALL

from phigen.errors import RecipeError
from phigen.reading import load, parse
from phigen.recipe import Recipe

HEAD = "name: n\nversion: 1.0.0\ngrid: {cells: 16}\ntime: {steps: 3}\n"
SCENE = "scene: {inflows: [{center: [8, 3], radius: 2}], buoyancy: {strength: 0.1}}\n"


def faults(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse(text, "r.yaml")
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> list[str]:
    assert old in SMALL
    return faults(SMALL.replace(old, new))


def test_a_sound_recipe_keeps_its_text_word_for_word(small: Recipe) -> None:
    assert small.text == SMALL
    assert parse(small.text).digest == small.digest


def test_a_recipe_made_in_python_writes_a_text_that_reads_as_itself(small: Recipe) -> None:
    made = Recipe.model_validate(small.model_dump())
    assert parse(made.text).model_dump() == made.model_dump() == small.model_dump()


def test_numbers_may_be_written_as_1e_minus_3() -> None:
    assert parse(SMALL.replace("0.1}", "1e-1}")).scene.buoyancy.strength == 0.1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "r.yaml: is empty"),
        ("# only a comment\n", "r.yaml: is empty"),
        ("- a\n- b\n", "r.yaml:1:1: a recipe is a mapping"),
        ("name: x\n\tversion: 1\n", "r.yaml:2:1: is not YAML"),
        ("name: x\nname: y\n", "r.yaml:2:1: the key 'name' is there twice"),
        ("name: [x\n", "is not YAML"),
        ("a: " + "[" * 5000, "r.yaml: is nested too deeply"),
    ],
)
def test_what_is_no_mapping_is_one_line(text: str, expected: str) -> None:
    lines = faults(text)
    assert len([line for line in lines if "is missing" not in line]) == 1
    assert expected in lines[0]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("radius: 2", "raduis: 2", "r.yaml:6:30: scene.inflows.0.raduis: unknown key; did you mean 'radius'?"),
        ("radius: 2", "radius: -2", "r.yaml:6:30: scene.inflows.0.radius: should be greater than 0, got -2"),
        ("strength: 0.1", "strength: .nan", "scene.buoyancy.strength: should be a finite number, got nan"),
        ("strength: 0.1", "strength: .inf", "scene.buoyancy.strength: should be a finite number, got inf"),
        ("strength: 0.1", "strength: -0.1", "should be greater than or equal to 0, got -0.1"),
        ("strength: 0.1", "strength: high", "scene.buoyancy.strength: should be a valid number, got 'high'"),
        ("steps: 6", "steps: 0", "time.steps: should be greater than 0, got 0"),
        ("steps: 6", "steps: 6.5", "time.steps: should be a valid integer, got 6.5"),
        ("steps: 6", "steps: true", "time.steps: should be a valid integer, got True"),
        ("first: 1", "first: 6", "time.frames.first: 6 steps leave the frames 0 to 5, got 6"),
        ("first: 1", "last: 9", "time.frames.last: 6 steps leave the frames 0 to 5, got 9"),
        ("first: 1", "first: 4, last: 2", "time.frames: no frame is kept between 4 and 2"),
        ("[8, 3]", "[8, 33]", "the inflow at (8, 33) is outside the box [0, 16] x [0, 16]"),
        ("[8, 3], radius: 2", "[8, 3], radius: 0.1", "the inflow at (8, 3) touches no cell centre, got radius 0.1"),
        ("[8, 3]", "[8, 8]", "rotate90 coincides with identity for the inflow at (8, 8)"),
        ("cells: 16", "cells: [16, 20]", "rotate90 needs a square box, got 16 x 20 cells"),
        ("cells: 16", "cells: 16, boundary: {x: open, y: closed}", "one boundary on both axes, got open and closed"),
        ("cells: 16", "cells: 16, boundary: clsoed", "got 'clsoed'; did you mean 'closed'?"),
        ("cells: 16", "cells: {x: 16}", "grid.cells: expected one value or a list, got a mapping"),
        ("group: C4", "group: C8", "symmetry.group: should be 'C1', 'C2', 'C4', 'D1_x',"),
        ("group: C4", "group: C4\n  elements: [identity, identity]", "identity is listed twice"),
        ("group: C4", "group: C2\n  elements: [identity, rotate90]", "rotate90 is not in C2"),
        ("group: C4", "group: C4\n  elements: [rotate90, identity]", "identity must come first"),
        ("[0, 0.01, 0.02, 0.03]", "[0, 0.01]", "one number per element is needed, got 2 for 4 elements"),
        ("[0, 0.01, 0.02, 0.03]", "[0, -0.2, 0, 0]", "rotate90 has a negative strength at level 1, got -0.1"),
        ("levels: [0, 1]", "levels: [1, 1]", "levels must be 0 or more, each listed once, got 1, 1"),
        ("name: small", "name: a/b", "name: is no file name, got 'a/b'"),
        ("version: 1.0.0", "version: 1.0", "version: should be a valid string, got 1.0"),
        ("version: 1.0.0", "version: one", "version: is no semantic version, got 'one'"),
        ("strength: 0.1", "strength: 0.1, direction: [0, 0]", "buoyancy.direction: points nowhere"),
        ("strength: 0.1", "strength: 0.1, schedule: {kind: ramps}", "got 'ramps'; did you mean 'ramp'?"),
        (
            "strength: 0.1",
            "strength: 0.1, schedule: ramp",
            "schedule: expected a mapping of keys",
        ),
        ("cells: 16", "cells: 2", "grid.cells: should be greater than or equal to 4, got 2"),
        ("grid:", "store: [smoke, smoke]\ngrid:", "store.1: smoke is listed twice; leave one out"),
        ("[8, 3]", "[8, 3, 1]", "scene.inflows.0.center: needs at most 2 entries, got 3"),
        ("levels: [0, 1]", "levels: []", "symmetry.breaking.levels: needs at least 1 entries, got 0"),
        ("strength: 0.1", "strength: 0.1, schedule: {kind: list, factors: [1]}", "one factor per step, got 1 for 6"),
    ],
)
def test_a_fault_says_where_and_what(old: str, new: str, expected: str) -> None:
    lines = changed(old, new)
    assert any(expected in line for line in lines), lines
    assert all(line.startswith("r.yaml:") for line in lines)


def test_a_fault_in_a_merged_key_has_the_place_of_what_it_is_merged_into() -> None:
    lines = changed("grid: {cells: 16}", "grid: {<<: {cells: -1}}")
    assert lines == ["r.yaml:3:1: grid.cells: should be greater than or equal to 4, got -1"]


def test_all_faults_are_reported_at_once() -> None:
    lines = faults(
        HEAD.replace("steps: 3", "steps: -3")
        + "scene: {inflows: [{center: [8, 99], radius: 2}], buoyancy: {strength: 0.1}}\nsymetry: {group: C4}\n"
    )
    assert len(lines) == 3
    assert [line.split(": ")[1] for line in lines] == ["time.steps", "scene.inflows.0", "symetry"]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("vary: {strength: [0.1, 0.2]}\nsplits: {train: [0]}\n", "orbit 1 is in no split"),
        ("splits: {train: [0], test: [0]}\n", "orbit 0 is in train already"),
        ("splits: {train: [0, 7]}\n", "there is no orbit 7, the recipe has 1"),
        ("vary: {strength: [-1]}\n", "vary.strength: must be at least 0 in every scene, got -1"),
        ("vary: {inflow_radius: [0]}\n", "vary.inflow_radius: must be above 0"),
        ("vary: {strength: {start: 0, step: 1, count: 900000}}\n", "vary: makes 900,000 runs, more than 100,000"),
        ("vary: {inflow_x: {start: 0, step: 100, count: 2}}\n", "the inflow at (100, 3) is outside the box"),
    ],
)
def test_what_varies_and_is_split_must_fit(extra: str, expected: str) -> None:
    assert any(expected in line for line in faults(HEAD + SCENE + extra))


@pytest.mark.parametrize("kind", ["missing", "directory", "binary", "nul", "unknown"])
def test_what_is_no_recipe_file_is_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.yaml"
    if kind == "directory":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\x89PNG\xff\xfe")
    elif kind == "nul":
        path.write_bytes(b"name: a\x00b\n")
    with pytest.raises(RecipeError) as caught:
        load("rotation_eq11" if kind == "unknown" else path)
    assert "\n" not in str(caught.value)
    if kind == "unknown":
        assert "did you mean 'rotation_eq10'?" in str(caught.value)
