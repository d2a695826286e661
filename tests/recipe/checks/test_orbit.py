"""What is wrong with a group or an orbit is one line that says where, what and what to do."""

from __future__ import annotations

import pytest

from tests.shared.invalid_recipes import (
    FRACTION,
    OPEN_TOP,
    PLUME,
    RESAMPLED,
    RESCALED,
    SHIFTED,
    TWO_REGIONS,
    boundary,
    errors_after,
    has_one_error,
    recipe_with,
    regions,
    sample,
    symmetry,
)

WRAPPED = {"grid": "{cells: 16, boundary: periodic}", "scene": f"{PLUME}, {TWO_REGIONS}}}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boundary(OPEN_TOP, "{group: C2}"),
         "rotate180 needs the same boundary conditions on the sides that it exchanges"),
        (symmetry("{group: C4, regions: stay}"), "symmetry.regions: no regions can stay because the scene has none"),
        (regions("[{}]", RESCALED + "[1, 2], regions: stay}"), "the group scaling moves no regions that could stay"),
        (regions("[{}]", SHIFTED + "[[0, 0], [1, 0]]}"), "moves the regions out of the box; set regions: stay"),
        (sample("inflow_x: {kind: uniform, low: 3, high: 13}", SHIFTED + "[[0, 0], [4, 0]]}"), "moves an inflow out"),
        (recipe_with(**WRAPPED, symmetry=FRACTION + "}"),
         "moves the regions off the cell edges; shift by whole cells, or"),
        (recipe_with(**WRAPPED, symmetry=FRACTION + ", regions: stay}"), "whole cells, or set reference_frame: lab"),
        (symmetry("{group: translation}"), "symmetry.group: the group translation needs shifts; add it"),
        (symmetry("{group: scaling, factors: [1, 2]}"),
         "symmetry.group: the group scaling needs scaling_method; add it"),
        (symmetry("{group: C4, factors: [1, 2]}"), "symmetry.factors: belongs to the group scaling, got C4; remove it"),
        (symmetry("{group: C4, time_exponent: 1}"), "symmetry.time_exponent: belongs to the group scaling, got C4"),
        (symmetry(SHIFTED + "[[0, 0]], elements: [identity]}"),
         "symmetry.elements: belongs to the groups C1, C2, C4, D1_x"),
        (symmetry("{group: C4, non_integer: resample}"),
         "resample belongs to the group translation, got C4; remove it"),
        (symmetry("{group: C4, non_integer: truncate}"), "truncate belongs to the group scaling, got C4; remove it"),
        (symmetry("{group: C4, elements: [identity, rotat90]}"),
         "rotat90 is not in C4; did you mean 'rotate90'?; known are"),
        (recipe_with(grid="{cells: [16, 20]}", symmetry="{group: D1_diagonal}"), "mirror_diagonal needs a square box"),
        (symmetry(SHIFTED + "[[0, 0], [20, 0]]}"),
         "shift(20, 0) moves an inflow out of the box, got x = 25 in [0, 16]"),
        (symmetry(SHIFTED + "[[0, 0], [0.5, 0]]}"),
         "shift(0.5, 0) is not a whole number of cells; shift by whole cells"),
        (symmetry(SHIFTED + "[[1, 0]]}"),
         "the shift [0, 0] must come first because the other runs are compared with it"),
        (symmetry(SHIFTED + "[[0, 0], [1, 0], [1, 0]]}"), "symmetry.shifts.2: shift(1, 0) is listed twice"),
        (symmetry(SHIFTED + "{x: {start: 0, step: 0, count: 9}}}"), "symmetry.shifts: identity is listed 9 times"),
        (boundary("periodic", SHIFTED + "[[0, 0], [16, 0]]}"),
         "shift(16, 0) moves the inflow at (5, 3) to the same place as"),
        (boundary("{x: closed, y: periodic}", SHIFTED + "[[0, 0], [0, 16]]}"), "to the same place as"),
        (symmetry(RESAMPLED + "[1, 1.3]}"), "the factor 1.3 makes a grid of 20.8 x 20.8 cells, which is not a whole"),
        (symmetry(RESAMPLED + "[1, 0.5]}"),
         "a simulated grid must be as fine as the recipe's or finer, got the factor 0.5"),
        (symmetry(RESAMPLED + "[1, 1000]}"), "the factor 1000 makes more than 8192 cells of 16; choose a smaller one"),
        (symmetry(RESCALED + "[1, -1]}"), "symmetry.factors: a factor must be from 0.001 to 1000, got -1"),
        (symmetry(RESCALED + "[1, 1e300]}"), "symmetry.factors: a factor must be from 0.001 to 1000, got 1e+300"),
        (symmetry(RESAMPLED + "[1, 2], time_exponent: 1}"),
         "symmetry.time_exponent: belongs to scaling_method: rescaled"),
        (symmetry(RESCALED + "[1, 2], non_integer: truncate}"),
         "truncate belongs to scaling_method: resampled, got rescaled"),
        (symmetry(RESAMPLED + "[2, 1]}"), "the factor 1 must come first because the other runs are compared with it"),
        (recipe_with(scene="{inflows: [{center: [2.5, 2.5], radius: 0.1}], buoyancy: {strength: 1}}",
                     symmetry=FRACTION + "}"), "shift(0.5, 0) moves the inflow at (2.5, 2.5) off every cell centre"),
        (recipe_with(scene="{inflows: [{center: [0, 3], radius: 2}], buoyancy: {strength: 1}}",
                     symmetry=SHIFTED + "[[0, 0], [16, 0]]}"), "shift(16, 0) is as long as the box, so that no cell"),
        (symmetry("{group: C2, tolerance: 0.1}"),
         "symmetry.tolerance: belongs to target_error, which is not set; remove it"),
    ],
)  # fmt: skip
def test_an_error_of_an_orbit_is_one_line(text: str, expected: str) -> None:
    has_one_error(text, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[8, 3]", "[8, 8]", "rotate90 moves the inflow at (8, 8) to the same place as identity; move the inflow off"),
        ("cells: 16", "cells: [16, 20]", "rotate90 needs a square box, got 16 x 20 cells"),
        ("cells: 16", "cells: 16, boundary: {x: open, y: closed}", "conditions on both axes, got open and closed"),
        ("group: C4", "group: C4\n  elements: [identity, identity]", "identity is listed twice"),
        ("group: C4", "group: C2\n  elements: [identity, rotate90]", "rotate90 is not in C2"),
        ("group: C4", "group: C4\n  elements: [rotate90, identity]", "identity must come first"),
    ],
)
def test_an_error_of_a_changed_orbit_is_among_the_lines(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in errors_after(old, new))
