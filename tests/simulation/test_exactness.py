"""Exactly symmetric after any number of steps: the measured error is 0.0, and what is its own mirror image stays so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from phigen.measurement.data_error import measure, summarize
from phigen.measurement.in_memory_runs import rehearse, simulator
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.simulation.program import simulate
from phigen.symmetry.fields import SIMULATED
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, ElementName, turn

STEPS = 310
ALL = "[smoke, velocity, faces, pressure]"


def recipe(
    symmetry: str,
    *,
    cells: str = "16",
    boundary: str = "closed",
    inflows: str = "{center: [5, 3], radius: 2}",
    regions: str = "",
    precision: str = "double",
    strength: float = 0.1,
    store: str = ALL,
    last: int = STEPS - 1,
) -> Recipe:
    """Return a recipe of 310 steps in a small box, with what a test changes."""
    return parse(
        f"""\
name: exact
version: 1.0.0
grid: {{cells: {cells}, boundary: {boundary}}}
time: {{steps: {STEPS}, frames: {{first: 9, last: {last}, every: 50}}, dt_velocity: 0.5}}
scene:
  inflows: [{inflows}]
  buoyancy: {{strength: {strength}}}
  regions: [{regions}]
symmetry: {{{symmetry}}}
precision: {precision}
store: {store}
"""
    )


def orbit_of(one: Recipe) -> xr.Dataset:
    """Return the runs of its one orbit, as a store would hold them."""
    planned = plan(one)
    names = [name for name in SIMULATED if name != "pressure" or "pressure" in one.store]
    return rehearse(planned, planned.runs, simulator(planned, names))


def errors_of(one: Recipe) -> xr.Dataset:
    return measure(orbit_of(one))


@pytest.mark.parametrize("group", [name for name in POINT_GROUPS if name != "C1"])
def test_every_point_group_is_exact_to_the_last_bit_after_310_steps(group: str) -> None:
    """An inflow off every axis, so that all elements differ."""
    u = orbit_of(recipe(f"group: {group}"))
    errors = measure(u)
    assert u.sizes["run"] == len(POINT_GROUPS[group])  # type: ignore[arg-type]
    assert errors["variable"].values.tolist() == ["smoke", "velocity", "faces", "pressure"]
    assert errors["time"].values[-1] > 300
    assert (errors["mae"].values == 0.0).all()
    assert (errors["square"].values == 0.0).all()
    assert (errors["magnitude"].isel(time=-1).values > 0.01).all()
    smoke = u["smoke"].isel(time=-1)
    assert all(not smoke[0].equals(smoke[i]) for i in range(1, u.sizes["run"]))


def test_the_same_group_in_the_labs_frame_is_not_exact() -> None:
    """So that a zero above is no gift of the measure: in single precision rounding has grown to the flow's size."""
    errors = errors_of(recipe("group: D4, reference_frame: lab", precision="single"))
    last = errors["mae"].isel(time=-1, level=0).sel(variable="smoke")
    assert (last.values > 0.01).all()


@pytest.mark.parametrize("precision", ["double", "single"])
def test_shifts_of_a_periodic_box_are_exact_across_the_seam(precision: str) -> None:
    """The shift by (11, 7) takes the inflow from (5, 3) to the seam at x = 16, that by (-3, 9) to 2 cells from it."""
    shifts = "group: translation, shifts: [[0, 0], [5, 0], [11, 7], [-3, 9], [-5, -3]]"
    u = orbit_of(recipe(shifts, boundary="periodic", precision=precision))
    errors = measure(u)
    assert (errors["mae"].values == 0.0).all()
    assert (errors["resampling"].values == 0.0).all()
    assert errors["element"].values.tolist() == ["shift(5, 0)", "shift(11, 7)", "shift(-3, 9)", "shift(-5, -3)"]
    assert u["smoke"].isel(run=2, time=0).sel(x=[0.5, 15.5], y=10.5).min() > 0.5


def test_shifts_along_the_periodic_axis_of_a_box_with_walls_are_exact_and_others_are_not() -> None:
    shifts = "group: translation, shifts: [[0, 0], [7, 0], [11, 0], [0, 4], [11, 4]]"
    errors = errors_of(recipe(shifts, cells="[16, 20]", boundary="{x: periodic, y: closed}"))["mae"].isel(level=0)
    assert (errors.sel(element=["shift(7, 0)", "shift(11, 0)"]).values == 0.0).all()
    assert (errors.sel(element=["shift(0, 4)", "shift(11, 4)"]).isel(time=-1).values > 0.01).all()


def test_shifts_past_regions_that_move_with_the_scene_are_exact_and_past_those_that_stay_are_not() -> None:
    halves = "{x: [0, 8]}, {x: [8, 16], factor: 3}"
    shifts = "group: translation, shifts: [[0, 0], [5, 0], [11, 0]]"
    move = errors_of(recipe(f"{shifts}, regions: move", boundary="periodic", regions=halves))
    stay = errors_of(recipe(f"{shifts}, regions: stay", boundary="periodic", regions=halves))
    assert (move["mae"].values == 0.0).all()
    assert (stay["mae"].isel(time=-1).values > 0.01).all()


