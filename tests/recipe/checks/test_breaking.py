"""What is wrong with a broken symmetry is one line that says where, what and what to do."""

from __future__ import annotations

import pytest

from phigen.recipe.loading import parse
from tests.shared.invalid_recipes import (
    MIRRORED,
    PLUME,
    errors_after,
    errors_of,
    has_one_error,
    recipe_with,
    symmetry,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (symmetry(MIRRORED + "{levels: [0, 1]}}"),
         "all levels are the same because nothing differs; add offsets, gains or"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}]}}"),
         "must have one schedule per element, got 1 for 2 elements"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}, {kind: list, factors: [1]}]}}"),
         "symmetry.breaking.schedules.1.factors: a list needs one factor per step, got 1 for 60 steps"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}, {kind: ramp, first: 5, last: 3}]}}"),
         "symmetry.breaking.schedules.1: last must be greater than first, got first 5 and last 3"),
        (symmetry(MIRRORED + "{schedules: [{kind: constant}, {kind: ramp, first: 0, last: 3}], levels: [0, 2]}}"),
         "levels above 1 cannot be used with schedules, got 2; choose levels up to 1"),
        (symmetry("{group: C2, target_error: [0.2, 0.1]}"),
         "target errors must be 0 or more and increase, got 0.2, 0.1"),
        (symmetry("{group: C2, target_error: [0.1, 0.1]}"),
         "target errors must be 0 or more and increase, got 0.1, 0.1"),
        (symmetry("{target_error: [0, 0.1]}"), "an orbit of one run has no error, got the group C1; choose a larger"),
        (symmetry("{group: C2, target_error: [0, 0.1], breaking: {offsets: [1, 1]}}"),
         "breaks no symmetry because it is the"),
        (symmetry("{group: C2, target_error: [0, 0.1], breaking: {levels: [0, 1]}}"),
         "both define the levels; remove one"),
        (recipe_with(store="[smoke]", symmetry="{group: C2, target_error: [0, 0.1]}"),
         "got the stored variables smoke; store"),
        (recipe_with(scene=PLUME.replace("5, 3", "8, 3") + "}",
                     symmetry="{group: D1_x, elements: distinct, target_error: [0, 1]}"), "no scene has two distinct"),
    ],
)  # fmt: skip
def test_an_error_of_the_breaking_is_one_line(text: str, expected: str) -> None:
    has_one_error(text, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[0, 0.01, 0.02, 0.03]", "[0, 0.01]", "must have one number per element, got 2 for 4 elements; list 4"),
        ("[0, 0.01, 0.02, 0.03]", "[0, -0.2, 0, 0]", "rotate90 has a negative strength at level 1, got -0.1"),
        ("levels: [0, 1]", "levels: [1, 1]", "levels must be 0 or more, each listed once, got 1, 1"),
    ],
)
def test_an_error_of_a_changed_breaking_is_among_the_lines(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in errors_after(old, new))


@pytest.mark.parametrize(
    "text",
    [
        "{group: D1_x, elements: distinct, target_error: [0, 1]}",
        "{group: C2, breaking: {offsets: [0, -0.05], gains: [0, -0.5], levels: [0, 1]}}",
    ],
)
def test_a_breaking_that_leaves_errors_and_strengths_is_valid(text: str) -> None:
    assert len(parse(symmetry(text)).orbits[0].members) == 2


def test_offsets_are_not_counted_against_elements_that_are_not_chosen_yet() -> None:
    (line,) = errors_of(recipe_with(symmetry="{group: translation, breaking: {offsets: [0, 0.1]}}"))
    assert "the group translation needs shifts; add it" in line
