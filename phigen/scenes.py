"""The scenes that a recipe spells out, and how strong each run of an orbit is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

from phigen.recipe import Breaking, Scene, Vary, exact, spelled_out


def scenes_of(scene: Scene, vary: Vary) -> Iterator[Scene]:
    """Give every combination of what varies, the last key fastest: each scene is the start of an orbit."""
    varying = {key: spelled_out(numbers) for key in Vary.model_fields if (numbers := getattr(vary, key)) is not None}
    for values in product(*varying.values()):
        yield _with(scene, dict(zip(varying, map(float, values), strict=True)))


def _with(scene: Scene, changes: dict[str, float]) -> Scene:
    buoyancy = scene.buoyancy
    if "strength" in changes:
        buoyancy = buoyancy.model_copy(update={"strength": changes["strength"]})
    inflows = tuple(
        inflow.model_copy(
            update={
                "center": (changes.get("inflow_x", inflow.center[0]), changes.get("inflow_y", inflow.center[1])),
                "radius": changes.get("inflow_radius", inflow.radius),
                "rate": changes.get("inflow_rate", inflow.rate),
            }
        )
        for inflow in scene.inflows
    )
    return scene.model_copy(update={"inflows": inflows, "buoyancy": buoyancy})


def strength_of(scene: Scene, breaking: Breaking, level: Decimal, element: int) -> Decimal:
    """Give the buoyancy strength of one run: (strength + level * offset) * (1 + level * gain).

    Decimal arithmetic keeps equal strengths equal, so that their scenes are simulated once.

    Parameters
    ----------
    scene : Scene
        Start of the orbit.
    breaking : Breaking
        Offsets and gains, one per element.
    level : Decimal
        0 is exactly symmetric.
    element : int
        Position in the orbit.
    """
    offset = spelled_out(breaking.offsets)[element] if breaking.offsets is not None else Decimal(0)
    gain = spelled_out(breaking.gains)[element] if breaking.gains is not None else Decimal(0)
    return (exact(scene.buoyancy.strength) + level * offset) * (1 + level * gain)