@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_rescaled_cells_and_steps_are_exact_for_powers_of_two(exponent: int) -> None:
    """Multiplying by a power of two loses no bit, also in single precision, in which fields are stored."""
    scaling = f"group: scaling, scaling_method: rescaled, factors: [1, 2, 0.5, 4], time_exponent: {exponent}"
    u = orbit_of(recipe(scaling))
    errors = measure(u)
    assert (errors["mae"].values == 0.0).all()
    assert (errors["resampling"].values == 0.0).all()
    peaks = np.abs(u["velocity"]).max(("time", "component", "y", "x")).values
    np.testing.assert_array_equal(peaks / peaks[0], np.array([1, 2, 0.5, 4]) ** (1 - exponent))


def test_rescaling_by_three_rounds() -> None:
    errors = errors_of(recipe("group: scaling, scaling_method: rescaled, factors: [1, 3]"))
    velocity = errors["mae"].sel(variable="velocity")
    assert 0 < float(velocity.max()) < 1e-6


INWARD = (
    "{x: [0, 8], y: [0, 8], direction: [1, 1]}, {x: [8, 16], y: [0, 8], direction: [-1, 1]}, "
    "{x: [0, 8], y: [8, 16], direction: [1, -1]}, {x: [8, 16], y: [8, 16], direction: [-1, -1]}"
)
AROUND = (
    "{x: [0, 8], y: [0, 8], direction: [1, 0]}, {x: [8, 16], y: [0, 8], direction: [0, 1]}, "
    "{x: [8, 16], y: [8, 16], direction: [-1, 0]}, {x: [0, 8], y: [8, 16], direction: [0, -1]}"
)
UP_AND_DOWN = "{y: [0, 8], direction: [0, -1]}, {y: [8, 16], direction: [0, 1]}"
OUT_OF_THE_MIDDLE = "{center: [8, 8], radius: 3.2}"
TWO = "{center: [3, 4], radius: 1.5}, {center: [13, 4], radius: 1.5}"
FOUR = ", ".join(f"{{center: [{x}, {y}], radius: 1.5}}" for x, y in ((3, 6), (10, 3), (13, 10), (6, 13)))
EIGHT = ", ".join(f"{{center: [{x}, {y}], radius: 1.5}}" for a, b in ((3, 6), (13, 10)) for x, y in ((a, b), (b, a)))
ASIDE = "{direction: [1, 0]}"
DIAGONAL = "{direction: [1, 1]}"

IMAGES: dict[str, tuple[str, str, str, tuple[ElementName, ...]]] = {
    "a plume in the middle of the floor": ("D4", "{center: [8, 3], radius: 2}", "", ("mirror_x",)),
    "two plumes side by side": ("D1_x", TWO, "", ("mirror_x",)),
    "a plume in the middle of a wall": ("D2", "{center: [3, 8], radius: 2}", ASIDE, ("mirror_y",)),
    "a plume in the corner": ("D4", "{center: [4, 4], radius: 2}", DIAGONAL, ("mirror_diagonal",)),
    "a plume in the other corner": (
        "D2_diagonal",
        "{center: [12, 4], radius: 2}",
        "{direction: [-1, 1]}",
        ("mirror_antidiagonal",),
    ),
    "smoke that parts up and down": ("D2", OUT_OF_THE_MIDDLE, UP_AND_DOWN, ("rotate180", "mirror_x", "mirror_y")),
    "smoke that is stirred": ("C4", FOUR, AROUND, ("rotate90", "rotate180", "rotate270")),
    "smoke that is stirred, of a group with mirrors": ("D4", FOUR, AROUND, ("rotate90", "rotate180", "rotate270")),
    "four plumes that meet": ("D4", EIGHT, INWARD, ("rotate180", "mirror_diagonal", "mirror_antidiagonal")),
    "a ring that shrinks": ("D4", OUT_OF_THE_MIDDLE, INWARD, tuple(n for n in ELEMENTS if n != "identity")),
}
IN_DOUBLE = (
    "a plume in the middle of the floor",
    "a plume in the corner",
    "smoke that is stirred",
    "a ring that shrinks",
)
SIDES = {
    "periodic": "periodic",
    "open": "open",
    "open above": "{x: closed, y: {lower: closed, upper: open}}",
    "tunnel": "{x: periodic, y: closed}",
}


