"""Drawn scenes depend on their seed and number alone, and are what their distributions promise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from phigen.errors import RecipeError
from phigen.planning.plans import plan
from phigen.recipe.distribution import Choice, Distribution, LogUniform, Normal, Uniform, streams_of
from phigen.recipe.loading import load, parse
from phigen.recipe.model import Recipe

DRAWN = """\
name: drawn
version: 1.0.0
grid: {{cells: [32, 24], boundary: {boundary}}}
time: {{steps: 2}}
scene:
  inflows: [{{center: [16, 6], radius: 3}}, {{center: [16, 18], radius: 3, rate: 2}}]
  buoyancy: {{strength: 0.1}}
sample: {{{sample}}}
"""
EVERYTHING = """count: {count}, seed: {seed}, wall_distance: 1.5,
  inflow_x: {{kind: uniform, low: 0, high: 32}},
  inflow_y: {{kind: normal, mean: 12, std: 4}},
  inflow_radius: {{kind: choice, values: [2, 3.5]}},
  inflow_rate: {{kind: loguniform, low: 0.1, high: 10}},
  strength: {{kind: uniform, low: 0, high: 0.2}}"""
seeds = st.integers(0, 2**63)
ordered = st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).filter(lambda ends: ends[0] < ends[1])


def stream_of(seed: int, scene: int) -> np.random.Generator:
    return next(streams_of(seed, range(scene, scene + 1)))


def drawn(sample: str, boundary: str = "closed") -> Recipe:
    return parse(DRAWN.format(sample=sample, boundary=boundary), "drawn.yaml")


def scenes(count: int, seed: int = 7, boundary: str = "closed") -> tuple[Any, ...]:
    recipe = drawn(EVERYTHING.format(count=count, seed=seed), boundary)
    return tuple(orbit.scene for orbit in recipe.orbits)


def test_a_scene_is_the_same_however_many_are_asked_for() -> None:
    many = scenes(50)
    assert scenes(5) == many[:5]
    assert len(set(many)) == 50
    assert [run.simulation for run in plan(drawn(EVERYTHING.format(count=5, seed=7))).runs] == [
        run.simulation for run in plan(drawn(EVERYTHING.format(count=50, seed=7))).runs[:5]
    ]


def test_another_seed_draws_other_scenes() -> None:
    assert not set(scenes(20, seed=7)) & set(scenes(20, seed=8))


@given(seeds, st.integers(0, 1000))
def test_streams_are_the_children_that_numpy_spawns(seed: int, scene: int) -> None:
    """Those of numpy's own SeedSequence, told apart by their place alone."""
    child = np.random.SeedSequence(seed).spawn(scene + 1)[scene]
    expected = np.random.Generator(np.random.PCG64(child)).random(4)
    np.testing.assert_array_equal(stream_of(seed, scene).random(4), expected)
    assert stream_of(seed, scene + 1).random() != expected[0]


@pytest.mark.parametrize("seed", [0, 2022, 2**32 - 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("first", [0, 9998, 999_990])
def test_streams_that_are_seeded_together_are_those_of_numpy(seed: int, first: int) -> None:
    scenes = range(first, first + 10)
    for scene, stream in zip(scenes, streams_of(seed, scenes), strict=True):
        child = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(scene,)))
        assert stream.bit_generator.state == child.state


@given(ordered, seeds)
def test_uniform_numbers_are_those_that_numpy_draws(ends: tuple[float, float], seed: int) -> None:
    low, high = ends
    assert Uniform(kind="uniform", low=low, high=high).draw(stream_of(seed, 0)) == stream_of(seed, 0).uniform(low, high)


@given(ordered, seeds)
def test_uniform_numbers_stay_stay_between_their_ends(ends: tuple[float, float], seed: int) -> None:
    low, high = ends
    stream, distribution = stream_of(seed, 0), Uniform(kind="uniform", low=low, high=high)
    assert all(low <= distribution.draw(stream) <= high for _ in range(20))


@given(st.floats(1e-6, 1e3), st.floats(1.001, 1e6), seeds)
def test_loguniform_numbers_stay_between_their_ends(low: float, ratio: float, seed: int) -> None:
    high = low * ratio
    stream, distribution = stream_of(seed, 0), LogUniform(kind="loguniform", low=low, high=high)
    slack = 1e-12
    assert all(low * (1 - slack) <= distribution.draw(stream) <= high * (1 + slack) for _ in range(20))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), seeds)
def test_chosen_numbers_are_among_those_listed(values: list[float], seed: int) -> None:
    stream, distribution = stream_of(seed, 0), Choice(kind="choice", values=tuple(values))
    assert all(distribution.draw(stream) in values for _ in range(20))


