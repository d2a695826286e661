"""What is wrong with a scene is one line that says where, what and what to do."""

from __future__ import annotations

import pytest

from phigen.recipe.loading import parse
from tests.shared.invalid_recipes import PLUME, TEN, errors_after, has_one_error, recipe_with, regions, sample


def test_the_recipe_that_the_errors_are_made_in_is_valid() -> None:
    assert parse(recipe_with()).grid.shape == (16, 16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (regions("[{x: [0, 8]}, {x: [9, 16]}]"),
         "leave a gap, got 16 such cells, the first with the lower left corner (8, 0)"),
        (regions("[{x: [0, 8]}, {x: [7, 16]}]"),
         "overlap, got 16 such cells, the first with the lower left corner (7, 0)"),
        (regions("[{x: [0, 8]}, {x: [8, 17]}]"),
         "scene.regions.1.x: must be two increasing edges from 0 to 16, got [8, 17]"),
        (regions("[{x: [8, 0]}, {x: [8, 16]}]"),
         "scene.regions.0.x: must be two increasing edges from 0 to 16, got [8, 0]"),
        (regions("[{direction: [0, 0]}]"),
         "scene.regions.0.direction: must not be zero, got [0, 0]; for no buoyancy in"),
        (sample("inflow_x: {kind: uniform, low: 50, high: 60}"),
         "sample: no valid scene at least 0 cells from every wall"),
        (sample("wall_distance: 8"), "sample: no valid scene at least 8 cells from every wall was found in 1000 draws"),
        (sample("inflow_radius: {kind: choice, values: [0.1]}"), "sample: the inflow at (5, 3) covers no cell centre"),
        (sample("inflow_x: {kind: normal, mean: 8, std: 1}") + TEN, "sample: vary and sample both define the scenes"),
        (recipe_with(vary="{strength: [-1]}"), "vary.strength: must be at least 0 in every scene, got -1"),
        (recipe_with(vary="{inflow_rate: [1, 0]}"), "vary.inflow_rate: must be above 0 in every scene, got 0"),
        (recipe_with(vary="{inflow_radius: [0.1, 2]}"),
         "vary: the inflow at (5, 3) covers no cell centre, got radius 0.1"),
        (recipe_with(vary="{inflow_x: {start: 0, step: 100, count: 2}}"), "the inflow at (100, 3) is outside the box"),
        (recipe_with(scene=PLUME.replace("}]", "}, {center: [9, 9], radius: 2}]") + "}", vary="{inflow_x: [1, 2]}"),
         "vary.inflow_x: can vary only in scenes with one inflow, got 2; remove it"),
    ],
)  # fmt: skip
def test_an_error_of_a_scene_is_one_line(text: str, expected: str) -> None:
    has_one_error(text, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[8, 3]", "[8, 33]", "the inflow at (8, 33) is outside the box [0, 16] x [0, 16]"),
        ("[8, 3], radius: 2", "[8, 3], radius: 0.1", "the inflow at (8, 3) covers no cell centre, got radius 0.1"),
        ("strength: 0.1", "strength: 0.1, direction: [0, 0]", "buoyancy.direction: must not be zero, got [0, 0]"),
        ("strength: 0.1", "strength: 0.1, schedule: {kind: list, factors: [1]}", "one factor per step, got 1 for 6"),
    ],
)
def test_an_error_of_a_changed_scene_is_among_the_lines(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in errors_after(old, new))


def test_a_radius_of_zero_is_an_error_of_what_varies_and_of_the_scenes_that_it_makes() -> None:
    with pytest.raises(Exception, match=r"vary.inflow_radius: must be above 0") as caught:
        parse(recipe_with(vary="{inflow_radius: [0]}"), "r.yaml")
    assert len(str(caught.value).splitlines()) == 2
