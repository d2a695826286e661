"""Buoyancy schedules: the factor by which a run's buoyancy strength is multiplied at each step."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Positive = Annotated[float, Strict(), Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Strict(), Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Strict(), Field(gt=0, le=1_000_000)]
Index = Annotated[int, Strict(), Field(ge=0, lt=2**63)]


class Section(BaseModel):
    """A part of a recipe: it cannot be changed, and it refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Constant(Section):
    """The full strength at every step."""

    kind: Literal["constant"] = "constant"

    def over(self, steps: int) -> tuple[float, ...]:
        """Give one factor per step."""
        return (1.0,) * steps


class Ramp(Section):
    """A straight line from `start` at step `first` to `stop` at step `last`, level outside."""

    kind: Literal["ramp"]
    first: Index = Field(description="Step up to which the factor is `start`; steps count from 0.")
    last: Index = Field(description="Step from which on the factor is `stop`.")
    start: NonNegative = 0.0
    stop: NonNegative = 1.0

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.last <= self.first:
            raise ValueError(f"the ramp must end after it begins, got first {self.first} and last {self.last}")
        return self

    def over(self, steps: int) -> tuple[float, ...]:
        """Give one factor per step."""
        length = self.last - self.first
        shares = (min(max((step - self.first) / length, 0.0), 1.0) for step in range(steps))
        return tuple(self.start * (1 - share) + self.stop * share for share in shares)


class Sine(Section):
    """mean + amplitude * sin(2 pi step / period + phase)."""

    kind: Literal["sine"]
    period: Positive = Field(description="In steps.")
    amplitude: Number
    mean: Number = 1.0
    phase: Number = Field(default=0.0, description="In radians.")

    def over(self, steps: int) -> tuple[float, ...]:
        """Give one factor per step."""
        rate = 2 * math.pi / self.period
        return tuple(self.mean + self.amplitude * math.sin(rate * step + self.phase) for step in range(steps))


class Steps(Section):
    """Constant pieces: `factors[i]` from step `at[i]` on, full strength before the first."""

    kind: Literal["steps"]
    at: tuple[Index, ...] = Field(min_length=1, description="Steps at which the factor changes, rising.")
    factors: tuple[Number, ...]

    @model_validator(mode="after")
    def _match(self) -> Self:
        if len(self.at) != len(self.factors):
            raise ValueError(f"one factor for each step in `at`, got {len(self.factors)} for {len(self.at)}")
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"the steps in `at` must rise, got {list(self.at)}")
        return self

    def over(self, steps: int) -> tuple[float, ...]:
        """Give one factor per step."""
        changes = dict(zip(self.at, self.factors, strict=True))
        factor, factors = 1.0, []
        for step in range(steps):
            factor = changes.get(step, factor)
            factors.append(factor)
        return tuple(factors)


class Listed(Section):
    """One factor for each step of the recipe's time."""

    kind: Literal["list"]
    factors: tuple[Number, ...]

    def over(self, steps: int) -> tuple[float, ...]:
        """Give one factor per step.

        Raises
        ------
        ValueError
            If the list is not as long as there are steps.
        """
        if len(self.factors) != steps:
            raise ValueError(f"a list needs one factor per step, got {len(self.factors)} for {steps} steps")
        return self.factors


Schedule = Annotated[Constant | Ramp | Sine | Steps | Listed, Field(discriminator="kind")]
