"""The scenes that a recipe lists or draws; each is the start of an orbit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.distribution import Distribution, streams_of
from phigen.recipe.expansion.lazy import LazySequence
from phigen.recipe.expansion.moving import Discs, discs_of, inflows_of
from phigen.recipe.grid import Grid
from phigen.recipe.scene import Sample, Scene, Vary
from phigen.recipe.values import spelled_out

MOST_DRAWS = 1000
"""Largest number of draws of one scene."""

OF_AN_INFLOW = ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate")
"""What varies of an inflow, in the order of its columns."""


@dataclass(frozen=True, eq=False)
class Scenes(LazySequence[Scene]):
    """The scenes of a recipe, as columns; they differ in their inflows and strengths alone.

    Parameters
    ----------
    base : Scene
        The recipe's.
    discs : (scene, inflow, 4)
        Centre (x, y), radius and rate of each inflow.
    strengths : (scene,)
        Of the buoyancy.
    """

    base: Scene
    discs: Discs
    strengths: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.strengths)

    def item(self, number: int) -> Scene:
        """Make one scene."""
        buoyancy = self.base.buoyancy.model_copy(update={"strength": float(self.strengths[number])})
        return self.base.model_copy(update={"inflows": inflows_of(self.discs[number]), "buoyancy": buoyancy})


def scenes_of(scene: Scene, vary: Vary, sample: Sample | None, grid: Grid) -> Scenes:
    """Return every scene that an orbit starts from.

    They are drawn if there is a sample; otherwise there is one for every combination of what varies, the last key
    varying fastest.

    Raises
    ------
    ValueError
        If no valid scene is found that is far enough from the walls.
    """
    return _varied(scene, vary) if sample is None else _drawn(scene, sample, grid)


def _varied(scene: Scene, vary: Vary) -> Scenes:
    varying = {key: spelled_out(numbers) for key in Vary.model_fields if (numbers := getattr(vary, key)) is not None}
    combinations = list(product(*(map(float, numbers) for numbers in varying.values())))
    columns = dict(zip(varying, zip(*combinations, strict=True), strict=True))
    discs = np.tile(discs_of(scene.inflows), (len(combinations), 1, 1))
    for axis, key in enumerate(OF_AN_INFLOW):
        if key in columns:
            discs[..., axis] = np.array(columns[key])[:, None]
    own = columns.get("strength", (scene.buoyancy.strength,) * len(combinations))
    return Scenes(scene, discs, np.array(own, np.float64))


def _drawn(scene: Scene, sample: Sample, grid: Grid) -> Scenes:
    """Draw every scene from its own stream, again and again until it is valid and far enough from the walls."""
    inflow = tuple(getattr(sample, key) for key in OF_AN_INFLOW)
    given = tuple(map(tuple, discs_of(scene.inflows).tolist()))
    sides = tuple((n, not wraps) for n, wraps in zip(grid.shape, grid.box.periodic, strict=True))

    def draws(stream: np.random.Generator) -> Iterator[float]:
        for _ in range(MOST_DRAWS):
            discs = [_drawn_numbers(inflow, numbers, stream) for numbers in given]
            (strength,) = _drawn_numbers((sample.strength,), (scene.buoyancy.strength,), stream)
            if strength >= 0 and all(_is_valid(disc, sides, sample.wall_distance) for disc in discs):
                return chain(*discs, (strength,))
        raise ValueError(
            f"no valid scene at least {sample.wall_distance:g} cells from every wall was found in {MOST_DRAWS} draws; "
            "narrow the distributions, or lower wall_distance"
        )

    numbers = chain.from_iterable(map(draws, streams_of(sample.seed, range(sample.count))))
    drawn = np.fromiter(numbers, np.float64).reshape(sample.count, -1)
    return Scenes(scene, drawn[:, :-1].reshape(sample.count, -1, 4), drawn[:, -1].copy())


def _drawn_numbers(
    distributions: tuple[Distribution | None, ...], given: tuple[float, ...], stream: np.random.Generator
) -> tuple[float, ...]:
    """Draw each number that has a distribution; the others are as given."""
    return tuple(
        number if distribution is None else distribution.draw(stream)
        for distribution, number in zip(distributions, given, strict=True)
    )


def _is_valid(disc: tuple[float, ...], sides: tuple[tuple[int, bool], ...], wall_distance: float) -> bool:
    """Return whether an inflow has a radius and a rate, and its rim the distance from the nearest wall."""
    *center, radius, rate = disc
    if radius <= 0 or rate <= 0:
        return False
    gaps = (min(p, n - p) for p, (n, has_walls) in zip(center, sides, strict=True) if has_walls)
    return min(gaps, default=math.inf) - radius >= wall_distance
