"""Schedules give the factors that they promise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from phigen.recipe.schedule import Constant, Listed, Mixture, Ramp, Sine, Steps, cut, mixed, unified


def test_constant_is_one() -> None:
    assert Constant().over(3) == (1, 1, 1)


def test_ramp_is_level_outside_and_straight_inside() -> None:
    ramp = Ramp(kind="ramp", first=1, last=5, start=0.5, stop=2.5)
    assert ramp.over(8) == (0.5, 0.5, 1.0, 1.5, 2.0, 2.5, 2.5, 2.5)


def test_sine_swings_about_its_mean() -> None:
    factors = Sine(kind="sine", period=4, amplitude=0.5, mean=2, phase=math.pi / 2).over(4)
    assert factors == pytest.approx((2.5, 2.0, 1.5, 2.0))


def test_steps_hold_until_the_next() -> None:
    assert Steps(kind="steps", at=(2, 4), factors=(3.0, 0.0)).over(6) == (1, 1, 3, 3, 0, 0)


def test_list_is_taken_as_it_is_and_must_fit() -> None:
    listed = Listed(kind="list", factors=(1.0, 2.0))
    assert listed.over(2) == (1, 2)
    with pytest.raises(ValueError, match="got 2 for 3 steps"):
        listed.over(3)


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "steps", "at": [4, 2], "factors": [1.0, 2.0]},
        {"kind": "steps", "at": [2], "factors": [1.0, 2.0]},
    ],
)
def test_steps_that_contradict_themselves_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Steps.model_validate(bad)


def test_a_ramp_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="got first 5 and last 5"):
        Ramp(kind="ramp", first=5, last=5)


RAMP = Ramp(kind="ramp", first=0, last=4)
AS_LISTED = Listed(kind="list", factors=(0.0, 0.25, 0.5, 0.75, 1.0))


def test_a_mixture_is_a_combination_step_by_step() -> None:
    assert Mixture(Constant(), RAMP, 0.5).over(5) == (0.5, 0.625, 0.75, 0.875, 1.0)


@given(st.floats(0, 1))
def test_equal_factors_are_mixed_to_the_same_schedule(share: float) -> None:
    assert mixed(Constant(), Listed(kind="list", factors=(1.0,) * 5), share, steps=5) == Constant()


@pytest.mark.parametrize(("share", "expected"), [(0, Constant()), (1, RAMP), (0.5, Mixture(Constant(), RAMP, 0.5))])
def test_at_both_ends_a_mixture_is_one_of_its_schedules(share: float, expected: object) -> None:
    assert mixed(Constant(), RAMP, share, steps=5) == expected


def test_a_schedule_that_is_spelled_in_two_ways_is_one() -> None:
    assert unified([Constant(), AS_LISTED, RAMP], 5) == (Constant(), AS_LISTED, AS_LISTED)


def test_a_list_is_cut_to_the_steps_that_are_simulated() -> None:
    assert cut(AS_LISTED, 2).over(2) == (0.0, 0.25)
    assert cut(RAMP, 2) is RAMP
