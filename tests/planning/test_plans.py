"""A plan lists a recipe's runs, and knows which of them share a simulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from phigen.errors import RecipeError
from phigen.planning.plans import plan, runs_in
from phigen.recipe.checks import recipe as checks
from phigen.recipe.loading import load, parse, shipped
from phigen.recipe.model import Recipe
from tests.shared.recipes import SMALL


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
    symmetry = small.symmetry.model_copy(update={"reference_frame": "lab"})
    lab = plan(small.model_copy(update={"symmetry": symmetry}))
    orbit = plan(small)
    assert len({run.simulation for run in orbit.runs if run.level == 0}) == 1
    assert len({run.simulation for run in lab.runs if run.level == 0}) == 4
    assert {run.after.name for run in lab.runs} == {"identity"}
    assert [run.after for run in orbit.runs] == [run.element for run in orbit.runs]
    assert [tuple(run.simulation.force[0][0]) for run in lab.runs[:4]] == [(0, 0.1), (-0.1, 0), (0, -0.1), (0.1, 0)]
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


def test_translation_puts_a_plume_at_thirty_five_places_and_leaves_the_halves() -> None:
    planned = plan(load("translation"))
    places = [(x, y) for x in range(8, 57, 8) for y in range(5, 26, 5)]
    assert [run.inflows[0].center for run in planned.runs] == places
    assert len(planned.distinct) == 35
    for run in planned.runs:
        assert run.orbit == 0
        assert run.after.name == "identity"
        assert run.simulation.inflows == run.inflows
        assert run.simulation.areas == ((0, 32, 0, 64), (32, 64, 0, 64))
        assert run.simulation.force[0].tolist() == [[0, 0.1], [0, 0.2]]


def test_scaling_makes_all_as_many_times_larger() -> None:
    planned = plan(load("scaling"))
    assert len(planned.runs) == len(planned.distinct) == 40
    assert planned.simulated_cells == [run.simulation.cells for run in planned.runs]
    for i, run in enumerate(planned.runs):
        factor, simulation = 1 + i / 10, run.simulation
        assert simulation.cells == (64 * (10 + i) // 10,) * 2
        assert simulation.inflows[0].center == pytest.approx((32 * factor, 5 * factor))
        assert simulation.inflows[0].radius == pytest.approx(5 * factor)
        in_stored_cells = factor * 64 / simulation.cells[0]
        assert run.inflows[0].center == pytest.approx((32 * in_stored_cells, 5 * in_stored_cells))
        assert run.strength == 0.1
        assert simulation.force[0] == pytest.approx(np.array([[0, 0.1 * factor]]))
        assert simulation.unit == pytest.approx(factor)
        assert simulation.stored_cells == (64, 64)
        assert (simulation.dt_smoke, simulation.dt_velocity) == (1, 0.5)


def test_mirror_eq5_is_five_sets_of_eight() -> None:
    planned = plan(load("mirror_eq5"))
    assert planned.levels == tuple(range(5))
    assert len(planned.runs) == 40
    assert len(planned.distinct) == len({level * element for level in range(5) for element in range(8)})
    assert len({run.inflows for run in planned.runs}) == 8
    for run in planned.runs:
        assert run.strength == pytest.approx(0.01 + 0.0025 * run.level * (run.index % 8), abs=1e-15)


def test_translation_periodic_is_one_simulation_at_sixty_four_places() -> None:
    planned = plan(load("translation_periodic"))
    assert len(planned.distinct) == 1
    places = [run.inflows[0].center for run in planned.runs]
    assert places == [((8 + x) % 64, 5 + y) for x in range(0, 64, 8) for y in range(0, 64, 8)]


def test_random_plumes_are_250_orbits_of_four_and_the_first_do_not_depend_on_the_rest() -> None:
    recipe = load("random_plumes")
    planned = plan(recipe)
    assert len(planned.runs) == 1000
    assert Counter(run.orbit for run in planned.runs) == dict.fromkeys(range(250), 4)
    assert len(planned.distinct) == 250
    assert Counter(run.split for run in planned.runs) == {"train": 800, "validation": 100, "test": 100}
    for run in planned.runs:
        (x, y), radius = run.inflows[0].center, run.inflows[0].radius
        assert min(x, y, 64 - x, 64 - y) - radius >= 2
        assert 0.01 <= run.strength <= 0.1
    assert recipe.sample
    fewer = plan(recipe.model_copy(update={"sample": recipe.sample.model_copy(update={"count": 10})}))
    known = {(run.orbit, run.element): run.simulation for run in planned.runs}
    assert len(fewer.runs) == 40
    assert all(run.simulation == known[run.orbit, run.element] for run in fewer.runs)


def order(text: str) -> list[tuple[float, str, int, int]]:
    """Return level, split, orbit and the place of the element, for each run of a recipe."""
    planned = plan(parse(text))
    places = {g: place for place, g in enumerate(planned.recipe.symmetry.orbit)}
    return [(run.level, run.split, run.orbit, places[run.element]) for run in planned.runs]


@pytest.mark.parametrize("by", ["orbit", "run"])
def test_where_shards_hold_several_runs_they_are_ordered_by_level_split_orbit_and_element(by: str) -> None:
    splits = f"splits: {{by: {by}, train: 0.5, validation: 0.25, test: 0.25}}\n"
    vary = "vary: {strength: {start: 0.1, step: 0.01, count: COUNT}}\nsymmetry:"
    many = order(SMALL.replace("symmetry:", vary.replace("COUNT", "40")) + splits)
    names = ["train", "validation", "test"]
    assert many == sorted(many, key=lambda run: (run[0], names.index(run[1]), *run[2:]))
    few = order(SMALL.replace("symmetry:", vary.replace("COUNT", "8")) + splits)
    assert few == sorted(few, key=lambda run: (run[0], *run[2:]))
    assert len({run[1] for run in few[:16]}) > 1


def test_rotation_graded_is_provisional_until_it_is_calibrated() -> None:
    planned = plan(load("rotation_graded"))
    assert planned.provisional
    assert planned.levels == pytest.approx([0.08 * i for i in range(10)])
    assert len(planned.runs) == 40


@pytest.mark.parametrize(("name", "runs"), [("rotation", 40), ("translation", 35), ("scaling", 40)])
def test_published_splits_are_80_and_20_per_cent_with_a_window_between(name: str, runs: int) -> None:
    planned = plan(load(name))
    assert Counter(run.split for run in planned.runs) == {"train": runs * 4 // 5, "test": runs // 5}
    (_, last), (first, _) = planned.split_frames["train"], planned.split_frames["test"]
    assert (first, first - last - 1) == (200, 30)


def sketch(symmetry: str, scene: str = "", boundary: str = "closed") -> Recipe:
    """Return a recipe of one plume at (5, 3) in a box of 16, with what a test adds."""
    return parse(
        f"""\
