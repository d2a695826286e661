"""A plan spells out a recipe's runs, and knows which of them are the same simulation."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from phigen.errors import RecipeError
from phigen.planning import plan
from phigen.reading import load, parse, shipped
from phigen.recipe import Recipe


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_loads_and_plans(name: str) -> None:
    planned = plan(load(name))
    assert planned.recipe.name == name
    assert planned.recipe.description
    assert planned.runs


def test_the_shipped_recipes_are_these() -> None:
    assert list(shipped()) == [
        "mirror_eq5",
        "random_plumes",
        "rotation",
        "rotation_eq10",
        "rotation_eq3",
        "rotation_graded",
        "scaling",
        "translation",
        "translation_periodic",
    ]


def test_rotation_eq10_is_ten_sets_of_four_of_nineteen_simulations() -> None:
    planned = plan(load("rotation_eq10"))
    assert planned.levels == tuple(range(10))
    assert len(planned.runs) == 40
    assert len(planned.distinct) == 19
    assert list(planned.recipe.time.kept) == list(range(10, 60))
    for run in planned.runs:
        quarter_turns = run.index % 4
        assert run.strength == pytest.approx(0.01 + 0.005 * run.level * quarter_turns, abs=1e-15)
        assert run.inflows[0].center == [(32, 5), (59, 32), (32, 59), (5, 32)][quarter_turns]


def test_equal_strengths_are_one_simulation_however_they_are_reached() -> None:
    """0.005 * 2 * 3 and 0.005 * 3 * 2 differ in floating point and are the same strength."""
    planned = plan(load("rotation_eq10"))
    by_strength = Counter(round(run.strength, 9) for run in planned.runs)
    assert len(by_strength) == len(planned.distinct)


def test_rotation_counts_k_through_forty_runs() -> None:
    planned = plan(load("rotation"))
    expected = [(0.011 if k % 4 == 3 else 0.01) * k for k in range(1, 41)]
    assert [run.strength for run in planned.runs] == pytest.approx(expected, abs=1e-15)
    assert len(planned.recipe.time.kept) == 309
    assert [run.orbit for run in planned.runs] == [k // 4 for k in range(40)]


def test_the_orbit_frame_simulates_one_scene_and_the_lab_frame_each(small: Recipe) -> None:
    symmetry = small.symmetry.model_copy(update={"frame": "lab"})
    lab = plan(small.model_copy(update={"symmetry": symmetry}))
    orbit = plan(small)
    assert len({run.simulation for run in orbit.runs if run.level == 0}) == 1
    assert len({run.simulation for run in lab.runs if run.level == 0}) == 4
    assert {run.turn.name for run in lab.runs} == {"identity"}
    assert [run.turn for run in orbit.runs] == [run.element for run in orbit.runs]
    assert [run.simulation.force[0][0] for run in lab.runs[:4]] == [(0, 0.1), (-0.1, 0), (0, -0.1), (0.1, 0)]
    assert [run.inflows for run in lab.runs] == [run.inflows for run in orbit.runs]


def test_vary_takes_the_product_with_the_last_key_fastest() -> None:
    recipe = parse(
        """\
name: translation_scenes
version: 1.0.0
grid: {cells: 64}
time: {steps: 3}
scene: {inflows: [{center: [8, 5], radius: 5}], buoyancy: {strength: 0.1}}
vary:
  inflow_x: {start: 8, step: 8, count: 7}
  inflow_y: {start: 5, step: 5, count: 5}
"""
    )
    runs = plan(recipe).runs
    assert len(runs) == 35
    assert [run.inflows[0].center for run in runs[:6]] == [(8, 5), (8, 10), (8, 15), (8, 20), (8, 25), (16, 5)]


def test_only_the_steps_up_to_the_last_kept_frame_are_simulated(small: Recipe) -> None:
    time = small.time.model_copy(update={"frames": small.time.frames.model_copy(update={"last": 3})})
    assert {len(run.simulation.force) for run in plan(small.model_copy(update={"time": time})).runs} == {4}


def test_splits_hold_whole_orbits() -> None:
    recipe = parse(
        """\
name: split
version: 1.0.0
grid: {cells: 16}
time: {steps: 3}
scene: {inflows: [{center: [8, 3], radius: 2}], buoyancy: {strength: 0.1}}
vary: {strength: [0.1, 0.2, 0.3]}
symmetry: {group: C2}
splits: {train: [0, 2], test: {start: 1, step: 1, count: 1}}
"""
    )
    assert [run.split for run in plan(recipe).runs] == ["train", "train", "test", "test", "train", "train"]


def test_a_direction_is_normalised() -> None:
    recipe = parse(
        """\
name: aslant
version: 1.0.0
grid: {cells: 16}
time: {steps: 2}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {direction: [3, 4], strength: 0.5, schedule: {kind: list, factors: [1, 2]}}
"""
    )
    np.testing.assert_allclose(plan(recipe).runs[0].simulation.force, [[(0.3, 0.4)], [(0.6, 0.8)]])


def test_a_recipe_made_in_python_is_checked_too(small: Recipe) -> None:
    grid = small.grid.model_copy(update={"cells": (16, 8)})
    with pytest.raises(RecipeError, match="square box"):
        plan(small.model_copy(update={"grid": grid}))
