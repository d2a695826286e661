"""From the errors that a recipe asks for to the breaking that makes them.

The error of a level is a function of one number, what the recipe's offsets, gains and schedules are multiplied by:
how far the elements' strengths are apart.  It is measured on the real simulation, first at doublings of that number
until the largest target is passed, and then by scipy's bracketing root finder (Brent 1973) between the two nearest
points that enclose a target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import pairwise

import numpy as np

from phigen.errors import RecipeError, SimulationError
from phigen.measurement.data_error import measure
from phigen.measurement.in_memory_runs import Simulated, orbits_of, rehearse, simulator
from phigen.planning.plans import Calibration, Plan, runs_of_level
from phigen.recipe.loading import located
from phigen.recipe.model import Recipe
from phigen.recipe.values import exact, spelled_out

FINEST, DOUBLINGS = 1 / 64, 13
"""The search begins where an element differs by a 64th of its strength, and ends where it is 64 times as strong."""

_ELSE = "choose other targets, or break the symmetry in another way"

Progress = Callable[[int, int], None]


def calibrate(recipe: Recipe, *, progress: Progress | None = None) -> Calibration:
    """Find the breaking for each target error of a recipe.

    Parameters
    ----------
    recipe : Recipe
        With `symmetry.target_error`.
    progress : callable, optional
        Called with the number of targets that are found and the number of all, now and after each.

    Returns
    -------
    Calibration
        With errors within the recipe's tolerance; 0 needs none.

    Raises
    ------
    RecipeError
        If the recipe has no target errors, or one cannot be reached; it says which can.
    """
    if recipe.symmetry.target_error is None:
        raise RecipeError(
            located(recipe, ("symmetry",), "has no target_error, got levels; there is nothing to calibrate")
        )
    targets = [float(target) for target in spelled_out(recipe.symmetry.target_error)]
    tell = progress or (lambda done, total: None)
    tell(0, len(targets))
    curve = _Curve(recipe)
    curve.sweep(targets[-1])
    breaking = []
    for done, target in enumerate(targets, start=1):
        breaking.append(curve.solve(target, recipe.symmetry.tolerance))
        tell(done, len(targets))
    errors = tuple(curve.error(parameter) for parameter in breaking)
    return Calibration(tuple(targets), tuple(breaking), errors, tuple(sorted(curve.known.items())))


class _Curve:
    """The error of a recipe as a function of its breaking; nothing is measured twice."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.known: dict[float, float] = {}
        self.simulated = simulator(_planned(recipe, Decimal(0)), ["velocity"])

    def error(self, parameter: float) -> float:
        """Measure the error: of centred velocity, mean absolute, over kept frames, orbits and elements."""
        if parameter not in self.known:
            self.known[parameter] = _error(self.recipe, exact(parameter), self.simulated)
        return self.known[parameter]

    def sweep(self, highest: float) -> None:
        """Measure at doublings until the highest target is passed, or the flow or the strengths bear no more."""
        self.error(0.0)
        for parameter in _doublings(self.recipe):
            try:
                if self.error(parameter) > highest:
                    return
            except SimulationError:
                return

    def solve(self, target: float, tolerance: float) -> float:
        """Find where the error first is a target, or near enough."""
        from scipy.optimize import brentq

        def excess(parameter: float) -> float:
            difference = self.error(parameter) - target
            return 0.0 if abs(difference) <= tolerance * target else difference

        for lower, upper in pairwise(sorted(self.known)):
            below, above = excess(lower), excess(upper)
            if below == 0 or above == 0:
                return lower if below == 0 else upper
            if below * above < 0:
                found = float(brentq(excess, lower, upper, xtol=1e-12 * upper, rtol=1e-12))
                if excess(found) != 0:
                    raise RecipeError(self._fault(f"{target:g} is jumped over at a breaking of {found:.6g}; {_ELSE}"))
                return found
        least, most = min(self.known.values()), max(self.known.values())
        reach = f"breaking of up to {max(self.known):g} reaches {least:.4g} to {most:.4g}"
        raise RecipeError(self._fault(f"{target:g} cannot be reached, {reach}; {_ELSE}"))

    def _fault(self, text: str) -> str:
        return located(self.recipe, ("symmetry", "target_error"), text)


def _doublings(recipe: Recipe) -> Iterator[float]:
    """Give what is tried at first, up to where an element has no strength left, or the schedule of another."""
    breaking = recipe.symmetry.differing
    strengths = [exact(orbit.scene.buoyancy.strength) for orbit in recipe.orbits]
    offsets, gains = ([] if numbers is None else spelled_out(numbers) for numbers in (breaking.offsets, breaking.gains))
    base = max(strengths) or Decimal("0.01")
    scales = [base / abs(offset) for offset in offsets if offset] + [1 / abs(gain) for gain in gains if gain]
    limits = [min(strengths) / -offset for offset in offsets if offset < 0] + [-1 / gain for gain in gains if gain < 0]
    limit = float(min([*limits, *([Decimal(1)] if breaking.schedules is not None else [])], default=Decimal("inf")))
    for doubling in range(DOUBLINGS):
        parameter = float(f"{float(min(scales, default=Decimal(1))) * FINEST * 2**doubling:.3g}")
        yield min(parameter, limit)
        if parameter >= limit:
            return


def _planned(recipe: Recipe, parameter: Decimal) -> Plan:
    return Plan(recipe, tuple(runs_of_level(recipe, level=parameter, parameter=parameter)))


def _error(recipe: Recipe, parameter: Decimal, simulated: Simulated) -> float:
    """Measure one level, orbit by orbit: the mean over orbits, then elements and frames, as `summarize` takes it."""
    planned = _planned(recipe, parameter)
    by_element: dict[str, list[float]] = {}
    for orbit in orbits_of(planned.runs):
        if len(orbit) > 1:
            errors = measure(rehearse(planned, orbit, simulated))["mae"].isel(level=0, variable=0).mean("time")
            for element, error in zip(errors["element"].values.tolist(), errors.values.tolist(), strict=True):
                by_element.setdefault(element, []).append(error)
    return float(np.mean([np.mean(errors) for errors in by_element.values()]))
