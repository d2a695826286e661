"""The equivariance error as the authors of the ten graded sets computed it, for comparison with their numbers.

Let u_0, ..., u_3 be the runs of a scene and its rotations by 90, 180 and 270 degrees, all in the reference frame of
u_0.  With angle brackets for the mean over frames 20 to 58, components and the lower faces,

    EE = <|u_0 - u_1| + |u_0 - u_2| + |u_0 - u_3|> / 3

The lower faces are the first N of the N + 1 faces of each component.  In a closed box the last face is a wall, where
the velocity is zero, so EE is (N + 1) / N times the mean over all faces.  Use `phigen.measure` for anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.measurement.data_error import orbits, refuse_part_of_box
from phigen.simulation.staggered import faces_of, lower_faces
from phigen.symmetry.fields import FACES
from phigen.symmetry.point_groups import POINT_GROUPS, inverse, turn

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

FRAMES = range(20, 59)
"""The compared frames: [10:-1] of the 50 published ones, which are frames 10 to 59."""


def measure_wang2022(dataset: xr.Dataset) -> xr.Dataset:
    """Measure the equivariance error of each level as the notebook of Wang et al. (2022) does.

    The notebook simulates all four plumes upwards and compares them directly.  Here each run is first rotated to that
    direction, which is exact and gives the same fields.  Stored faces are used if there are any.  Otherwise they are
    recovered from the centred velocity by `phigen.simulation.staggered` and rounded to float32, the precision of the
    published files.  This changes the error of the ten published sets by at most 2e-9.

    Parameters
    ----------
    dataset : Dataset
        C4 orbits in a closed box, as opened by `phigen.open`, with velocity_x and velocity_y or with velocity.

    Returns
    -------
    Dataset
        ``mae`` (level,), float64, in cells per step: the mean over orbits, of which the published sets have one.

    Raises
    ------
    MeasureError
        If the box is not closed or only a part of it is given, an orbit lacks one of the four rotations, or a frame or
        the velocity is missing.

    References
    ----------
    Wang, Walters and Yu, Approximately Equivariant Networks for Imperfectly Symmetric Dynamics, ICML 2022,
    arXiv:2201.11969, Figure 4; github.com/Rose-STL-Lab/Approximately-Equivariant-Nets: data_gen.ipynb computes the
    errors, run_equiv_test.py lists them.
    """
    import xarray as xr

    fields = _fields(dataset)
    errors: dict[float, list[float]] = {}
    for level, one, rest in orbits(dataset):
        runs = {"identity": one} | rest
        if set(runs) != set(POINT_GROUPS["C4"]):
            raise MeasureError(
                f"level {level:g}: an orbit must have the elements of C4, got {', '.join(runs)}; "
                "select whole orbits of a recipe with symmetry.group: C4"
            )
        first, *others = (_lower_faces(turn(fields.isel(run=runs[g]), inverse(g))) for g in POINT_GROUPS["C4"])
        differences = [np.abs(first - other).mean() for other in others]
        errors.setdefault(level, []).append(float(np.mean(differences)))
    levels = sorted(errors)
    return xr.Dataset({"mae": ("level", [np.mean(errors[level]) for level in levels])}, coords={"level": levels})


def _fields(dataset: xr.Dataset) -> xr.Dataset:
    """Return the faces, or else the velocity, of the compared frames; refuse datasets without the right ones."""
    lacking = [dim for dim in ("run", "time") if dim not in dataset.dims]
    if lacking:
        raise MeasureError(f"the dataset has no dim {lacking[0]}; select with a list or slice, which keeps it")
    boundaries = dataset.attrs.get("boundaries", ())
    if set(boundaries) != {"closed"}:
        raise MeasureError(
            f"the published error needs a closed box, got boundaries {', '.join(boundaries) or 'unknown'}; "
            "use phigen.measure"
        )
    names = next((names for names in (FACES, ("velocity",)) if all(name in dataset for name in names)), None)
    if names is None:
        raise MeasureError(
            f"the dataset has neither faces nor velocity, got {', '.join(map(str, dataset)) or 'nothing'}; "
            "build it with store: [velocity]"
        )
    refuse_part_of_box(dataset[list(names)])
    absent = sorted(set(FRAMES) - set(dataset["time"].values.tolist()))
    if absent:
        raise MeasureError(
            f"the published error needs frames {FRAMES[0]} to {FRAMES[-1]}, frame {absent[0]} is missing; "
            "keep them all, or use phigen.measure"
        )
    return dataset[list(names)].sel(time=list(FRAMES))


def _lower_faces(run: xr.Dataset) -> NDArray[np.float64]:
    """Return the first N faces of each component of one run: (time, component, N, N), component 0 along x."""
    return lower_faces(faces_of(run)).astype(np.float64)
