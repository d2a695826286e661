"""The distributions that scenes are drawn from, and the stream of random numbers of each scene."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
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
        return self.low + (self.high - self.low) * stream.random()


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
        low, high = math.log(self.low), math.log(self.high)
        return math.exp(low + (high - low) * stream.random())


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


_AT_ONCE = 10_000
"""For how many scenes the states of their streams are computed together."""


def streams_of(seed: int, scenes: range) -> Iterator[np.random.Generator]:
    """Yield the random stream of each scene: child `scene` of the seed, whatever the number of scenes.

    The stream is numpy's ``Generator(PCG64(SeedSequence(seed, spawn_key=(scene,))))``.  One generator is set to the
    first state of each, which takes a tenth of the time; a stream is used up before the next one is asked for.
    """
    stream = np.random.Generator(np.random.PCG64(0))
    own = {"state": 0, "inc": 0}
    state = {"bit_generator": "PCG64", "state": own, "has_uint32": 0, "uinteger": 0}
    for first in range(0, len(scenes), _AT_ONCE):
        for words in _seeds(seed, scenes[first : first + _AT_ONCE]).tolist():
            # What PCG64 makes of its seed (O'Neill 2014): one step from 0, the seed added, and one step more.
            start, increment = (words[0] << 64 | words[1]), (words[2] << 64 | words[3])
            own["inc"] = (increment << 1 | 1) & _MASK
            own["state"] = ((own["inc"] + start) * _MULTIPLIER + own["inc"]) & _MASK
            stream.bit_generator.state = state
            yield stream


_MASK, _MULTIPLIER = 2**128 - 1, 0x2360ED051FC65DA44385DF649FCCF645
"""Of PCG64: 128 bits, and the factor of a step."""


def _seeds(seed: int, scenes: range) -> NDArray[np.uint64]:
    """Return what ``SeedSequence(seed, spawn_key=(scene,)).generate_state(4, uint64)`` does, (scene, 4).

    numpy mixes the seed into a pool of four words; the scene's number is mixed in last, and the state read from that.
    """
    pool = [np.full(len(scenes), word, np.uint32) for word in np.random.SeedSequence(seed).pool]
    numbers, factors = np.array(scenes, np.uint32), _Hash(0x43B0D7E5 * pow(0x931E8875, 16, 2**32), 0x931E8875)
    for place, word in enumerate(pool):
        mixed = np.uint32(0xCA01F9DD) * word - np.uint32(0x4973F715) * factors.hashed(numbers)
        pool[place] = mixed ^ mixed >> np.uint32(16)
    factors = _Hash(0x8B51F9DD, 0x58F38DED)
    words = [factors.hashed(pool[place % 4]).astype(np.uint64) for place in range(8)]
    return np.stack([low | high << np.uint64(32) for low, high in zip(words[::2], words[1::2], strict=True)], -1)


class _Hash:
    """The hash of SeedSequence, whose factor changes with each use."""

    def __init__(self, first: int, factor: int) -> None:
        self.value, self.factor = first % 2**32, factor

    def hashed(self, words: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return the hash of each word."""
        words = words ^ np.uint32(self.value)
        self.value = self.value * self.factor % 2**32
        words = words * np.uint32(self.value)
        return words ^ words >> np.uint32(16)
