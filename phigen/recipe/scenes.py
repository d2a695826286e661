"""The scenes that a recipe lists or draws; each is the start of an orbit."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from phigen.recipe.distribution import stream_of
from phigen.recipe.grid import Grid
from phigen.recipe.scene import Inflow, Sample, Scene, Vary
from phigen.recipe.values import spelled_out

MOST_DRAWS = 1000
"""Largest number of draws of one scene."""


def scenes_of(scene: Scene, vary: Vary, sample: Sample | None, grid: Grid) -> tuple[Scene, ...]:
    """Return every scene that an orbit starts from.

    They are drawn if there is a sample; otherwise there is one for every combination of what varies, the last key
    varying fastest.

    Raises
    ------
    ValueError
        If no valid scene is found that is far enough from the walls.
    """
    if sample is not None:
        return tuple(_drawn(scene, sample, number, grid) for number in range(sample.count))
    varying = {key: spelled_out(numbers) for key in Vary.model_fields if (numbers := getattr(vary, key)) is not None}
    combinations = product(*varying.values())
    return tuple(_with(scene, dict(zip(varying, map(float, values), strict=True))) for values in combinations)


def _with(scene: Scene, changes: dict[str, float]) -> Scene:
    inflows = tuple(_changed(inflow, changes) for inflow in scene.inflows)
    return scene.model_copy(update={"inflows": inflows, "buoyancy": _strengthened(scene, changes)})


def _changed(inflow: Inflow, changes: dict[str, float]) -> Inflow:
    x, y = inflow.center
    return inflow.model_copy(
        update={
            "center": (changes.get("inflow_x", x), changes.get("inflow_y", y)),
            "radius": changes.get("inflow_radius", inflow.radius),
            "rate": changes.get("inflow_rate", inflow.rate),
        }
    )


def _strengthened(scene: Scene, changes: dict[str, float]) -> Any:
    return scene.buoyancy.model_copy(update={"strength": changes["strength"]} if "strength" in changes else {})


def _drawn(scene: Scene, sample: Sample, number: int, grid: Grid) -> Scene:
    """Draw one scene from its own stream, again and again until it is valid and far enough from the walls."""
    stream = stream_of(sample.seed, number)
    about_inflows = ("inflow_x", "inflow_y", "inflow_radius", "inflow_rate")
    for _ in range(MOST_DRAWS):
        inflows = tuple(_changed(inflow, _draws(sample, about_inflows, stream)) for inflow in scene.inflows)
        changes = _draws(sample, ("strength",), stream)
        valid = all(inflow.radius > 0 and inflow.rate > 0 for inflow in inflows) and changes.get("strength", 0.0) >= 0
        if valid and all(_clearance(inflow, grid) >= sample.wall_distance for inflow in inflows):
            return scene.model_copy(update={"inflows": inflows, "buoyancy": _strengthened(scene, changes)})
    raise ValueError(
        f"no valid scene at least {sample.wall_distance:g} cells from every wall was found in {MOST_DRAWS} draws; "
        "narrow the distributions, or lower wall_distance"
    )


def _draws(sample: Sample, keys: tuple[str, ...], stream: np.random.Generator) -> dict[str, float]:
    chosen = {key: getattr(sample, key) for key in keys}
    return {key: distribution.draw(stream) for key, distribution in chosen.items() if distribution is not None}


def _clearance(inflow: Inflow, grid: Grid) -> float:
    """Return the distance from an inflow's rim to the nearest wall; a periodic axis has none."""
    axes = zip(inflow.center, grid.shape, grid.box.periodic, strict=True)
    gaps = (min(p, n - p) for p, n, periodic in axes if not periodic)
    return min(gaps, default=math.inf) - inflow.radius
