"""Shards divide the runs of a recipe, stay within their bounds, and never hold runs of two levels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phigen.planning.plans import plan
from phigen.planning.shards import AIM, FEWEST_SHARDS, MOST_BYTES, MOST_SHARDS, runs_of_a_shard, runs_per_shard
from phigen.recipe.loading import load, parse
from tests.shared.recipes import SMALL

sizes = st.integers(1, 10_000_000) | st.integers(1, 1_000_000_000)
counts = st.lists(st.integers(1, 200_000), min_size=1, max_size=3)


@given(sizes, st.integers(1, 40), counts, st.integers(1, 40))
def test_a_shard_stays_within_its_bounds_and_its_level(run: int, levels: int, splits: list[int], orbit: int) -> None:
    number = runs_of_a_shard(run, levels=levels, splits=splits, orbit=orbit)
    of_level = sum(splits)
    assert 1 <= number <= of_level
    assert number == 1 or number * run <= MOST_BYTES
    if levels > 1:
        assert of_level % number == 0
    if levels * math.ceil(of_level / number) > MOST_SHARDS:
        larger = range(number + 1, min(of_level, MOST_BYTES // run) + 1)
        assert not any(levels == 1 or of_level % more == 0 for more in larger)


@given(sizes, st.integers(1, 4), st.integers(1, 8), st.integers(1, 30))
def test_a_number_that_fits_orbits_and_splits_is_taken_if_it_is_near(
    run: int, levels: int, orbit: int, orbits: int
) -> None:
    """Splits of 8, 1 and 1 tenths: every divisor of the smallest one fits all three."""
    splits = [8 * orbit * orbits, orbit * orbits, orbit * orbits]
    number = runs_of_a_shard(run, levels=levels, splits=splits, orbit=orbit)
    aim = min(AIM / run, levels * sum(splits) / FEWEST_SHARDS)
    near = [orbit * n for n in range(1, orbits + 1) if orbits % n == 0 and aim / 2 <= orbit * n <= 2 * aim]
    fitting = [n for n in near if n * run <= MOST_BYTES]
    if aim > 1 and fitting:
        assert number in fitting


@given(st.integers(10_000, 10_000_000), st.integers(1, 10_000))
def test_a_single_level_without_orbits_is_as_near_to_the_aim_as_whole_runs_are(run: int, runs: int) -> None:
    number = runs_of_a_shard(run, levels=1, splits=[runs], orbit=1)
    aim = max(1.0, min(AIM / run, runs / FEWEST_SHARDS))
    assert number == 1 if aim == 1 else aim / 2 <= number <= 2 * aim


@given(sizes, st.integers(1, 64), st.integers(1, 8))
def test_few_runs_have_a_shard_each(run: int, runs: int, orbit: int) -> None:
    assert runs_of_a_shard(run, levels=1, splits=[runs], orbit=orbit) == 1


@pytest.mark.parametrize(("name", "number"), [("random_plumes", 20), ("rotation_eq10", 1), ("rotation", 1)])
def test_the_shipped_recipes_have_shards_of_so_many_runs(name: str, number: int) -> None:
    assert runs_per_shard(load(name)) == number


MANY = SMALL.replace("symmetry:", "vary: {strength: {start: 0.1, step: 0.001, count: 300}}\nsymmetry:")


@pytest.mark.parametrize(
    "splits", ["", "splits: {train: 0.8, test: 0.2}", "splits: {by: run, train: 0.71, validation: 0.2, test: 0.09}"]
)
def test_every_run_is_in_one_shard_and_none_crosses_a_level(splits: str) -> None:
    planned = plan(parse(MANY + splits))
    assert planned.runs_per_shard > 1
    assert [run for shard in planned.shards for run in shard] == list(range(len(planned.runs)))
    assert all(len(set(planned.columns["level"][list(shard)])) == 1 for shard in planned.shards)
    assert plan(parse(MANY + splits)).shards == planned.shards
