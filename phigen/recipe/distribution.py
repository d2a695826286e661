"""The distributions that scenes are drawn from, and the stream of random numbers of each scene."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from phigen.recipe.values import Number, Positive, Section


class Uniform(Section):
    """All numbers from `low` to `high` with the same probability."""

    kind: Literal["uniform"] = Field(description="All numbers from low to high with the same probability.")
    low: Number = Field(description="Smallest number.")
    high: Number = Field(description="Largest number.")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high <= self.low:
            raise ValueError(_NOT_ABOVE.format(self.low, self.high))
        if math.isinf(self.high - self.low):
            raise ValueError(
                f"high - low is too large for a floating-point number, got low {self.low:g} and high {self.high:g}; "
                "choose a narrower range"
            )
        return self

    def draw(self, stream: np.random.Generator) -> float:
        """Return one number."""
        return float(stream.uniform(self.low, self.high))


class LogUniform(Section):
    """Numbers from `low` to `high` whose logarithm is uniformly distributed."""

    kind: Literal["loguniform"] = Field(description="Numbers whose logarithm is uniformly distributed.")
    low: Positive = Field(description="Smallest number, above 0.")
    high: Positive = Field(description="Largest number.")

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high <= self.low:
            raise ValueError(_NOT_ABOVE.format(self.low, self.high))
        return self

    def draw(self, stream: np.random.Generator) -> float:
        """Return one number."""
        return math.exp(stream.uniform(math.log(self.low), math.log(self.high)))


class Normal(Section):
    """The normal distribution."""

    kind: Literal["normal"] = Field(description="The normal distribution.")
    mean: Number = Field(description="Mean of the distribution.")
    std: Positive = Field(description="Standard deviation of the distribution.")

    def draw(self, stream: np.random.Generator) -> float:
        """Return one number."""
        return float(stream.normal(self.mean, self.std))


class Choice(Section):
    """One of a few numbers, each with the same probability."""

    kind: Literal["choice"] = Field(description="One of a few numbers, each with the same probability.")
    values: tuple[Number, ...] = Field(min_length=1, description="The numbers to choose from.")

    def draw(self, stream: np.random.Generator) -> float:
        """Return one number."""
        return self.values[int(stream.integers(len(self.values)))]


_NOT_ABOVE = "high must be greater than low, got low {:g} and high {:g}; change one of them"

Distribution = Annotated[Uniform | LogUniform | Normal | Choice, Field(discriminator="kind")]


def streams_of(seed: int, scenes: range) -> Iterator[np.random.Generator]:
    """Yield the random stream of each scene: child `scene` of the seed, whatever the number of scenes."""
    for scene in scenes:
        yield np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(scene,))))
