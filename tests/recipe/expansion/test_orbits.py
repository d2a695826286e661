"""A recipe is expanded once; its orbits are those of its sections as they are, never those of another recipe."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from phigen.building.builder import build
from phigen.building.calibration import calibrate
from phigen.errors import RecipeError
from phigen.planning.plans import plan, runs_in
from phigen.recipe.checks import recipe as checks
from phigen.recipe.loading import load, parse, shipped
from phigen.recipe.model import Recipe
from tests.shared.invalid_recipes import recipe_with
from tests.shared.recipes import SMALL

TARGETS = """\
name: targets
version: 1.0.0
grid: {cells: 8}
time: {steps: 3}
scene: {inflows: [{center: [4, 2], radius: 2}], buoyancy: {strength: 0.1}}
symmetry: {group: C2, target_error: [0, 0.001], tolerance: 0.5}
"""


@pytest.fixture
def expansions(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often scenes, orbits and splits are made."""
    counted: Counter[str] = Counter()

    def count(name: str, step: Any, *arguments: Any) -> Any:
        counted[name] += 1
        return step(*arguments)

    for name in ("scenes_of", "orbits_of", "split_up"):
        monkeypatch.setattr(checks, name, partial(count, name, getattr(checks, name)))
    return counted


def test_loading_planning_and_building_expand_a_recipe_once(expansions: Counter[str], tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    recipe = load(path)
    assert len(plan(recipe).runs) == runs_in(recipe) == 8
    build(recipe, tmp_path / "small.zarr", workers=1)
    assert expansions == {"scenes_of": 1, "orbits_of": 1, "split_up": 1}


def test_a_build_with_calibration_expands_its_recipe_once(expansions: Counter[str], tmp_path: Path) -> None:
    recipe = parse(TARGETS)
    calibration = calibrate(recipe)
    plan(recipe, calibration)
    build(recipe, tmp_path / "targets.zarr", workers=1)
    assert expansions == {"scenes_of": 1, "orbits_of": 1, "split_up": 1}


def test_a_changed_recipe_has_orbits_of_its_own(small: Recipe) -> None:
    before = small.orbits
    sections = {
        "symmetry": small.symmetry.model_copy(update={"group": "C2", "breaking": type(small.symmetry.breaking)()}),
        "vary": small.vary.model_copy(update={"strength": (0.1, 0.2)}),
    }
    changed = [small.model_copy(update={key: section}) for key, section in sections.items()]
    assert [len(orbit.members) for orbit in changed[0].orbits] == [2]
    assert [len(orbit.members) for orbit in changed[1].orbits] == [4, 4]
    assert small.orbits is small.model_copy(update={"name": "other"}).orbits is before
    assert [member.element.name for member in before[0].members] == ["identity", "rotate90", "rotate180", "rotate270"]


def test_a_recipe_made_invalid_in_python_has_no_orbits(small: Recipe) -> None:
    oblong = small.model_copy(update={"grid": small.grid.model_copy(update={"cells": (16, 8)})})
    with pytest.raises(RecipeError, match=r"small: symmetry\.group: rotate90 needs a square box"):
        _ = oblong.orbits


@pytest.mark.parametrize("name", shipped())
def test_orbits_give_the_strengths_and_splits_of_the_runs(name: str) -> None:
    recipe = load(name)
    runs = {(run.level, run.orbit, run.element): run for run in plan(recipe).runs}
    for level in recipe.symmetry.levels:
        for orbit in recipe.orbits:
            for member in orbit.members:
                run = runs.pop((float(level), orbit.number, member.element))
                assert run.split == member.split
                assert float(orbit.strength(member, level)) == run.strength
    assert not runs


def test_distinct_elements_keep_their_place_among_the_recipes() -> None:
    """A plume on the vertical axis is its own mirror image, so half of D4 is left, each with its own offset."""
    recipe = parse(
        recipe_with(
            scene="{inflows: [{center: [8, 3], radius: 2}], buoyancy: {strength: 0.1}}",
            symmetry="{group: D4, elements: distinct, breaking: {offsets: {start: 0, step: 1, count: 8}}}",
        )
    )
    (orbit,) = recipe.orbits
    assert [(member.place, member.element.name) for member in orbit.members] == [
        (0, "identity"),
        (1, "rotate90"),
        (2, "rotate180"),
        (3, "rotate270"),
    ]
    assert [orbit.strength(member, Decimal(2)) for member in orbit.members] == [
        Decimal(n) + Decimal("0.1") for n in (0, 2, 4, 6)
    ]


def test_the_runs_of_an_orbit_that_are_simulated_alike_share_one_simulation(small: Recipe) -> None:
    exact, broken = (plan(small).runs[:4], plan(small).runs[4:])
    assert len({id(run.simulation) for run in exact}) == 1
    assert len({id(run.simulation) for run in broken}) == 4
