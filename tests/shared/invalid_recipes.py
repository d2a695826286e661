"""Recipes with one error each, and what loading says of them."""

from __future__ import annotations

import re

import pytest

from phigen.errors import RecipeError
from phigen.recipe.loading import parse
from tests.shared.recipes import SMALL

PLUME = "{inflows: [{center: [5, 3], radius: 2}], buoyancy: {strength: 0.1}"
TWO_REGIONS = "regions: [{x: [0, 8]}, {x: [8, 16], factor: 2}]"
TEN = "vary: {strength: {start: 0.1, step: 0.01, count: 10}}\n"

OPEN_TOP = "{x: closed, y: {lower: closed, upper: open}}"
RESAMPLED = "{group: scaling, scaling_method: resampled, factors: "
RESCALED = "{group: scaling, scaling_method: rescaled, factors: "
SHIFTED = "{group: translation, shifts: "
FRACTION = SHIFTED + "[[0, 0], [0.5, 0]], non_integer: resample"
MIRRORED = "{group: D1_x, breaking: "


def errors_of(text: str) -> list[str]:
    """Return the lines that loading a recipe fails with."""
    with pytest.raises(RecipeError) as caught:
        parse(text, "r.yaml")
    return str(caught.value).splitlines()


def errors_after(old: str, new: str) -> list[str]:
    """Return the errors of the small recipe after a change to its text."""
    assert old in SMALL
    return errors_of(SMALL.replace(old, new))


def has_one_error(text: str, expected: str) -> None:
    """Check that a recipe has one error, which is one line with its place."""
    lines = errors_of(text)
    assert len(lines) == 1, lines
    assert expected in lines[0]
    assert re.match(r"r\.yaml:[1-9]\d*:[1-9]\d*: [a-z_.0-9]+: ", lines[0])


def recipe_with(**sections: str) -> str:
    """Return a valid recipe of one plume, with what a test changes."""
    valid = {"grid": "{cells: 16}", "time": "{steps: 60}", "scene": PLUME + "}"}
    return "name: n\nversion: 1.0.0\n" + "".join(f"{key}: {text}\n" for key, text in (valid | sections).items())


def symmetry(text: str) -> str:
    """Return the recipe with a section `symmetry`."""
    return recipe_with(symmetry=text)


def regions(text: str, extra: str = "{}") -> str:
    """Return the recipe with regions."""
    return recipe_with(scene=f"{PLUME}, regions: {text}}}", symmetry=extra)


def boundary(text: str, extra: str = "{}") -> str:
    """Return the recipe with boundary conditions."""
    return recipe_with(grid=f"{{cells: 16, boundary: {text}}}", symmetry=extra)


def sample(text: str, extra: str = "{}") -> str:
    """Return the recipe with thirty drawn scenes."""
    return recipe_with(sample=f"{{count: 30, seed: 1, {text}}}", symmetry=extra)


def splits(text: str) -> str:
    """Return the recipe with ten orbits and their splits."""
    return recipe_with(splits=text) + TEN
