"""Export to the layout of the published sets of Wang et al. (2022): one torch tensor per run, as their scripts load it.

    equivariance_test/E_{level}/raw_data_{j}.pt      one orbit per level: the j-th element of the group
    Rotation/raw_data_{k}_{j}.pt                     one level, several orbits: the k-th run, counted from 1
    Translation/raw_data_{x}_{y}.pt                  shifts: the position of the inflow
    Scale/raw_data_{i}.pt                            scalings: the i-th run, counted from 0

A tensor is (frames, 2, y, x), float32, in cells per step: the lower N of the N + 1 faces of each component.  Faces of
the graded sets are cropped in the orbit's reference frame and then rotated as arrays, as the authors did.  Cropped as
they stand, exactly symmetric runs would seem to differ by 7 to 13 %.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import FormatError
from phigen.formats.wang2022 import tensors
from phigen.progress import Progress
from phigen.simulation.staggered import faces_of, lower_faces
from phigen.symmetry.element import Box
from phigen.symmetry.fields import FACES
from phigen.symmetry.groups import element_named

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

_GRADED = "equivariance_test"


def write(dataset: xr.Dataset, path: Path, progress: Progress) -> None:
    """Write a dataset in the layout of the published sets.

    Parameters
    ----------
    dataset : Dataset
        With velocity_x and velocity_y, or with the centred velocity of a closed box, from which faces are recovered.
    path : Path
        A new folder.
    progress : callable
        Called with ``exporting``, the number of runs written, and the number of runs.

    Raises
    ------
    FormatError
        If the layout cannot hold the runs, their faces are not known, or torch is not installed.
    """
    _refuse_unknown_faces(dataset)
    names = _names(dataset)
    tensors.need_torch()
    for run, name in enumerate(names):
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        tensors.save(_stored(dataset, run, is_graded=name.startswith(_GRADED)), file)
        progress("exporting", run + 1, len(names))


def _stored(dataset: xr.Dataset, run: int, *, is_graded: bool) -> NDArray[np.float32]:
    """Return the lower faces of one run, (time, component, y, x).

    Faces are recovered in the orbit's reference frame where mapping there is exact, so that exactly symmetric runs
    remain so.
    """
    import xarray as xr

    names = [*FACES] if _has_faces(dataset) else ["velocity"]
    fields = dataset[names].isel(run=run).load().transpose("time", ...)
    g = element_named(str(dataset["element"].values[run]), dataset.attrs).parts(Box.of(dataset.attrs)).after
    if g.loss != "none":
        g = g.identity
    faces = faces_of(g.inverse.act(fields))
    if not is_graded:
        return lower_faces(g.act(faces))
    cropped = xr.Dataset({"velocity": (("time", "component", "y", "x"), lower_faces(faces))})
    return g.act(cropped)["velocity"].values


def _has_faces(dataset: xr.Dataset) -> bool:
    return all(name in dataset for name in FACES)


def _refuse_unknown_faces(dataset: xr.Dataset) -> None:
    boundaries = dataset.attrs.get("boundaries", ())
    if not _has_faces(dataset) and ("velocity" not in dataset or set(boundaries) != {"closed"}):
        raise FormatError(
            "wang2022: holds velocities on faces, which can be recovered only in a closed box, got boundaries "
            f"{', '.join(boundaries) or 'unknown'} and {', '.join(map(str, dataset)) or 'no field'}; "
            "build it with store: [faces]"
        )
    for dim, cells in zip(("x", "y"), dataset.attrs.get("cells", ()), strict=False):
        if dataset.sizes.get(dim, cells) != cells:
            raise FormatError(
                f"the fields do not cover the whole box, got {dataset.sizes[dim]} of {cells} cells along {dim}; "
                "export before selecting cells"
            )


def _names(dataset: xr.Dataset) -> list[str]:
    """Return the name of each run's file."""
    group, runs = dataset.attrs.get("group", "C1"), range(dataset.sizes["run"])
    levels, orbits = (np.unique(dataset[name].values) for name in ("level", "orbit"))
    numbers = [_elements(dataset).index(name) for name in dataset["element"].values.tolist()]
    if group == "translation":
        x, y = (dataset[name].values.reshape(len(runs), -1)[:, 0] for name in ("inflow_x", "inflow_y"))
        names = [f"Translation/raw_data_{x[run]:g}_{y[run]:g}.pt" for run in runs]
    elif group == "scaling":
        names = [f"Scale/raw_data_{run}.pt" for run in runs]
    elif len(orbits) == 1:
        level_numbers = _level_numbers(levels.tolist())
        own = dataset["level"].values.tolist()
        names = [f"{_GRADED}/E_{level_numbers[own[run]]}/raw_data_{numbers[run]}.pt" for run in runs]
    else:
        names = [f"Rotation/raw_data_{run + 1}_{numbers[run]}.pt" for run in runs]
    if len(set(names)) < len(names) or (len(levels) > 1 and len(orbits) > 1):
        raise FormatError(
            f"wang2022: holds several levels or several orbits, got {len(names)} runs in {len(levels)} levels and "
            f"{len(orbits)} orbits, group {group}; select one level, or one orbit of each"
        )
    return names


def _elements(dataset: xr.Dataset) -> list[str]:
    """Return the elements in the group's order, or in that of the runs if the attributes do not list them."""
    listed = dataset.attrs.get("elements")
    return list(dict.fromkeys(dataset["element"].values.tolist() if listed is None else listed))


def _level_numbers(levels: list[float]) -> dict[float, int]:
    """Return a whole number for each level: the level itself if all are whole, or else its position."""
    if all(level == int(level) for level in levels):
        return {level: int(level) for level in levels}
    return {level: position for position, level in enumerate(levels)}
