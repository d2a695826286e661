"""Every group in the dict keeps the laws that recipes, plans and measurements rely on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phigen.errors import MeasureError
from phigen.symmetry.element import Box, GroupElement, Point
from phigen.symmetry.group import FiniteGroup
from phigen.symmetry.groups import GROUPS, element_named
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, compose
from phigen.symmetry.scaling import Scale
from phigen.symmetry.translation import Shift

CLOSED = ("closed", "closed")
PERIODIC = ("periodic", "periodic")
BOXES = [Box((16, 16)), Box((16, 16), (PERIODIC, PERIODIC)), Box((16, 12), (PERIODIC, CLOSED))]
CHOICES: dict[str, dict[str, Any]] = {
    "point group": {"group": "D4"},
    "part of a point group": {"group": "C4", "elements": ("identity", "rotate180")},
    "shifts": {"group": "translation", "shifts": ((0.0, 0.0), (3.0, -5.0), (0.5, 7.25))},
    "resampled": {"group": "scaling", "factors": (1.0, 1.5, 2.0), "scaling_method": "resampled", "time_exponent": 2.0},
    "rescaled": {"group": "scaling", "factors": (1.0, 1.5, 0.5), "scaling_method": "rescaled", "time_exponent": 2.0},
}
chosen = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
points = st.tuples(st.floats(0, 16), st.floats(0, 16))
elements = st.sampled_from([g for choice in CHOICES.values() for g in GROUPS[choice["group"]].orbit(choice)])
boxes = st.sampled_from(BOXES)


@chosen
def test_an_orbit_begins_with_the_identity_and_is_as_large_as_it_says(choice: dict[str, Any]) -> None:
    group = GROUPS[choice["group"]]
    orbit = group.orbit(choice)
    assert orbit[0].name == "identity"
    assert orbit[0] == orbit[-1].identity
    assert len(orbit) == group.size(choice) > 1
    assert [g.name for g in orbit].count("identity") == 1


@chosen
def test_a_name_and_the_attributes_of_a_dataset_determine_the_element(choice: dict[str, Any]) -> None:
    group = GROUPS[choice["group"]]
    attributes = {"group": group.name, **group.attributes(choice)}
    assert [element_named(g.name, attributes) for g in group.orbit(choice)] == [*group.orbit(choice)]


@chosen
def test_all_runs_of_a_group_have_the_same_coordinates(choice: dict[str, Any]) -> None:
    orbit = GROUPS[choice["group"]].orbit(choice)
    assert len({tuple(g.coordinates) for g in orbit}) == 1


def test_runs_of_shifts_and_scalings_know_their_lengths() -> None:
    assert Shift(3, -5).coordinates == {"shift_x": 3, "shift_y": -5}
    assert Scale(2.0, "rescaled", 2.0).coordinates == {"dx": 2, "dt": 4}
    assert ELEMENTS["rotate90"].coordinates == {}


@given(elements, boxes, points)
def test_the_inverse_takes_every_point_home(g: GroupElement, box: Box, point: Point) -> None:
    square = Box((16, 16), box.boundaries)
    assert g.inverse.on_point(g.on_point(point, square), square) == pytest.approx(point)
    assert g.identity.on_point(point, square) == point


@given(elements, boxes, points)
def test_what_acts_before_and_what_acts_after_make_the_element(g: GroupElement, box: Box, point: Point) -> None:
    before, after = g.parts(box)
    assert after.on_point(before.on_point(point, box), box) == pytest.approx(g.on_point(point, box))
    if after != after.identity:
        assert g.loss == after.loss


def test_whole_shifts_rotations_and_units_act_after_the_simulation() -> None:
    closed, periodic, across = BOXES
    nothing = Shift(0, 0)
    assert Shift(3, 2).parts(closed) == (Shift(3, 2), nothing)
    assert Shift(3, 2).parts(periodic) == (nothing, Shift(3, 2))
    assert Shift(3, 2).parts(across) == (Shift(0, 2), Shift(3, 0))
    assert ELEMENTS["rotate90"].parts(closed) == (ELEMENTS["identity"], ELEMENTS["rotate90"])
    resampled, rescaled = Scale(2.0, "resampled"), Scale(2.0, "rescaled", 2.0)
    assert resampled.parts(closed) == (resampled, resampled.identity)
    assert rescaled.parts(closed) == (rescaled.identity, rescaled)


def test_what_mapping_to_the_reference_frame_costs() -> None:
    assert ELEMENTS["mirror_x"].loss == Shift(3, 2).loss == Scale(1.0, "resampled").loss == "none"
    assert Shift(0.5, 0).loss == Scale(2.0, "resampled").loss == "interpolation"
    assert Scale(2.0, "rescaled").loss == "rounding"


@pytest.mark.parametrize("name", POINT_GROUPS)
def test_a_step_may_be_projected_onto_a_point_group_and_nothing_else(name: str) -> None:
    members = GROUPS[name].step_subgroup
    assert set(members) == set(POINT_GROUPS[name])  # type: ignore[index]
    assert {compose(g, h) for g in members for h in members} == set(members)
    assert GROUPS["translation"].step_subgroup == GROUPS["scaling"].step_subgroup == ("identity",)


def test_a_scaling_takes_the_box_along_and_nothing_else_does() -> None:
    assert {name for name, group in GROUPS.items() if not group.moves_within_box} == {"scaling"}
    assert Scale(2.5, "resampled").simulated_cells((16, 12)) == (40, 30)
    assert Scale(2.5, "rescaled").simulated_cells((16, 12)) == (16, 12)
    assert Shift(3, 0).simulated_cells((16, 12)) == (16, 12)


@pytest.mark.parametrize(
    ("g", "box", "text"),
    [
        (ELEMENTS["rotate90"], Box((16, 12)), "rotate90 needs a square box, got 16 x 12 cells"),
        (ELEMENTS["rotate180"], Box((16, 12)), None),
        (ELEMENTS["rotate90"], Box((16, 16), (PERIODIC, CLOSED)), "the same boundary conditions on both axes, got per"),
        (
            ELEMENTS["mirror_x"],
            Box((16, 16), (("closed", "open"), CLOSED)),
            "the sides that it exchanges, got closed",
        ),
        (Shift(0.5, 0), Box((16, 16)), r"shift\(0.5, 0\) is not a whole number of cells"),
        (Shift(3, 0), Box((16, 16)), None),
        (Scale(1.3, "resampled"), Box((16, 16)), "makes a grid of 20.8 x 20.8 cells, which is not a whole number"),
        (Scale(0.5, "resampled"), Box((16, 16)), "must be as fine as the recipe's or finer, got the factor 0.5"),
        (Scale(600.0, "resampled"), Box((16, 16)), "makes more than 8192 cells of 16"),
        (Scale(2000.0, "rescaled"), Box((16, 16)), "a factor must be from 0.001 to 1000, got 2000"),
        (Scale(0.5, "rescaled"), Box((16, 16)), None),
    ],
)
def test_an_element_says_why_it_does_not_fit_a_box(g: GroupElement, box: Box, text: str | None) -> None:
    misfit = g.misfit(box, non_integer="error")
    if text is None:
        assert misfit is None
        return
    with pytest.raises(ValueError, match=text):
        raise ValueError(misfit)


def test_parts_of_cells_are_allowed_where_the_recipe_says_so() -> None:
    assert Shift(0.5, 0).misfit(Box((16, 16)), non_integer="resample") is None
    assert Scale(1.3, "resampled").misfit(Box((16, 16)), non_integer="truncate") is None


def test_the_box_of_a_dataset_is_in_its_attributes() -> None:
    attributes = {"cells": [16, 12], "boundaries": ["closed", "open", "periodic", "periodic"]}
    assert Box.of(attributes) == Box((16, 12), (("closed", "open"), PERIODIC))
    assert Box.of(attributes).periodic == (False, True)


def test_an_element_that_the_group_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="'rotate90' names no element; known are identity, rotate180"):
        FiniteGroup("halves", (ELEMENTS["identity"], ELEMENTS["rotate180"])).orbit({"elements": ("rotate90",)})


def test_group_elements_are_known_without_xarray_or_jax() -> None:
    code = (
        "import sys, phigen.symmetry, phigen.symmetry.groups\n"
        "assert not {'xarray', 'jax', 'phi', 'scipy', 'torch'} & sys.modules.keys()\n"
        "assert phigen.symmetry.GROUPS['C4'].members[1] == 'rotate90'\n"
        "assert {'GROUPS', 'FiniteGroup', 'GroupElement', 'model_error'} <= {*dir(phigen.symmetry)}\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_scaling_whose_method_is_not_known_is_refused() -> None:
    with pytest.raises(
        MeasureError, match=r"no attribute scaling_method; open datasets of phigen 0\.1 with phigen\.open"
    ):
        element_named("scale(2)", {"group": "scaling", "reading": "resampled"})


def test_a_model_is_not_measured_with_elements_that_lose_values() -> None:
    group = FiniteGroup("halves", (Shift(0, 0), Shift(0.5, 0)))
    with pytest.raises(ValueError, match=r"shift\(0\.5, 0\) loses a part of the fields by interpolation"):
        group.model_elements({})
