"""Buoyancy schedules: the factor by which a run's buoyancy strength is multiplied at each step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from phigen.recipe.values import Index, NonNegative, Number, Positive, Section


class Constant(Section):
    """The full strength at every step."""

    kind: Literal["constant"] = Field(default="constant", description="The full strength at every step.")

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step."""
        return (1.0,) * steps


class Ramp(Section):
    """A straight line from `start` at step `first` to `stop` at step `last`, constant before and after."""

    kind: Literal["ramp"] = Field(description="A straight line between two steps, constant before and after.")
    first: Index = Field(description="Step up to which the factor is `start`; steps count from 0.")
    last: Index = Field(description="Step from which on the factor is `stop`.")
    start: NonNegative = Field(default=0.0, description="Factor on the strength up to the step `first`.")
    stop: NonNegative = Field(default=1.0, description="Factor on the strength from the step `last` on.")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.last <= self.first:
            raise ValueError(
                f"last must be greater than first, got first {self.first} and last {self.last}; change one of them"
            )
        return self

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step."""
        length = self.last - self.first
        shares = (min(max((step - self.first) / length, 0.0), 1.0) for step in range(steps))
        return tuple(self.start * (1 - share) + self.stop * share for share in shares)


class Sine(Section):
    """mean + amplitude * sin(2 pi step / period + phase)."""

    kind: Literal["sine"] = Field(description="mean + amplitude * sin(2 pi step / period + phase).")
    period: Positive = Field(description="Steps from one maximum of the factor to the next.")
    amplitude: Number = Field(description="Largest deviation of the factor from its mean.")
    mean: Number = Field(default=1.0, description="Mean factor on the strength.")
    phase: Number = Field(default=0.0, description="Phase of the sine at step 0, in radians.")

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step."""
        rate = 2 * math.pi / self.period
        return tuple(self.mean + self.amplitude * math.sin(rate * step + self.phase) for step in range(steps))


class Steps(Section):
    """Constant pieces: `factors[i]` from step `at[i]` on, the full strength before the first."""

    kind: Literal["steps"] = Field(description="Constant pieces, the full strength before the first.")
    at: tuple[Index, ...] = Field(min_length=1, description="Steps at which the factor changes, in increasing order.")
    factors: tuple[Number, ...] = Field(description="Factor on the strength from each step in `at` on.")

    @model_validator(mode="after")
    def _match(self) -> Self:
        if len(self.at) != len(self.factors):
            raise ValueError(
                f"factors must list one number per step in `at`, got {len(self.factors)} for {len(self.at)}"
            )
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"the steps in `at` must increase, got {list(self.at)}; list them in order, each once")
        return self

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step."""
        changes = dict(zip(self.at, self.factors, strict=True))
        factor, factors = 1.0, []
        for step in range(steps):
            factor = changes.get(step, factor)
            factors.append(factor)
        return tuple(factors)


class Listed(Section):
    """One factor for each step of the recipe's time."""

    kind: Literal["list"] = Field(description="One factor for each step, listed.")
    factors: tuple[Number, ...] = Field(description="Factor on the strength at each step.")

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step.

        Raises
        ------
        ValueError
            If the number of factors is not the number of steps.
        """
        if len(self.factors) != steps:
            raise ValueError(f"a list needs one factor per step, got {len(self.factors)} for {steps} steps")
        return self.factors


Schedule = Annotated[Constant | Ramp | Sine | Steps | Listed, Field(discriminator="kind")]


@dataclass(frozen=True)
class Mixture:
    """A linear combination of two schedules: (1 - share) * one + share * other.

    Parameters
    ----------
    one, other : Schedule
        Their factors are combined step by step.
    share : float
        Of the other one, above 0 and below 1.
    """

    one: Schedule
    other: Schedule
    share: float

    def over(self, steps: int) -> tuple[float, ...]:
        """Return one factor per step."""
        pairs = zip(self.one.over(steps), self.other.over(steps), strict=True)
        return tuple((1 - self.share) * one + self.share * other for one, other in pairs)


def mixed(one: Schedule, other: Schedule, share: float, *, steps: int) -> Schedule | Mixture:
    """Return the linear combination of two schedules, in its simplest form: equal factors may be spelled differently.

    Parameters
    ----------
    one, other : Schedule
        Of which the first counts for all that is left of the share.
    share : float
        Of the other one, from 0 to 1.
    steps : int
        The number of steps that count.
    """
    if not share:
        return one
    alike = one.over(steps) == other.over(steps)
    if share == 1:
        return one if alike else other
    mixture = Mixture(one, other, share)
    return one if alike and mixture.over(steps) == one.over(steps) else mixture


def cut(schedule: Schedule, steps: int) -> Schedule:
    """Return a schedule for the first steps alone."""
    return schedule.model_copy(update={"factors": schedule.factors[:steps]}) if schedule.kind == "list" else schedule


def unified(schedules: Sequence[Schedule], steps: int) -> tuple[Schedule, ...]:
    """Return the schedules, those with the same factors in the form that the first of them has."""
    first: dict[tuple[float, ...], Schedule] = {}
    return tuple(first.setdefault(schedule.over(steps), schedule) for schedule in schedules)