def test_numbers_are_spread_as_their_distribution_says() -> None:
    """2,000 draws each: means and spreads are theirs to four standard errors, and every choice is made."""
    stream, count = stream_of(1, 0), 2000
    uniform = np.array([Uniform(kind="uniform", low=2, high=4).draw(stream) for _ in range(count)])
    assert uniform.mean() == pytest.approx(3, abs=4 * uniform.std() / math.sqrt(count))
    assert uniform.std() == pytest.approx(2 / math.sqrt(12), rel=0.05)
    logs = np.log10([LogUniform(kind="loguniform", low=0.01, high=100).draw(stream) for _ in range(count)])
    assert logs.mean() == pytest.approx(0, abs=4 * logs.std() / math.sqrt(count))
    assert logs.std() == pytest.approx(4 / math.sqrt(12), rel=0.05)
    normal = np.array([Normal(kind="normal", mean=5, std=2).draw(stream) for _ in range(count)])
    assert normal.mean() == pytest.approx(5, abs=4 * 2 / math.sqrt(count))
    assert normal.std() == pytest.approx(2, rel=0.08)
    choices = [Choice(kind="choice", values=(1, 2, 3)).draw(stream) for _ in range(count)]
    assert all(choices.count(value) == pytest.approx(count / 3, rel=0.15) for value in (1, 2, 3))


def test_every_inflow_is_drawn_by_itself_and_keeps_its_distance_from_the_walls() -> None:
    for scene in scenes(100):
        one, other = scene.inflows
        assert one.center != other.center
        assert 0 <= scene.buoyancy.strength <= 0.2
        for inflow in scene.inflows:
            (x, y), radius = inflow.center, inflow.radius
            assert min(x, 32 - x, y, 24 - y) - radius >= 1.5
            assert radius in (2, 3.5)
            assert 0.1 <= inflow.rate <= 10


def test_an_axis_that_wraps_around_has_no_wall_to_keep_from() -> None:
    clearances = [
        min(x, 32 - x) - inflow.radius
        for scene in scenes(100, boundary="{x: periodic, y: closed}")
        for inflow in scene.inflows
        for x, y in [inflow.center]
        if min(y, 24 - y) - inflow.radius >= 1.5
    ]
    assert len(clearances) == 200
    assert min(clearances) < 0


def test_what_is_not_drawn_is_as_in_the_scene() -> None:
    recipe = drawn("count: 9, seed: 1, strength: {kind: uniform, low: 0.1, high: 0.2}")
    every = tuple(orbit.scene for orbit in recipe.orbits)
    assert {scene.inflows for scene in every} == {recipe.scene.inflows}
    assert len({scene.buoyancy.strength for scene in every}) == 9


def test_a_scene_that_no_draw_can_make_is_refused_where_it_is_asked_for() -> None:
    narrow = "count: 2, seed: 1, wall_distance: 3, inflow_y: {kind: uniform, low: 0, high: 5}"
    with pytest.raises(RecipeError) as caught:
        drawn(narrow)
    assert str(caught.value) == (
        "drawn.yaml:8:1: sample: no valid scene at least 3 cells from every wall was found in 1000 draws; narrow "
        "the distributions, or lower wall_distance"
    )


def test_a_scene_without_radius_or_with_a_pull_below_zero_is_drawn_again() -> None:
    recipe = drawn(
        "count: 40, seed: 3, inflow_radius: {kind: choice, values: [-1, 0, 2]}, "
        "inflow_rate: {kind: choice, values: [0, 3]}, strength: {kind: normal, mean: 0, std: 1}"
    )
    every = tuple(orbit.scene for orbit in recipe.orbits)
    assert {(inflow.radius, inflow.rate) for scene in every for inflow in scene.inflows} == {(2, 3)}
    assert min(scene.buoyancy.strength for scene in every) >= 0


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "uniform", "low": 2.0, "high": 2.0},
        {"kind": "loguniform", "low": 3.0, "high": 2.0},
        {"kind": "loguniform", "low": 0.0, "high": 2.0},
        {"kind": "normal", "mean": 0.0, "std": 0.0},
        {"kind": "choice", "values": []},
        {"kind": "poisson", "mean": 2.0},
        {"low": 1.0, "high": 2.0},
    ],
)
def test_a_distribution_that_is_none_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Distribution).validate_python(said)


def test_drawing_and_varying_at_once_is_refused() -> None:
    with pytest.raises(
        RecipeError, match=r"drawn\.yaml:8:1: sample: vary and sample both define the scenes; remove one"
    ):
        parse(DRAWN.format(sample="count: 2, seed: 1", boundary="closed") + "vary: {strength: [1, 2]}\n", "drawn.yaml")


def test_the_shipped_plumes_are_250_that_differ_in_all_that_is_drawn() -> None:
    recipe = load("random_plumes")
    every = tuple(orbit.scene for orbit in recipe.orbits)
    assert len(every) == 250
    inflows = [scene.inflows[0] for scene in every]
    for numbers, low, high in (
        ([inflow.center[0] for inflow in inflows], 8, 56),
        ([inflow.center[1] for inflow in inflows], 7, 28),
        ([inflow.radius for inflow in inflows], 3, 6),
        ([scene.buoyancy.strength for scene in every], 0.01, 0.1),
    ):
        assert len(set(numbers)) == 250
        assert low <= min(numbers) < max(numbers) <= high
        assert max(numbers) - min(numbers) > 0.9 * (high - low)
    assert all(min(p, 64 - p) - inflow.radius >= 2 for inflow in inflows for p in inflow.center)