def images_of(u: xr.Dataset, symmetric: tuple[ElementName, ...]) -> dict[str, bool]:
    """Return for each element whether it maps every stored frame of all fields to itself, bit for bit."""
    return {name: all(np.array_equal(turn(u, name)[field], u[field]) for field in SIMULATED) for name in symmetric}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("image", "precision"), [(image, "single") for image in IMAGES] + [(image, "double") for image in IN_DOUBLE]
)
def test_a_scene_that_is_its_own_image_stays_so_to_the_last_bit(image: str, precision: str) -> None:
    """Under all the elements that leave it, and under no other, for 310 steps."""
    group, inflows, regions, symmetric = IMAGES[image]
    one = recipe(f"group: {group}, elements: distinct", inflows=inflows, regions=regions, precision=precision)
    run = plan(one).runs[0]
    u = simulate(run.simulation)[list(SIMULATED)]
    assert np.abs(u["velocity"]).max() > 0.1
    found = images_of(u, tuple(ELEMENTS))
    assert {name for name, is_image in found.items() if is_image} == {"identity", *symmetric}
    assert len(plan(one).runs) == len(POINT_GROUPS[group]) // len({"identity", *symmetric} & set(POINT_GROUPS[group]))  # type: ignore[index]


@pytest.mark.parametrize("image", IMAGES)
def test_rounding_breaks_every_image_that_no_projection_holds(image: str) -> None:
    """The same scenes, each step left as it is: the solver is symmetric in exact arithmetic alone."""
    group, inflows, regions, symmetric = IMAGES[image]
    one = recipe(f"group: {group}, elements: distinct", inflows=inflows, regions=regions, precision="single")
    held = plan(one).runs[0].simulation
    assert set(held.symmetric) == {"identity", *symmetric}
    u = simulate(replace(held, symmetric=("identity",)))[list(SIMULATED)]
    assert not any(images_of(u, symmetric).values())


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("sides", SIDES)
def test_mirror_images_stay_so_between_other_sides_than_walls(sides: str, precision: str) -> None:
    said = {"inflows": "{center: [8, 5], radius: 2}", "boundary": SIDES[sides], "precision": precision}
    u = simulate(plan(recipe("group: D1_x, elements: distinct", **said)).runs[0].simulation)  # type: ignore[arg-type]
    assert images_of(u[list(SIMULATED)], ("mirror_x",)) == {"mirror_x": True}
    assert np.abs(u["velocity"]).max() > 0.1
    assert not images_of(u[list(SIMULATED)], ("mirror_y",))["mirror_y"]


@pytest.mark.parametrize(
    "symmetry", ["group: C1", "group: D1_y", "group: D1_x, elements: distinct, reference_frame: lab"]
)
def test_without_that_mirror_in_its_group_or_in_the_labs_frame_a_plume_leans(symmetry: str) -> None:
    """Rounding breaks what no projection holds: the solver is symmetric in exact arithmetic alone."""
    leaning = {"inflows": "{center: [8, 3], radius: 2}", "precision": "single", "strength": 0.3}
    u = simulate(plan(recipe(symmetry, **leaning)).runs[0].simulation)[list(SIMULATED)]  # type: ignore[arg-type]
    assert not images_of(u, ("mirror_x",))["mirror_x"]
    apart = np.abs(turn(u, "mirror_x")["smoke"] - u["smoke"]).mean(("y", "x")).values
    assert apart[0] < 1e-4
    assert apart[-1] > apart[0]


@pytest.mark.parametrize("place", [0, 16])
def test_a_plume_at_the_seam_of_a_periodic_box_is_its_own_mirror_image(place: int) -> None:
    """Mirrored, x = 0 becomes x = 16, which is the same place."""
    one = recipe("group: D1_x, elements: distinct", boundary="periodic", inflows=f"{{center: [{place}, 5], radius: 2}}")
    assert len(plan(one).runs) == 1
    assert images_of(simulate(plan(one).runs[0].simulation)[list(SIMULATED)], ("mirror_x",))["mirror_x"]


def test_distinct_elements_are_fewer_and_make_no_error() -> None:
    plume = "{center: [8, 3], radius: 2}"
    every = plan(recipe("group: D4")).runs
    distinct = plan(recipe("group: D4, elements: distinct", inflows=plume)).runs
    assert len(every) == 8
    assert [run.element.name for run in distinct] == ["identity", "rotate90", "rotate180", "rotate270"]
    assert len({run.inflows for run in distinct}) == 4
    u = orbit_of(recipe("group: D4, elements: distinct", inflows=plume))
    assert (measure(u)["mae"].values == 0.0).all()


def test_elements_that_only_swap_regions_which_stay_are_not_distinct() -> None:
    """The plume stands on the axis and the halves stay: its mirror image is the same run."""
    plume, halves = "{center: [8, 3], radius: 2}", "{x: [0, 8]}, {x: [8, 16], factor: 2}"
    stay, move = (
        plan(recipe(f"group: D1_x, elements: distinct, regions: {what}", inflows=plume, regions=halves)).runs
        for what in ("stay", "move")
    )
    assert (len(stay), len(move)) == (1, 2)


def test_an_orbit_whose_strengths_differ_is_broken_at_every_level_but_0() -> None:
    totals = summarize(errors_of(recipe("group: C2, breaking: {offsets: [0, 0.001], levels: [0, 1]}")))
    assert totals["mae"].sel(level=0).values.tolist() == [0.0] * 4
    assert (totals["mae"].sel(level=1).values > 0).all()
