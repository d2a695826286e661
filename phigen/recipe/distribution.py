"""Distributions that scenes are drawn from, and the stream of random numbers that each scene has to itself."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from phigen.recipe.schedule import Number, Positive, Section


class Uniform(Section):
    """Every number from `low` to `high` alike."""

    kind: Literal["uniform"]
    low: Number
    high: Number

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high must be above low, got low {self.low:g} and high {self.high:g}")
        if math.isinf(self.high - self.low):
            raise ValueError(f"no number is as large as high - low, got {self.low:g} and {self.high:g}; narrow it")
        return self

    def draw(self, stream: np.random.Generator) -> float:
        """Give one number."""
        return float(stream.uniform(self.low, self.high))


class LogUniform(Section):
    """Every order of magnitude from `low` to `high` alike."""

    kind: Literal["loguniform"]
    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high must be above low, got low {self.low:g} and high {self.high:g}")
        return self

    def draw(self, stream: np.random.Generator) -> float:
        """Give one number."""
        return math.exp(stream.uniform(math.log(self.low), math.log(self.high)))


class Normal(Section):
    """The normal distribution."""

    kind: Literal["normal"]
    mean: Number
    std: Positive

    def draw(self, stream: np.random.Generator) -> float:
        """Give one number."""
        return float(stream.normal(self.mean, self.std))


class Choice(Section):
    """One of a few numbers, each alike."""

    kind: Literal["choice"]
    values: tuple[Number, ...] = Field(min_length=1)

    def draw(self, stream: np.random.Generator) -> float:
        """Give one number."""
        return self.values[int(stream.integers(len(self.values)))]


Distribution = Annotated[Uniform | LogUniform | Normal | Choice, Field(discriminator="kind")]


def stream_of(seed: int, scene: int) -> np.random.Generator:
    """Give the stream of one scene: the child `scene` of the seed, the same however many scenes there are."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(scene,))))
