"""A recipe that is wrong says where, what, got what and what to do, all faults at once."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from phigen.errors import RecipeError
from phigen.planning.plans import runs_in
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe
from tests.shared.recipes import SMALL

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


PLUME = "{inflows: [{center: [5, 3], radius: 2}], buoyancy: {strength: 0.1}"
TWO_REGIONS = "regions: [{x: [0, 8]}, {x: [8, 16], factor: 2}]"
TEN = "vary: {strength: {start: 0.1, step: 0.01, count: 10}}\n"


def recipe_with(**sections: str) -> str:
    """Give a sound recipe of one plume, with what a test changes."""
    sound = {"grid": "{cells: 16}", "time": "{steps: 60}", "scene": PLUME + "}"}
    return "name: n\nversion: 1.0.0\n" + "".join(f"{key}: {text}\n" for key, text in (sound | sections).items())


def symmetry(text: str) -> str:
    return recipe_with(symmetry=text)


def regions(text: str, extra: str = "{}") -> str:
    return recipe_with(scene=f"{PLUME}, regions: {text}}}", symmetry=extra)


def boundary(text: str, extra: str = "{}") -> str:
    return recipe_with(grid=f"{{cells: 16, boundary: {text}}}", symmetry=extra)


def sample(text: str, extra: str = "{}") -> str:
    return recipe_with(sample=f"{{count: 30, seed: 1, {text}}}", symmetry=extra)


def splits(text: str) -> str:
    return recipe_with(splits=text) + TEN


def test_the_recipe_that_the_faults_are_made_in_is_sound() -> None:
    assert parse(recipe_with()).grid.shape == (16, 16)


OPEN_TOP = "{x: closed, y: {lower: closed, upper: open}}"
RESAMPLED = "{group: scaling, reading: resampled, factors: "
RESCALED = "{group: scaling, reading: rescaled, factors: "
SHIFTED = "{group: translation, shifts: "
FRACTION = SHIFTED + "[[0, 0], [0.5, 0]], fractional: resampled"
MIRRORED = "{group: D1_x, breaking: "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boundary("{x: {lower: periodic, upper: open}, y: open}"), "grid.boundary.x: periodic is for both sides"),
        (boundary("{x: {lower: opne, upper: open}, y: open}"), "got 'opne'; did you mean 'open'?"),
        (boundary("{x: {lower: open}, y: open}"), "grid.boundary.x.upper: is missing; add it"),
        (boundary("[open, closed]"), "grid.boundary: expected one value or a mapping, got a list of 2"),
        (boundary(OPEN_TOP, "{group: C2}"), "rotate180 needs like boundaries where it leads, got closed and closed to"),
        (regions("[{x: [0, 8]}, {x: [9, 16]}]"), "leave a gap at the cell with the corner (8, 0), the first of 16"),
        (regions("[{x: [0, 8]}, {x: [7, 16]}]"), "overlap at the cell with the corner (7, 0), the first of 16"),
        (regions("[{x: [0, 8]}, {x: [8, 17]}]"), "scene.regions.1.x: must be [from, to] within 0 to 16"),
        (regions("[{x: [8, 0]}, {x: [8, 16]}]"), "scene.regions.0.x: must be [from, to] within 0 to 16"),
        (regions("[{x: [0, 8.5]}, {x: [8, 16]}]"), "scene.regions.0.x.1: should be a valid integer, got 8.5"),
        (regions("[{direction: [0, 0]}]"), "scene.regions.0.direction: points nowhere, got [0, 0]"),
        (regions("{x: [0, 16]}"), "scene.regions: expected a list, got a mapping"),
        (symmetry("{group: C4, regions: stay}"), "symmetry.regions: no regions can stay, the scene has none"),
        (regions("[{}]", RESCALED + "[1, 2], regions: stay}"), "the group scaling moves no regions that could stay"),
        (regions("[{}]", SHIFTED + "[[0, 0], [1, 0]]}"), "takes the regions out of the box; say regions: stay"),
        (sample("inflow_x: {low: 1, high: 2}"), "has no kind; add kind: uniform, loguniform, normal or choice"),
        (sample("inflow_x: {kind: unifrom, low: 1, high: 2}"), "got 'unifrom'; did you mean 'uniform'?"),
        (sample("inflow_x: {kind: uniform, low: 5, high: 2}"), "sample.inflow_x: high must be above low, got low 5"),
        (sample("inflow_x: {kind: uniform, low: -1e308, high: 1e308}"), "no number is as large as high - low"),
        (sample("inflow_x: [1, 2]"), "sample.inflow_x: expected a mapping of keys to values, got a list of 2"),
        (sample("inflow_x: {kind: uniform, low: 50, high: 60}"), "sample: no scene is drawn that is sound and 0 cells"),
        (sample("wall_distance: 8"), "sample: no scene is drawn that is sound and 8 cells from every wall"),
        (sample("inflow_radius: {kind: choice, values: [0.1]}"), "sample: the inflow at (5, 3) touches no cell centre"),
        (sample("position: 3"), "sample.position: unknown key; known are count, seed, wall_distance"),
        (sample("inflow_x: {kind: normal, mean: 8, std: 1}") + TEN, "sample: vary and sample both make scenes"),
        (sample("inflow_x: {kind: uniform, low: 3, high: 13}", SHIFTED + "[[0, 0], [4, 0]]}"), "takes an inflow out"),
        (recipe_with(grid="{cells: 16, boundary: periodic}", scene=f"{PLUME}, {TWO_REGIONS}}}",
                     symmetry=FRACTION + "}"), "takes the regions off the cell edges; shift by whole cells, or say"),
        (recipe_with(grid="{cells: 16, boundary: periodic}", scene=f"{PLUME}, {TWO_REGIONS}}}",
                     symmetry=FRACTION + ", regions: stay}"), "off the cell edges; shift by whole cells, or say frame"),
        (symmetry("{group: translations}"), "got 'translations'; did you mean 'translation'?"),
        (symmetry("{group: translation}"), "symmetry.group: the group translation needs shifts; add it"),
        (symmetry("{group: scaling, factors: [1, 2]}"), "symmetry.group: the group scaling needs reading; add it"),
        (symmetry("{group: C4, factors: [1, 2]}"), "symmetry.factors: belongs to the group scaling, got C4"),
        (symmetry("{group: C4, elements: distint}"), "got 'distint'; did you mean 'distinct'?"),
        (recipe_with(grid="{cells: [16, 20]}", symmetry="{group: D1_diagonal}"), "mirror_diagonal needs a square box"),
        (symmetry(SHIFTED + "[[0, 0], [20, 0]]}"), "shift(20, 0) takes an inflow out of the box, got x = 25"),
        (symmetry(SHIFTED + "[[0, 0], [0.5, 0]]}"), "shift(0.5, 0) is no whole number of cells; shift by whole cells"),
        (symmetry(SHIFTED + "[[1, 0]]}"), "the shift [0, 0] must come first"),
        (symmetry(SHIFTED + "[[0, 0], [1, 0], [1, 0]]}"), "symmetry.shifts.2: shift(1, 0) is listed twice"),
        (symmetry(SHIFTED + "{x: {start: 0, step: 0, count: 9}}}"), "symmetry.shifts: identity is listed 9 times"),
        (symmetry(SHIFTED + "[[0, 0], 1]}"), "symmetry.shifts.1: expected a list, got 1"),
        (boundary("periodic", SHIFTED + "[[0, 0], [16, 0]]}"), "shift(16, 0) coincides with identity for the inflow"),
        (symmetry(SHIFTED + "{x: &many {start: 0, step: 1, count: 1000000}, y: *many}}"),
         "symmetry: makes 1,000,000,000,000 runs, more than 100,000"),
        (symmetry(RESAMPLED + "[1, 1.3]}"), "the factor 1.3 gives no whole grid, got 20.8 x 20.8 cells"),
        (symmetry(RESAMPLED + "[1, 0.5]}"), "a grid is resampled from as fine a one or finer, got 0.5"),
        (symmetry(RESAMPLED + "[1, 1000]}"), "the factor 1000 makes more than 8192 cells of 16; choose a smaller one"),
        (symmetry(RESCALED + "[1, -1]}"), "symmetry.factors: a factor must be from 0.001 to 1000, got -1"),
        (symmetry(RESCALED + "[1, 1e300]}"), "symmetry.factors: a factor must be from 0.001 to 1000, got 1e+300"),
        (symmetry(RESCALED + "[1, 2], time_exponent: 1e6}"), "symmetry.time_exponent: should be less than or equal to"),
        (symmetry(RESAMPLED + "[1, 2], time_exponent: 1}"), "symmetry.time_exponent: belongs to the reading rescaled"),
        (symmetry(RESCALED + "[1, 2], fractional: floored}"), "floored belongs to the reading resampled, got rescaled"),
        (symmetry(RESAMPLED + "[2, 1]}"), "the factor 1 must come first, for the others are compared with it"),
        (recipe_with(scene="{inflows: [{center: [2.5, 2.5], radius: 0.1}], buoyancy: {strength: 1}}",
                     symmetry=FRACTION + "}"), "shift(0.5, 0) takes the inflow at (2.5, 2.5) off every cell centre"),
        (symmetry(MIRRORED + "{levels: [0, 1]}}"), "levels of nothing are all alike; add offsets, gains or schedules"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}]}}"), "one schedule per element is needed, got 1 for 2"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}, {kind: ramp, first: 5, last: 3}]}}"),
         "symmetry.breaking.schedules.1: the ramp must end after it begins"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}, {kind: ramp, first: 0, last: 3}], levels: [0, 2]}}"),
         "schedules are an element's own at level 1, got a level of 2; choose 1 at most"),
        (symmetry("{group: C2, target_error: [0.2, 0.1]}"), "target errors must rise from 0 or more, got 0.2, 0.1"),
        (symmetry("{group: C2, target_error: [0.1, 0.1]}"), "target errors must rise from 0 or more, got 0.1, 0.1"),
        (symmetry("{target_error: [0, 0.1]}"), "an orbit of one run has no error, got the group C1; name a larger"),
        (symmetry("{group: C2, target_error: [0, 0.1], breaking: {offsets: [1, 1]}}"), "breaks nothing, all elements"),
        (symmetry("{group: C2, target_error: [0, 0.1], breaking: {levels: [0, 1]}}"), "both make levels"),
        (recipe_with(store="[smoke]", symmetry="{group: C2, target_error: [0, 0.1]}"), "got a store of smoke; store"),
        (recipe_with(scene=PLUME.replace("5, 3", "8, 3") + "}",
                     symmetry="{group: D1_x, elements: distinct, target_error: [0, 1]}"), "no scene has two distinct"),
        (symmetry("{group: C2, tolerance: 0.1}"), "symmetry.tolerance: is of target errors, got none; leave it out"),
        (splits("{train: 0.8, test: 0.1}"), "splits: fractions must add up to 1, got 0.9; change one of them"),
        (splits("{train: 0.99, test: 0.01}"), "splits: test is empty, 0.01 of 10 orbits is none; make it larger"),
        (splits("{train: 0.8, test: [8, 9]}"), "splits: fractions and lists cannot be mixed"),
        (splits("{train: 80}"), "splits.train: should be less than or equal to 1, got 80"),
        (splits("{by: runs}"), "splits.by: should be 'orbit' or 'run', got 'runs'; did you mean 'run'?"),
        (splits("{train: [10]}"), "splits: there is no orbit 10, the recipe has 10, from 0; leave it out"),
        (splits("{frames: {train: [0, 29], test: [59, 59], window: 30}}"), "train and test have 29 frames between"),
        (splits("{frames: {train: [0, 40], test: [30, 59]}}"), "splits.frames: train and test overlap, got train"),
        (splits("{frames: {train: 0.5, test: 0.5, window: 60}}"), "60 kept frames are too few for 2 splits with 60"),
        (splits("{frames: {train: [0, 19]}}"), "train has 20 frames, fewer than a window of 30; give it more"),
        (splits("{frames: {test: [0, 59]}}"), "no frames are for training; give train some, or leave frames out"),
        (splits("{frames: {train: [0, 60]}}"), "train must be [first, last] of the kept frames 0 to 59, got [0, 60]"),
        (splits("{frames: {train: 0.5, test: 0.6, window: 1}}"), "splits.frames: fractions must add up to 1, got 1.1"),
    ],
)  # fmt: skip
def test_a_fault_of_groups_scenes_and_splits_is_one_line(text: str, expected: str) -> None:
    lines = faults(text)
    assert len(lines) == 1, lines
    assert expected in lines[0]
    assert re.match(r"r\.yaml:[1-9]\d*:[1-9]\d*: [a-z_.0-9]+: ", lines[0])


@pytest.mark.parametrize("value", ["9" * 5000, "2020-13-45"])
def test_a_value_that_yaml_cannot_make_is_one_line(value: str) -> None:
    (line,) = faults(f"name: n\nversion: {value}\n")
    assert line.startswith("r.yaml: holds no number or date that can be, ")


def test_twenty_five_thousand_drawn_scenes_are_counted_in_seconds() -> None:
    text = recipe_with(
        sample="{count: 25000, seed: 1, inflow_x: {kind: uniform, low: 3, high: 7}}", symmetry="{group: C4}"
    )
    began = time.monotonic()
    assert runs_in(parse(text)) == 100_000
    assert time.monotonic() - began < 20
