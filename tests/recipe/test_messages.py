"""Errors that pydantic finds are reported in words: where, what is wrong, what was found, what to do."""

from __future__ import annotations

import pytest

from tests.shared.invalid_recipes import (
    RESCALED,
    SHIFTED,
    boundary,
    errors_after,
    has_one_error,
    regions,
    sample,
    splits,
    symmetry,
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("radius: 2", "raduis: 2", "r.yaml:6:30: scene.inflows.0.raduis: is not a known key; did you mean 'radius'?"),
        ("radius: 2", "radius: -2", "r.yaml:6:30: scene.inflows.0.radius: should be greater than 0, got -2"),
        ("strength: 0.1", "strength: .nan", "scene.buoyancy.strength: should be a finite number, got nan"),
        ("strength: 0.1", "strength: .inf", "scene.buoyancy.strength: should be a finite number, got inf"),
        ("strength: 0.1", "strength: -0.1", "should be greater than or equal to 0, got -0.1"),
        ("strength: 0.1", "strength: high", "scene.buoyancy.strength: should be a valid number, got 'high'"),
        ("steps: 6", "steps: 0", "time.steps: should be greater than 0, got 0"),
        ("steps: 6", "steps: 6.5", "time.steps: should be a valid integer, got 6.5"),
        ("steps: 6", "steps: true", "time.steps: should be a valid integer, got True"),
        ("steps: 6", "steps: ~", "time.steps: should be a valid integer, got nothing"),
        ("cells: 16", "cells: 16, boundary: clsoed", "got 'clsoed'; did you mean 'closed'?"),
        ("cells: 16", "cells: {x: 16}", "grid.cells: expected one value or a list, got a mapping"),
        ("cells: 16", "cells: 2", "grid.cells: should be greater than or equal to 4, got 2"),
        ("group: C4", "group: C8", "symmetry.group: should be 'C1', 'C2', 'C4', 'D1_x',"),
        ("name: small", "name: a/b", "name: is not a valid file name, got 'a/b'"),
        ("version: 1.0.0", "version: 1.0", "version: should be a valid string, got 1.0"),
        ("version: 1.0.0", "version: one", "version: is not a semantic version, got 'one'"),
        ("strength: 0.1", "strength: 0.1, schedule: {kind: ramps}", "got 'ramps'; did you mean 'ramp'?"),
        ("strength: 0.1", "strength: 0.1, schedule: ramp", "schedule: expected a mapping of keys"),
        ("strength: 0.1", "strength: 0.1, schedule: {kind: ramp, frist: 1}",
         "is not a known key; did you mean 'first'?"),
        ("[8, 3]", "[8, 3, 1]", "scene.inflows.0.center: must have at most 2 entries, got 3"),
        ("levels: [0, 1]", "levels: []", "symmetry.breaking.levels: must have at least 1 entries, got 0"),
        ("grid: {cells: 16}", "grid: 16", "grid: expected a mapping of keys to values, got 16"),
    ],
)  # fmt: skip
def test_an_error_says_where_and_what(old: str, new: str, expected: str) -> None:
    lines = errors_after(old, new)
    assert any(expected in line for line in lines), lines
    assert all(line.startswith("r.yaml:") for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boundary("{x: {lower: opne, upper: open}, y: open}"), "got 'opne'; did you mean 'open'?"),
        (boundary("{x: {lower: open}, y: open}"), "grid.boundary.x.upper: is missing; add it"),
        (boundary("[open, closed]"), "grid.boundary: expected one value or a mapping, got a list of 2"),
        (regions("[{x: [0, 8.5]}, {x: [8, 16]}]"), "scene.regions.0.x.1: should be a valid integer, got 8.5"),
        (regions("{x: [0, 16]}"), "scene.regions: expected a list, got a mapping"),
        (sample("inflow_x: {low: 1, high: 2}"), "needs a kind; add kind: uniform, loguniform, normal or choice"),
        (sample("inflow_x: {kind: unifrom, low: 1, high: 2}"), "got 'unifrom'; did you mean 'uniform'?"),
        (sample("inflow_x: {kind: uniform, low: 5, high: 2}"),
         "sample.inflow_x: high must be greater than low, got low 5"),
        (sample("inflow_x: {kind: uniform, low: -1e308, high: 1e308}"), "high - low is too large for a floating-point"),
        (sample("inflow_x: [1, 2]"), "sample.inflow_x: expected a mapping of keys to values, got a list of 2"),
        (sample("position: 3"), "sample.position: is not a known key; known are count, seed, wall_distance"),
        (symmetry("{group: translations}"), "got 'translations'; did you mean 'translation'?"),
        (symmetry("{group: 4}"), "symmetry.group: should be a valid string, got 4"),
        (symmetry("{group: C4, elements: distint}"), "got 'distint'; did you mean 'distinct'?"),
        (symmetry(SHIFTED + "[[0, 0], 1]}"), "symmetry.shifts.1: expected a list, got 1"),
        (symmetry(RESCALED + "[1, 2], time_exponent: 1e6}"), "symmetry.time_exponent: should be less than or equal to"),
        (symmetry("{non_integer: truncat}"), "got 'truncat'; did you mean 'truncate'?"),
        (splits("{train: 80}"), "splits.train: should be less than or equal to 1, got 80"),
        (splits("{by: runs}"), "splits.by: should be 'orbit' or 'run', got 'runs'; did you mean 'run'?"),
    ],
)  # fmt: skip
def test_an_error_of_groups_scenes_and_splits_is_one_line(text: str, expected: str) -> None:
    has_one_error(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{group: C4, frame: lab}", "symmetry.frame: is now called reference_frame; rename it"),
        ("{group: scaling, factors: [1], scaling_method: resampled, reading: resampled}",
         "symmetry.reading: is now called scaling_method; rename it"),
        ("{fractional: refused}",
         "symmetry.fractional: is now called non_integer; rename it, and write error for refused"),
        ("{fractional: floored}", "is now called non_integer; rename it, and write truncate for floored"),
        ("{fractional: resampled}", "is now called non_integer; rename it, and write resample for resampled"),
        ("{fractional: 7}", "symmetry.fractional: is now called non_integer; rename it"),
        ("{non_integer: refused}", "symmetry.non_integer: refused is now called error; rename it"),
        ("{non_integer: resampled}", "symmetry.non_integer: resampled is now called resample; rename it"),
        ("{non_integer: floored}", "symmetry.non_integer: floored is now called truncate; rename it"),
    ],
)  # fmt: skip
def test_a_key_or_value_of_version_0_1_is_refused_with_its_new_name(text: str, expected: str) -> None:
    has_one_error(symmetry(text), expected)