name: sketch
version: 1.0.0
grid: {{cells: 16, boundary: {boundary}}}
time: {{steps: 3}}
scene: {{inflows: [{{center: [5, 3], radius: 2}}], buoyancy: {{strength: 0.1}}{scene}}}
symmetry: {symmetry}
"""
    )


def test_every_element_puts_a_plume_where_a_hand_does() -> None:
    by_hand = {
        "identity": ((5, 3), (0, 0.1)),
        "rotate90": ((13, 5), (-0.1, 0)),
        "rotate180": ((11, 13), (0, -0.1)),
        "rotate270": ((3, 11), (0.1, 0)),
        "mirror_x": ((11, 3), (0, 0.1)),
        "mirror_y": ((5, 13), (0, -0.1)),
        "mirror_diagonal": ((3, 5), (0.1, 0)),
        "mirror_antidiagonal": ((13, 11), (-0.1, 0)),
    }
    runs = plan(sketch("{group: D4, reference_frame: lab}")).runs
    assert {run.element.name: (run.inflows[0].center, tuple(run.simulation.force[0][0])) for run in runs} == by_hand
    in_orbit = plan(sketch("{group: D4}")).runs
    assert [run.inflows for run in in_orbit] == [run.inflows for run in runs]
    assert len({run.simulation for run in in_orbit}) == 1


STRIPES = ", regions: [{x: [0, 4], direction: [1, 0]}, {x: [4, 16], factor: 2}]"


def test_regions_that_move_are_mirrored_with_their_directions() -> None:
    one, mirrored = plan(sketch("{group: D1_x}", STRIPES)).runs
    assert mirrored.simulation == one.simulation
    assert [(region.x, region.direction) for region in mirrored.regions] == [((12, 16), (-1, 0)), ((0, 12), None)]
    lab = plan(sketch("{group: D1_x, reference_frame: lab}", STRIPES)).runs[1].simulation
    assert lab.areas == ((12, 16, 0, 16), (0, 12, 0, 16))
    assert lab.force[0].tolist() == [[-0.1, 0], [0, 0.2]]


def test_regions_that_stay_are_simulated_where_they_will_stand_after_the_mirror() -> None:
    one, mirrored = plan(sketch("{group: D1_x, regions: stay}", STRIPES)).runs
    assert mirrored.regions == one.regions
    assert mirrored.simulation.areas == ((12, 16, 0, 16), (0, 12, 0, 16))
    assert mirrored.simulation.force[0].tolist() == [[-0.1, 0], [0, 0.2]]
    assert mirrored.simulation.inflows == one.simulation.inflows
    lab = plan(sketch("{group: D1_x, regions: stay, reference_frame: lab}", STRIPES)).runs[1].simulation
    assert lab.areas == one.simulation.areas
    np.testing.assert_array_equal(lab.force, one.simulation.force)
    assert lab.inflows[0].center == (11, 3)


def test_regions_that_stay_are_rotated_the_other_way_before_the_simulation() -> None:
    """By hand: what rotates by 90 degrees to the stripe on the left was one at the top, with its force downwards."""
    _, rotated = plan(sketch("{group: C4, elements: [identity, rotate90], regions: stay}", STRIPES)).runs
    assert rotated.simulation.areas == ((0, 16, 12, 16), (0, 16, 0, 12))
    assert rotated.simulation.force[0].tolist() == [[0, -0.1], [0, 0.2]]
    assert [region.x for region in rotated.regions] == [(0, 4), (4, 16)]


def test_distinct_elements_are_those_whose_finished_scenes_differ() -> None:
    def elements(symmetry: str) -> list[str]:
        recipe = sketch(symmetry, STRIPES)
        inflows = (recipe.scene.inflows[0].model_copy(update={"center": (8.0, 3.0)}),)
        scene = recipe.scene.model_copy(update={"inflows": inflows})
        return [run.element.name for run in plan(recipe.model_copy(update={"scene": scene})).runs]

    assert elements("{group: D1_x, elements: distinct}") == ["identity", "mirror_x"]
    assert elements("{group: D1_x, elements: distinct, regions: stay}") == ["identity"]


def test_a_scene_on_the_edge_of_a_periodic_box_is_its_own_mirror_image() -> None:
    recipe = sketch("{group: D1_x, elements: distinct}", boundary="periodic")
    inflows = (recipe.scene.inflows[0].model_copy(update={"center": (0.0, 3.0)}),)
    scene = recipe.scene.model_copy(update={"inflows": inflows})
    (run,) = plan(recipe.model_copy(update={"scene": scene})).runs
    assert run.simulation.symmetric == ("identity", "mirror_x")


def test_a_scaling_takes_a_periodic_box_along() -> None:
    """A box twice as large has room for what would be outside the smaller one."""
    recipe = sketch("{group: scaling, factors: [1, 4], scaling_method: resampled}", boundary="periodic")
    assert plan(recipe).runs[1].simulation.inflows[0].center == (20, 12)
    assert plan(recipe).runs[1].inflows[0].center == (5, 3)


def test_rescaled_keeps_the_grid_and_scales_times_and_forces() -> None:
    recipe = sketch(
        "{group: scaling, factors: [1, 2], scaling_method: rescaled, time_exponent: 2, reference_frame: lab}"
    )
    simulation = plan(recipe).runs[1].simulation
    assert simulation.cells == (16, 16)
    assert simulation.inflows[0].center == (5, 3)
    assert (simulation.dt_smoke, simulation.dt_velocity) == (4, 4)
    assert simulation.force[0] == pytest.approx(np.array([[0, 0.1 / 4]]))
    assert simulation.unit == 1 / 2
    orbit = plan(sketch("{group: scaling, factors: [1, 2], scaling_method: rescaled}"))
    assert len(orbit.distinct) == 1
    assert [run.strength for run in orbit.runs] == [0.1, 0.05]


def test_an_elements_schedule_comes_in_with_the_level() -> None:
    breaking = "{schedules: [{kind: constant}, {kind: list, factors: [1, 2, 5]}], levels: [0, 0.5, 1]}"
    runs = plan(sketch(f"{{group: C2, breaking: {breaking}}}")).runs
    factors = [[force[0][1] / 0.1 for force in run.simulation.force] for run in runs if run.index % 2]
    np.testing.assert_allclose(factors, [[1, 1, 1], [1, 1.5, 3], [1, 2, 5]])
    assert all(run.simulation == runs[0].simulation for run in runs[::2])


def test_a_recipe_is_expanded_once_from_its_text_to_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    expanded: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        expand = getattr(checks, name)

        def call(*arguments: Any) -> Any:
            expanded[name] += 1
            return expand(*arguments)

        return call

    for name in ("scenes_of", "orbits_of"):
        monkeypatch.setattr(checks, name, counted(name))
    recipe = sketch("{group: C4, breaking: {gains: [0, 1, 2, 3], levels: [0, 0.5, 1]}}")
    assert len(plan(recipe).runs) == runs_in(recipe) == 12
    assert expanded == {"scenes_of": 1, "orbits_of": 1}


def test_the_size_of_a_plan_is_that_of_all_its_fields() -> None:
    recipe = sketch("{group: D1_x}", STRIPES).model_copy(update={"store": ("smoke", "faces")})
    planned = plan(recipe)
    assert list(planned.fields) == ["smoke", "velocity_x", "velocity_y", "buoyancy", "divergence", "courant"]
    assert planned.fields["buoyancy"].dims == ("time", "region", "component")
    assert planned.values_per_run == {"smoke": 3 * 16 * 16, "faces": 3 * 2 * 17 * 16}
    per_frame = 4 * (16 * 16 + 2 * 17 * 16) + 8 * 2 * 2 + 4 + 4
    assert planned.bytes == 2 * 3 * per_frame
