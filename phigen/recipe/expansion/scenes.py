"""The scenes that a recipe lists or draws; each is the start of an orbit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.distribution import streams_of
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
    """Draw every scene from its own stream."""
    draw = _drawing(scene, sample, grid)
    numbers = chain.from_iterable(map(draw, streams_of(sample.seed, range(sample.count))))
    drawn = np.fromiter(numbers, np.float64).reshape(sample.count, -1)
    return Scenes(scene, drawn[:, 1:].reshape(sample.count, -1, 4), drawn[:, 0].copy())


def _drawing(scene: Scene, sample: Sample, grid: Grid) -> Callable[[np.random.Generator], list[float]]:
    """Return a function that draws the strength and the inflows of a scene, until they are valid and far from walls."""
    given = [scene.buoyancy.strength, *discs_of(scene.inflows).ravel().tolist()]
    of_inflows = [(1 + i, key) for i, key in enumerate(OF_AN_INFLOW * len(scene.inflows))]
    chosen = ((place, getattr(sample, key)) for place, key in [*of_inflows, (0, "strength")])
    draws = [(place, distribution.draw) for place, distribution in chosen if distribution is not None]
    starts = range(1, len(given), 4)
    (width, height), (wraps_x, wraps_y) = grid.shape, grid.box.periodic

    def is_valid(x: float, y: float, radius: float, rate: float) -> bool:
        across = math.inf if wraps_x else min(x, width - x)
        up = math.inf if wraps_y else min(y, height - y)
        return radius > 0 and rate > 0 and min(across, up) - radius >= sample.wall_distance

    def draw(stream: np.random.Generator) -> list[float]:
        numbers = given.copy()
        for _ in range(MOST_DRAWS):
            for place, one in draws:
                numbers[place] = one(stream)
            if numbers[0] >= 0 and all(is_valid(*numbers[start : start + 4]) for start in starts):
                return numbers
        raise ValueError(
            f"no valid scene at least {sample.wall_distance:g} cells from every wall was found in {MOST_DRAWS} draws; "
            "narrow the distributions, or lower wall_distance"
        )

    return draw
