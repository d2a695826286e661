"""Every run is in one split, no window reaches from one split into another, and what would leak is refused."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phigen.errors import RecipeError
from phigen.planning.plans import plan
from phigen.recipe.loading import load, parse
from phigen.recipe.splits import NAMES, FrameSplits, Splits, members, stretches
from tests.shared.recipes import SMALL


@st.composite
def fractions(draw: st.DrawFn) -> dict[str, float]:
    """Hundredths that add up to 1, for one to three splits."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    cuts = draw(st.lists(st.integers(1, 99), min_size=len(names) - 1, max_size=len(names) - 1, unique=True))
    ends = [0, *sorted(cuts), 100]
    return {name: (ends[i + 1] - ends[i]) / 100 for i, name in enumerate(names)}


@given(fractions().filter(lambda shares: "train" in shares), st.integers(0, 200), st.integers(0, 9))
def test_every_number_is_in_one_split_as_large_as_it_shall_be(shares: dict[str, float], more: int, seed: int) -> None:
    count = math.ceil(1 / min(Fraction(str(share)) for share in shares.values())) + more
    dealt = members(Splits(seed=seed, **shares), count)
    assert len(dealt) == count
    sizes = Counter(dealt)
    assert sizes.keys() == shares.keys()
    assert all(abs(sizes[name] - Fraction(str(share)) * count) < 1 for name, share in shares.items())


@given(st.integers(20, 80), st.integers(20, 200), st.integers(0, 99))
def test_one_seed_deals_alike_and_another_does_not(percent: int, count: int, seed: int) -> None:
    def dealt(seed: int) -> list[str]:
        return list(members(Splits(seed=seed, train=percent / 100, test=(100 - percent) / 100), count))

    assert dealt(seed) == dealt(seed)
    assert any(dealt(seed + i) != dealt(seed) for i in range(1, 6))


@given(st.integers(1, 30), st.randoms(use_true_random=False))
def test_lists_are_kept_as_they_are(count: int, dice: Random) -> None:
    homes = ["train", *(dice.choice(NAMES) for _ in range(count - 1))]
    listed = {name: tuple(i for i, home in enumerate(homes) if home == name) for name in set(homes)}
    assert list(members(Splits.model_validate(listed), count)) == homes


def test_a_dataset_without_a_part_for_training_is_refused() -> None:
    for said in ({"test": 1.0}, {"test": 0.5, "validation": 0.5}, {"test": [0, 1]}):
        with pytest.raises(ValueError, match="no orbits are for training; assign some to train"):
            members(Splits.model_validate(said), 2)


def test_what_is_not_split_is_for_training() -> None:
    assert list(members(Splits(), 3)) == ["train", "train", "train"]
    assert stretches(None, range(10)) == {}


def test_a_range_names_every_other_orbit() -> None:
    splits = Splits.model_validate(
        {"train": {"start": 0, "step": 2, "count": 3}, "test": {"start": 1, "step": 2, "count": 2}}
    )
    assert list(members(splits, 5)) == ["train", "test", "train", "test", "train"]


@st.composite
def kept_frames(draw: st.DrawFn) -> range:
    first, every = draw(st.integers(0, 20)), draw(st.integers(1, 3))
    return range(first, first + every * draw(st.integers(3, 120)), every)


@st.composite
def stretched(draw: st.DrawFn) -> tuple[dict[str, float], range, int]:
    """Shares of frames, frames that are enough for them, and a window."""
    shares = draw(fractions().filter(lambda shares: "train" in shares))
    window = draw(st.integers(1, 30))
    enough = window * (len(shares) - 1) + math.ceil(window / min(Fraction(str(share)) for share in shares.values()))
    first, every, count = draw(st.integers(0, 20)), draw(st.integers(1, 3)), enough + draw(st.integers(0, 60))
    return shares, range(first, first + every * count, every), window


def samples(ends: tuple[int, int], kept: range, window: int) -> set[int]:
    """The frames that windows touch which begin in a split: a network that learns from it may see all of them."""
    begins = range(kept.index(ends[0]), kept.index(ends[1]) + 1)
    return {frame for begin in begins for frame in kept[begin : begin + window]}


@given(stretched())
def test_no_window_that_begins_in_one_stretch_reaches_another(case: tuple[dict[str, float], range, int]) -> None:
    shares, kept, window = case
    usable = len(kept) - window * (len(shares) - 1)
    ends = stretches(FrameSplits(window=window, **shares), kept)
    assert list(ends) == [name for name in NAMES if name in shares]
    for (_, a), (_, b) in pairwise(ends.items()):
        assert kept.index(b[0]) - kept.index(a[1]) - 1 == window
        assert not samples(a, kept, window) & set(kept[kept.index(b[0]) :])
    sizes = {name: kept.index(last) - kept.index(first) + 1 for name, (first, last) in ends.items()}
    assert sum(sizes.values()) == usable
    assert all(abs(size - Fraction(str(shares[name])) * usable) < 1 for name, size in sizes.items())
    assert (ends[next(iter(ends))][0], ends[list(ends)[-1]][1]) == (kept[0], kept[-1])


