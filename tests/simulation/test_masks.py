"""A disc holds the cells whose centre is at most its radius away, exactly, and has every symmetry of its box."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phigen.recipe.checks.scene import inflow_problems
from phigen.recipe.grid import Boundaries
from phigen.recipe.scene import Inflow
from phigen.simulation.masks import area, disc, inflow_smoke
from phigen.symmetry.element import Box
from phigen.symmetry.point_groups import ELEMENTS

CLOSED: Boundaries = (("closed", "closed"), ("closed", "closed"))
PERIODIC: Boundaries = (("periodic", "periodic"), ("periodic", "periodic"))

CELLS = st.integers(16, 400)
HALVES = st.integers(2, 400)


def held(cells: int, boundaries: Boundaries, center: tuple[Fraction, Fraction], radius: Fraction) -> np.ndarray:
    """Return the disc by definition: fractions, and every image of its centre along a periodic axis."""
    mask = np.zeros((cells, cells), bool)
    shifts = (-cells, 0, cells) if boundaries[0][0] == "periodic" else (0,)
    middles = [Fraction(2 * i + 1, 2) for i in range(cells)]
    for i, x in enumerate(middles):
        for j, y in enumerate(middles):
            mask[i, j] = any(
                (x - center[0] - a) ** 2 + (y - center[1] - b) ** 2 <= radius**2 for a in shifts for b in shifts
            )
    return mask


@pytest.mark.parametrize(
    ("cells", "center", "radius", "count"),
    [
        (64, (32, 5), 5, 80),
        (96, (48, 7.5), 7.5, 180),
        (160, (80, 12.5), 12.5, 494),
        (224, (112, 17.5), 17.5, 964),
        (288, (144, 22.5), 22.5, 1594),
    ],
)
def test_known_discs_have_their_number_of_cells(
    cells: int, center: tuple[float, float], radius: float, count: int
) -> None:
    """The last four are those of the recipe `scaling` in which floating point decides differently on the two sides."""
    assert disc((cells, cells), CLOSED, center=center, radius=radius).sum() == count


@given(CELLS, HALVES, HALVES, st.sampled_from([CLOSED, PERIODIC]))
def test_a_disc_on_an_axis_of_the_box_is_its_own_reflection(
    cells: int, height: int, diameter: int, boundaries: Boundaries
) -> None:
    """Halves of a cell put centres of cells on the rim."""
    mask = disc((cells, cells), boundaries, center=(cells / 2, height / 2), radius=diameter / 2)
    np.testing.assert_array_equal(mask, mask[::-1])
    np.testing.assert_array_equal(
        mask.T, disc((cells, cells), boundaries, center=(height / 2, cells / 2), radius=diameter / 2)
    )


@given(CELLS, HALVES, st.sampled_from(list(ELEMENTS)))
def test_a_disc_in_the_middle_is_symmetric_under_every_element(cells: int, diameter: int, name: str) -> None:
    mask = disc((cells, cells), CLOSED, center=(cells / 2, cells / 2), radius=diameter / 2)
    np.testing.assert_array_equal(ELEMENTS[name].on_scalars(mask), mask)  # type: ignore[index]


@given(
    CELLS,
    st.tuples(st.integers(0, 400), st.integers(0, 400)),
    st.integers(1, 4000),
    st.sampled_from(list(ELEMENTS)),
    st.sampled_from([CLOSED, PERIODIC]),
)
def test_the_disc_of_a_transformed_inflow_is_the_transformed_disc(
    cells: int, tenths: tuple[int, int], radius: int, name: str, boundaries: Boundaries
) -> None:
    """Positions in tenths of a cell, which floating point rounds when they are subtracted from the box's size."""
    g = ELEMENTS[name]  # type: ignore[index]
    x, y = (round(cells * tenth / 400, 1) for tenth in tenths)
    there = g.on_point((x, y), Box((cells, cells), boundaries))
    mask = disc((cells, cells), boundaries, center=(x, y), radius=radius / 10)
    image = disc((cells, cells), boundaries, center=there, radius=radius / 10)
    np.testing.assert_array_equal(g.on_scalars(mask.T), image.T)


