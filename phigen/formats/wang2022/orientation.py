"""Which way the four files of a published level are turned, and where their arrows point.

The authors turned a finished plume as an array, its positions clockwise and its arrows counter-clockwise: at 90 and
270 degrees the arrows point the other way than the plume moves.  What phigen exports is turned rightly.  The files do
not say which of the two they are, but they are one plume at four strengths, which tells: taken back to the first one's
frame, a run that is turned rightly goes along with it, and one whose arrows are reversed goes against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.simulation.staggered import completed, divergence
from phigen.symmetry.point_groups import ElementName, inverse, turn

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

FRAMES_ALIKE = 10
"""So many frames are compared, before the plumes go ways of their own."""

_ORDERS: tuple[tuple[ElementName, ...], ...] = (
    ("identity", "rotate90", "rotate180", "rotate270"),
    ("identity", "rotate270", "rotate180", "rotate90"),
)
"""Counter-clockwise as in phigen's exports, and clockwise as in the published files."""


@dataclass(frozen=True)
class Turned:
    """How a file was made of its plume."""

    element: ElementName
    is_reversed: bool
    """Whether its arrows point the other way."""


def turns_of(files: Sequence[NDArray[np.float32]]) -> list[Turned]:
    """Find how the four files of a level are turned.

    Parameters
    ----------
    files : sequence of (time, component, y, x)
        Lower faces; the first is as simulated.

    Returns
    -------
    list of Turned
        One for each.
    """
    first = files[0][:FRAMES_ALIKE].astype(np.float64)

    def along(values: NDArray[np.float32], element: ElementName) -> float:
        back = _turned_as_array(values[:FRAMES_ALIKE], inverse(element))
        return float((first * back).sum())

    ways = [[along(values, element) for values, element in zip(files, order, strict=True)] for order in _ORDERS]
    best = int(np.argmax([np.abs(way).sum() for way in ways]))
    return [Turned(element, way < 0) for element, way in zip(_ORDERS[best], ways[best], strict=True)]


def faces_of_file(values: NDArray[np.float32], turned: Turned) -> xr.Dataset:
    """Give all faces of a run, its arrows put right.

    Turned as an array after they were cropped, the faces are lower ones in the frame of the first run; cropped after
    they were turned, where they stand.  Of the two readings, only one is free of divergence.

    Parameters
    ----------
    values : (time, component, y, x)
        As the file has them.
    turned : Turned
        How it was made.

    Returns
    -------
    Dataset
        velocity_x (time, y, x_face) and velocity_y (time, y_face, x), walls included.
    """
    right = -values if turned.is_reversed else values
    back = _turned_as_array(right, inverse(turned.element))
    readings = (completed(right), turn(completed(back), turned.element))
    return min(readings, key=lambda faces: float(np.abs(divergence(faces)).mean()))


def _turned_as_array(values: NDArray[Any], element: ElementName) -> NDArray[Any]:
    import xarray as xr

    return turn(xr.DataArray(values, dims=("time", "component", "y", "x")), element).values
