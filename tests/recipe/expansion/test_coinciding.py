"""The quick tests of many scenes suspect every scene that an exact test would name, and hardly any other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phigen.recipe.checks.scene import inflow_problems
from phigen.recipe.expansion.coinciding import may_be_outside, may_coincide
from phigen.recipe.expansion.moving import inflows_of, key_of, moved
from phigen.recipe.scene import Buoyancy, Scene
from phigen.symmetry.element import Box
from phigen.symmetry.groups import GROUPS
from phigen.symmetry.translation import Shift

numbers = st.one_of(st.integers(-2, 34).map(lambda n: n / 2), st.floats(-1, 17))
discs = st.lists(
    st.tuples(numbers, numbers, st.floats(0.01, 2), st.sampled_from([0.5, 1.0])), min_size=1, max_size=3
).map(lambda inflows: np.array([inflows]))
closed, periodic = Box((16, 16)), Box((16, 16), (("periodic", "periodic"), ("periodic", "periodic")))


@given(discs, st.sampled_from([closed, periodic]), st.sampled_from(["C4", "D4", "D2"]))
def test_a_scene_that_two_elements_move_alike_is_suspected(of_scene: np.ndarray, box: Box, group: str) -> None:
    elements = GROUPS[group].orbit({})
    scene = Scene(inflows=inflows_of(of_scene[0]), buoyancy=Buoyancy(strength=1.0))
    places = {key_of(moved(scene, g, box))[0] for g in elements}
    if len(places) < len(elements):
        assert may_coincide(of_scene, elements, box)[0]


def test_scenes_away_from_the_axes_are_not_suspected() -> None:
    rng = np.random.default_rng(0)
    scattered = np.stack([*rng.uniform(0, 16, (2, 1000, 2)), *np.ones((2, 1000, 2))], -1)
    assert may_coincide(scattered, GROUPS["D4"].orbit({}), closed).mean() < 0.01
    assert may_coincide(scattered, [Shift(0, 0), Shift(16, 0)], periodic).all()


@given(discs)
def test_an_inflow_that_is_outside_or_covers_nothing_is_suspected(of_scene: np.ndarray) -> None:
    suspects = may_be_outside(of_scene[0], (16, 16), (False, False))
    for inflow, suspect in zip(inflows_of(of_scene[0]), suspects, strict=True):
        if any(inflow_problems(inflow, (16, 16))):
            assert suspect


def test_an_inflow_well_inside_is_not_suspected() -> None:
    assert not may_be_outside(np.array([[8.0, 8.0, 0.75, 1.0]]), (16, 16), (False, False)).any()