@given(
    st.integers(16, 20),
    st.tuples(st.integers(0, 160), st.integers(0, 160)),
    st.integers(1, 100),
    st.sampled_from([CLOSED, PERIODIC]),
)
def test_a_disc_is_that_of_its_definition(
    cells: int, tenths: tuple[int, int], radius: int, boundaries: Boundaries
) -> None:
    mask = disc((cells, cells), boundaries, center=(tenths[0] / 10, tenths[1] / 10), radius=radius / 10)
    center = Fraction(tenths[0], 10), Fraction(tenths[1], 10)
    np.testing.assert_array_equal(mask, held(cells, boundaries, center, Fraction(radius, 10)))


@pytest.mark.parametrize("places", [3, 0.1 + 0.2 + 2.7, 3 + 1e-15, 3 - 1e-15])
def test_rounding_of_a_radius_decides_nothing(places: float) -> None:
    """Four cells lie exactly on the rim of this disc: their centres are 3 cells from its own."""
    assert disc((16, 16), CLOSED, center=(8.5, 8.5), radius=places).sum() == 29
    assert disc((16, 16), CLOSED, center=(8.5, 8.5), radius=2.999999).sum() == 25


def test_a_disc_at_the_edge_of_a_periodic_box_continues_at_the_other_side() -> None:
    seam = disc((16, 16), PERIODIC, center=(0, 8), radius=3)
    np.testing.assert_array_equal(np.roll(seam, 8, axis=0), disc((16, 16), PERIODIC, center=(8, 8), radius=3))
    assert disc((16, 16), CLOSED, center=(0, 8), radius=3).sum() == seam.sum() / 2


def test_a_disc_larger_than_the_box_fills_it() -> None:
    assert disc((16, 20), PERIODIC, center=(3, 4), radius=400).all()
    assert disc((16, 20), CLOSED, center=(3, 4), radius=400).all()


def test_rates_of_overlapping_inflows_add_up() -> None:
    one, other = Inflow(center=(5, 5), radius=2, rate=0.5), Inflow(center=(6, 5), radius=2, rate=0.25)
    smoke = inflow_smoke((16, 16), CLOSED, (one, other))
    assert set(np.unique(smoke)) == {0, 0.25, 0.5, 0.75}


def test_an_area_holds_its_lower_edges_and_continues_across_a_periodic_side() -> None:
    inside = area((8, 4), PERIODIC, (6.5, 10.5, 0, 4))
    assert np.flatnonzero(inside[:, 0]).tolist() == [0, 1, 6, 7]
    assert np.flatnonzero(area((8, 4), CLOSED, (2, 4, 0, 4))[:, 0]).tolist() == [2, 3]


@given(st.tuples(st.integers(0, 80), st.integers(0, 80)), st.integers(1, 12), st.sampled_from(["closed", "periodic"]))
def test_a_recipe_is_refused_exactly_if_a_disc_of_it_holds_no_cell(
    tenths: tuple[int, int], radius: int, boundary: Literal["closed", "periodic"]
) -> None:
    inflow = Inflow(center=(tenths[0] / 10, tenths[1] / 10), radius=radius / 10)
    boundaries: Boundaries = ((boundary, boundary), (boundary, boundary))
    empty = not disc((8, 8), boundaries, center=inflow.center, radius=inflow.radius).any()
    assert any("covers no cell centre" in text for text in inflow_problems(inflow, (8, 8))) == empty


@pytest.mark.parametrize(
    ("center", "radius", "cells"),
    [((3.3, 3.5), 0.2, 1), ((5.7, 3.5), 0.2, 1), ((4.0, 3.4), 0.26**0.5, 0), ((4.0, 3.4), 0.51, 2)],
)
def test_a_rim_that_rounding_would_move_off_a_centre_is_checked_as_it_is_simulated(
    center: tuple[float, float], radius: float, cells: int
) -> None:
    closed: Boundaries = (("closed", "closed"), ("closed", "closed"))
    assert disc((8, 8), closed, center=center, radius=radius).sum() == cells
    assert (list(inflow_problems(Inflow(center=center, radius=radius), (8, 8))) == []) == (cells > 0)
