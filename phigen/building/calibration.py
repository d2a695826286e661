"""From the errors that a recipe asks for to the symmetry breaking that makes them.

The error of a level is a function of one number, the breaking: the factor on the recipe's offsets, gains and schedules.
It is measured on real simulations, first at doublings of that number until the largest target is passed, then by
scipy's bracketing root finder (Brent 1973) between the two nearest points that enclose a target.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import numpy as np

from phigen.errors import RecipeError, SimulationError
from phigen.measurement.data_error import measure
from phigen.measurement.in_memory_runs import Simulated, orbits_of, rehearse, simulator
from phigen.planning.plans import Calibration, Plan, plan_of_level
from phigen.progress import Progress, silent
from phigen.recipe.expansion.orbits import Orbits
from phigen.recipe.loading import located
from phigen.recipe.model import Recipe
from phigen.recipe.symmetry import Breaking
from phigen.recipe.values import exact, spelled_out

FINEST, DOUBLINGS = 1 / 64, 13
"""The search begins where an element's strength differs by a 64th, and ends where it is 64 times as large."""

_REMEDY = "choose other targets, or break the symmetry in another way"


def calibrate(recipe: Recipe, *, progress: Progress = silent) -> Calibration:
    """Compute the breaking that each target error of a recipe needs.

    Parameters
    ----------
    recipe : Recipe
        With `symmetry.target_error`.
    progress : callable, optional
        Called with ``calibrating``, how many targets are done, and how many there are; first now, then after each.

    Returns
    -------
    Calibration
        With errors within the recipe's tolerance; a target of 0 needs no breaking.

    Raises
    ------
    RecipeError
        If the recipe has no target errors, or one cannot be reached; it reports the attainable range.
    """
    if recipe.symmetry.target_error is None:
        raise RecipeError(
            located(
                recipe,
                ("symmetry",),
                "has no target_error, so there is nothing to calibrate; add one",
            )
        )
    targets = [float(target) for target in spelled_out(recipe.symmetry.target_error)]
    progress("calibrating", 0, len(targets))
    curve = _Curve(recipe)
    curve.sweep(targets[-1])
    breaking = []
    for done, target in enumerate(targets, start=1):
        breaking.append(curve.solve(target, recipe.symmetry.tolerance))
        progress("calibrating", done, len(targets))
    errors = tuple(curve.error(parameter) for parameter in breaking)
    return Calibration(tuple(targets), tuple(breaking), errors, tuple(sorted(curve.known.items())))


class _Curve:
    """The error of a recipe as a function of its breaking; nothing is measured twice."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.orbits = recipe.orbits
        self.known: dict[float, float] = {}
        self.simulated = simulator(self._planned(Decimal(0)), ["velocity"])

    def error(self, parameter: float) -> float:
        """Return the mean absolute error of centred velocity over kept frames, orbits and elements."""
        if parameter not in self.known:
            self.known[parameter] = _error(self._planned(exact(parameter)), self.simulated)
        return self.known[parameter]

    def _planned(self, parameter: Decimal) -> Plan:
        """Return the plan of one level."""
        return plan_of_level(self.recipe, parameter)

    def sweep(self, highest: float) -> None:
        """Measure at doublings until the highest target is passed or a simulation fails."""
        self.error(0.0)
        for parameter in _doublings(self.recipe.symmetry.differing, self.orbits):
            try:
                if self.error(parameter) > highest:
                    return
            except SimulationError:
                return

    def solve(self, target: float, tolerance: float) -> float:
        """Return the smallest breaking found whose error is the target, within the tolerance."""
        from scipy.optimize import brentq

        def excess(parameter: float) -> float:
            difference = self.error(parameter) - target
            return 0.0 if abs(difference) <= tolerance * target else difference

        for lower, upper in pairwise(sorted(self.known)):
            below, above = excess(lower), excess(upper)
            if below == 0 or above == 0:
                return lower if below == 0 else upper
            if below * above < 0:
                root = float(brentq(excess, lower, upper, xtol=1e-12 * upper, rtol=1e-12))
                if excess(root) != 0:
                    raise self._problem(
                        f"{target:g} is not reached, the error jumps over it at a breaking of {root:.6g}"
                    )
                return root
        least, most = min(self.known.values()), max(self.known.values())
        attainable = f"a breaking of up to {max(self.known):g} gives {least:.4g} to {most:.4g}"
        raise self._problem(f"{target:g} cannot be reached, {attainable}")

    def _problem(self, text: str) -> RecipeError:
        return RecipeError(located(self.recipe, ("symmetry", "target_error"), f"{text}; {_REMEDY}"))


def _doublings(breaking: Breaking, orbits: Orbits) -> Iterator[float]:
    """Yield the breakings that are tried first, up to where a strength is 0 or a schedule is the element's own."""
    strengths = list(map(exact, orbits.scenes.strengths.tolist()))
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


def _error(planned: Plan, simulated: Simulated) -> float:
    """Measure the error of one level, orbit by orbit: the mean over orbits, then elements and frames."""
    by_element: dict[str, list[float]] = {}
    for orbit in orbits_of(planned.runs):
        if len(orbit) > 1:
            errors = measure(rehearse(planned, orbit, simulated))["mae"].isel(level=0, variable=0).mean("time")
            for element, error in zip(errors["element"].values.tolist(), errors.values.tolist(), strict=True):
                by_element.setdefault(element, []).append(error)
    return float(np.mean([np.mean(errors) for errors in by_element.values()]))