@given(kept_frames(), st.integers(1, 10), st.data())
def test_listed_stretches_are_kept_or_leak_and_are_refused(kept: range, window: int, data: st.DataObject) -> None:
    a, b, c, d = sorted(data.draw(st.lists(st.sampled_from(kept), min_size=4, max_size=4)))
    splits = FrameSplits.model_validate({"train": [a, b], "test": [c, d], "window": window})
    if any(kept.index(last) - kept.index(first) + 1 < window for first, last in ((a, b), (c, d))):
        with pytest.raises(ValueError, match=r"fewer than a window|overlap|frames between"):
            stretches(splits, kept)
    elif not samples((a, b), kept, window + 1) & set(range(c, d + 1)):
        assert stretches(splits, kept) == {"train": (a, b), "test": (c, d)}
    else:
        with pytest.raises(ValueError, match=r"overlap|frames between"):
            stretches(splits, kept)


REFUSED = {
    "train: 0.8": "fractions must add up to 1, got 0.8",
    "train: 0.8, test: 0.3": "fractions must add up to 1, got 1.1",
    "train: 0.9, test: [1]": "fractions and lists cannot be mixed",
    "train: [0, 1, 2, 3], test: [3]": "orbit 3 is already in train; remove one",
    "train: [0, 1], test: [3]": "not every orbit is in a split, missing 2; assign each to one",
    "train: [0]": "not every orbit is in a split, missing 1, and 2 more",
    "train: [0, 1, 2, 3, 4]": "there is no orbit 4, the recipe has 4, numbered from 0",
    "train: 0.95, test: 0.05": "test is empty, got 0.05 of 4 orbits; increase it or remove it",
    "train: 1, test: 0": "test is empty, got 0 of 4 orbits",
    "by: run, train: [0, 1, 2, 3]": "not every run is in a split, missing 4, and 11 more",
    "frames: {train: [0, 20], test: [20, 29], window: 1}": "train and test overlap, got train up to 20 and test from",
    "frames: {train: [5, 29], test: [0, 9], window: 1}": "test and train overlap, got test up to 9 and train from 5",
    "frames: {train: [0, 9], test: [14, 29], window: 5}": "have 4 frames between them, got a window of 5",
    "frames: {train: [0, 9], test: [20, 30]}": "test must be [first, last] of the kept frames 0 to 29, got [20, 30]",
    "frames: {train: [9, 0]}": "train must be [first, last] of the kept frames 0 to 29, got [9, 0]",
    "frames: {train: 0.5, test: [20, 29]}": "fractions and lists cannot be mixed",
    "frames: {train: 0.5, test: 0.4, window: 2}": "fractions must add up to 1, got 0.9",
    "frames: {train: 0.5, test: 0.5, window: 29}": "30 kept frames are too few for 2 splits with 29 frames between",
    "frames: {train: 0.99, test: 0.01, window: 5}": "test is empty, got 0.01 of 25 frames",
}
FOUR = """\
name: four
version: 1.0.0
grid: {cells: 16}
time: {steps: 30}
scene:
  inflows: [{center: [8, 3], radius: 2}]
  buoyancy: {strength: 0.1}
vary: {strength: [0.1, 0.2, 0.3, 0.4]}
symmetry: {group: C4}
"""


@pytest.mark.parametrize("said", REFUSED)
def test_a_split_that_leaks_or_loses_is_one_line_with_its_place(said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(f"{FOUR}splits: {{{said}}}\n", "four.yaml")
    line = len(FOUR.splitlines()) + 1
    column = said.index("frames") + 10 if "frames" in said else 1
    assert str(caught.value).startswith(f"four.yaml:{line}:{column}: splits")
    assert REFUSED[said] in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.sampled_from([(0.25, 0.75), (0.5, 0.5), (0.75, 0.25)]), st.integers(0, 99))
def test_orbits_never_straddle_two_splits(shares: tuple[float, float], seed: int) -> None:
    train, test = shares
    runs = plan(parse(f"{FOUR}splits: {{train: {train}, test: {test}, seed: {seed}}}\n")).runs
    for orbit in range(4):
        assert len({run.split for run in runs if run.orbit == orbit}) == 1
    assert Counter(run.split for run in runs) == {"train": 16 * train, "test": 16 * test}


def test_by_run_the_runs_of_an_orbit_may_part_and_each_level_is_split_alike() -> None:
    runs = plan(parse(SMALL + "splits: {by: run, train: 0.75, test: 0.25}\n")).runs
    first, second = ([run.split for run in runs if run.level == level] for level in (0, 1))
    assert sorted(first) == ["test", "train", "train", "train"]
    assert first == second


@pytest.mark.parametrize("name", ["rotation", "translation", "scaling"])
def test_the_papers_split_is_shipped_without_its_leak(name: str) -> None:
    planned = plan(load(name))
    counts = Counter(run.split for run in planned.runs)
    assert counts["train"] == round(0.8 * len(planned.runs))
    assert counts["test"] == len(planned.runs) - counts["train"]
    (_, last), (first, end) = planned.split_frames["train"], planned.split_frames["test"]
    assert (first, end) == (200, 309)
    assert first - last - 1 >= 30
