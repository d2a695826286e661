"""Which cells an inflow or an area holds: those whose centre lies in it, decided in exact arithmetic.

With floating point, cells whose centres lie on a disc's rim would be in on one side and out on the other.  Centres and
radii are therefore taken as the decimals that they print as, in units of their last place (`phigen.recipe.values`):
there all of them are integers.
"""

from __future__ import annotations

from functools import lru_cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from phigen.recipe.grid import Boundaries
from phigen.recipe.scene import Inflow
from phigen.recipe.values import CELL, in_units

Mask = NDArray[np.bool_]


@lru_cache(maxsize=64)
def inflow_smoke(cells: tuple[int, int], boundaries: Boundaries, inflows: tuple[Inflow, ...]) -> NDArray[np.float64]:
    """Return the smoke that inflows add per step, (nx, ny): their rate in every cell whose centre they hold."""
    total = np.zeros(cells)
    for inflow in inflows:
        total += inflow.rate * disc(cells, boundaries, center=inflow.center, radius=inflow.radius)
    return total


def disc(cells: tuple[int, int], boundaries: Boundaries, *, center: tuple[float, float], radius: float) -> Mask:
    """Return which cells have their centre in a disc, its rim included.

    Along a periodic axis the distance is that to the nearest image of the disc's centre.

    Parameters
    ----------
    cells : (int, int)
        nx and ny, of size 1.
    boundaries : ((str, str), (str, str))
        Of the left and right side, and of the lower and upper one.
    center : (float, float)
        (x, y) in cells.
    radius : float
        In cells.

    Returns
    -------
    (nx, ny) bool
    """
    across, up = (
        _distances(n, in_units(middle), periodic=sides[0] == "periodic")
        for n, middle, sides in zip(cells, center, boundaries, strict=True)
    )
    reach = in_units(radius)
    half_widths = [isqrt(reach**2 - distance**2) if distance <= reach else -1 for distance in up]
    inside: Mask = np.array(across, dtype=object)[:, None] <= np.array(half_widths, dtype=object)[None, :]
    return inside.astype(np.bool_)


@lru_cache(maxsize=64)
def area(
    cells: tuple[int, int], boundaries: Boundaries, edges: tuple[float, float, float, float]
) -> NDArray[np.float64]:
    """Return 1 in the cells whose centre lies in an area [left, right) x [lower, upper), (nx, ny), and 0 elsewhere."""
    inside = []
    for n, sides, first, last in zip(cells, boundaries, edges[::2], edges[1::2], strict=True):
        distance = np.arange(n) + 0.5 - first
        inside.append((distance % n if sides[0] == "periodic" else distance, last - first))
    x, y = ((distance >= 0) & (distance < length) for distance, length in inside)
    return np.outer(x, y).astype(np.float64)


def _distances(cells: int, middle: int, *, periodic: bool) -> list[int]:
    """Return the distance of each cell centre from a place along one axis, in units."""
    distances = [abs((2 * cell + 1) * CELL // 2 - middle) for cell in range(cells)]
    if periodic:
        whole = cells * CELL
        distances = [min(distance % whole, -distance % whole) for distance in distances]
    return distances
