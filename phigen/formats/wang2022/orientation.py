"""How the four files of a published level are rotated, and whether their velocity has the right sign.

The authors rotated a finished plume as an array, its positions clockwise and its vectors counter-clockwise.  At 90 and
270 degrees the velocity therefore points against the motion of the plume.  phigen's exports are rotated consistently.
The files do not say which of the two they are, but they are one plume at four strengths.  In the reference frame of the
first file, a consistently rotated run correlates positively with it, and one with reversed vectors negatively.
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
"""Number of first frames that are compared, before the plumes diverge."""

_ORDERS: tuple[tuple[ElementName, ...], ...] = (
    ("identity", "rotate90", "rotate180", "rotate270"),
    ("identity", "rotate270", "rotate180", "rotate90"),
)
"""Counter-clockwise as in phigen's exports, and clockwise as in the published files."""


@dataclass(frozen=True)
class Orientation:
    """How a file was made from its plume."""

    element: ElementName
    is_reversed: bool
    """Whether the velocity points against the motion."""


def orientations(files: Sequence[NDArray[np.float32]]) -> list[Orientation]:
    """Determine how the four files of a level are rotated.

    Parameters
    ----------
    files : sequence of (time, component, y, x)
        Lower faces; the first is as simulated.

    Returns
    -------
    list of Orientation
        One for each file.
    """
    first = files[0][:FRAMES_ALIKE].astype(np.float64)

    def along(values: NDArray[np.float32], element: ElementName) -> float:
        mapped = _act_on_array(values[:FRAMES_ALIKE], inverse(element))
        return float((first * mapped).sum())

    correlations = [[along(values, element) for values, element in zip(files, order, strict=True)] for order in _ORDERS]
    best = int(np.argmax([np.abs(of_order).sum() for of_order in correlations]))
    return [Orientation(g, along_first < 0) for g, along_first in zip(_ORDERS[best], correlations[best], strict=True)]


def faces_of_file(values: NDArray[np.float32], orientation: Orientation) -> xr.Dataset:
    """Return all faces of a run, with the right sign.

    If the faces were cropped first and then rotated as an array, they are lower faces in the reference frame of the
    first run.  If they were rotated first and then cropped, they are lower faces as the run stands.  Only one of the
    two interpretations is free of divergence.

    Parameters
    ----------
    values : (time, component, y, x)
        As the file has them.
    orientation : Orientation
        How it was made.

    Returns
    -------
    Dataset
        velocity_x (time, y, x_face) and velocity_y (time, y_face, x), walls included.
    """
    right = -values if orientation.is_reversed else values
    mapped = _act_on_array(right, inverse(orientation.element))
    interpretations = (completed(right), turn(completed(mapped), orientation.element))
    return min(interpretations, key=lambda faces: float(np.abs(divergence(faces)).mean()))


def _act_on_array(values: NDArray[Any], element: ElementName) -> NDArray[Any]:
    """Rotate lower faces as if they were cell-centred, as the authors did."""
    import xarray as xr

    return turn(xr.DataArray(values, dims=("time", "component", "y", "x")), element).values
