"""What is wrong with the box, the time or the splits is one line that says where, what and what to do."""

from __future__ import annotations

import pytest

from tests.shared.invalid_recipes import SHIFTED, boundary, errors_after, has_one_error, recipe_with, splits, symmetry


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (boundary("{x: {lower: periodic, upper: open}, y: open}"),
         "grid.boundary.x: both sides of an axis are periodic or"),
        (symmetry(SHIFTED + "{x: &many {start: 0, step: 1, count: 1000000}, y: *many}}"),
         "symmetry: makes 1,000,000,000,000 runs, more than 1,000,000"),
        (recipe_with(vary="{strength: {start: 0, step: 1, count: 900000}, inflow_rate: [1, 2]}"),
         "vary: makes 1,800,000 runs, more than 1,000,000"),
        (recipe_with(sample="{count: 250001, seed: 1}", symmetry="{group: C4}"),
         "sample: makes 1,000,004 runs, more than 1,000,000; ask for fewer"),
        (recipe_with(vary="{strength: [0.1, 0.2]}", splits="{train: [0]}"),
         "not every orbit is in a split, missing 1;"),
        (recipe_with(splits="{train: [0], test: [0]}"), "splits: orbit 0 is already in train; remove one"),
        (recipe_with(splits="{train: [0, 7]}"), "splits: there is no orbit 7, the recipe has 1"),
        (splits("{train: 0.8, test: 0.1}"), "splits: fractions must add up to 1, got 0.9; change one of them"),
        (splits("{train: 0.99, test: 0.01}"), "splits: test is empty, got 0.01 of 10 orbits; increase it or remove it"),
        (splits("{train: 0.8, test: [8, 9]}"), "splits: fractions and lists cannot be mixed"),
        (splits("{train: [10]}"), "splits: there is no orbit 10, the recipe has 10, numbered from 0; remove it"),
        (splits("{frames: {train: [0, 29], test: [59, 59], window: 30}}"), "train and test have 29 frames between"),
        (splits("{frames: {train: [0, 40], test: [30, 59]}}"), "splits.frames: train and test overlap, got train"),
        (splits("{frames: {train: 0.5, test: 0.5, window: 60}}"), "60 kept frames are too few for 2 splits with 60"),
        (splits("{frames: {train: [0, 19]}}"),
         "train has 20 frames, fewer than a window of 30; lengthen it, or choose"),
        (splits("{frames: {test: [0, 59]}}"), "no frames are for training; assign some to train, or remove frames"),
        (splits("{frames: {train: [0, 60]}}"), "train must be [first, last] of the kept frames 0 to 59, got [0, 60]"),
        (splits("{frames: {train: 0.5, test: 0.6, window: 1}}"), "splits.frames: fractions must add up to 1, got 1.1"),
    ],
)  # fmt: skip
def test_an_error_of_box_time_and_splits_is_one_line(text: str, expected: str) -> None:
    has_one_error(text, expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("first: 1", "first: 6", "time.frames.first: 6 steps have the frames 0 to 5, got 6"),
        ("first: 1", "last: 9", "time.frames.last: 6 steps have the frames 0 to 5, got 9"),
        ("first: 1", "first: 4, last: 2", "time.frames: no frame is kept, got first 4 and last 2"),
        ("grid:", "store: [smoke, smoke]\ngrid:", "store.1: smoke is listed twice; remove one"),
    ],
)
def test_an_error_of_changed_frames_is_among_the_lines(old: str, new: str, expected: str) -> None:
    assert any(expected in line for line in errors_after(old, new))


def test_frames_are_not_split_before_they_are_valid() -> None:
    lines = errors_after("first: 1}, dt_velocity: 0.5}", "first: 6}}\nsplits: {frames: {train: [0, 60]}}")
    assert [line.split(": ")[1] for line in lines] == ["time.frames.first"]
