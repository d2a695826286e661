"""The rounding floor: the error that the solver's rounding alone would have made.

One orbit is simulated in the lab's reference frame, each run in its own position, with no symmetry broken on purpose.
In exact arithmetic its runs would agree, so they differ by rounding alone.  The flow is chaotic and makes rounding
grow, faster in stronger plumes.  The orbit is therefore that of the dataset's strongest run, at that run's strength.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.measurement.data_error import measure
from phigen.measurement.in_memory_runs import rehearse, simulator
from phigen.planning.plans import plan
from phigen.recipe.model import Recipe
from phigen.recipe.scene import Vary
from phigen.recipe.splits import Splits
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.store.layout import recipe_of
from phigen.symmetry.fields import STORED_AS

if TYPE_CHECKING:
    import xarray as xr


def rounding_floor(dataset: xr.Dataset) -> xr.Dataset:
    """Measure how far rounding alone breaks a dataset's symmetry, over time.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`.  Its recipe is simulated; the frames and fields that it holds are measured.

    Returns
    -------
    Dataset
        As `phigen.measure` returns it, with one level, 0: the scene of the dataset's strongest run, unbroken and at
        that strength, in the lab's reference frame.

    Raises
    ------
    MeasureError
        If the dataset has no recipe, or an element of its group makes another flow, as walls and other grids do.
        Rounding cannot be told apart from that.
    """
    import xarray as xr

    if "recipe" not in dataset.attrs:
        name = dataset.attrs.get("name", "the dataset")
        raise MeasureError(
            f"{name}: has no rounding floor, its attributes hold no recipe to simulate; build a dataset from a recipe"
        )
    recipe = recipe_of(dataset.attrs)
    _refuse_other_flows(recipe)
    planned = plan(_unbroken(recipe, *_strongest(dataset)))
    names = [part for parts in STORED_AS.values() for part in parts if part in dataset]
    simulated = simulator(planned, names)
    (first, *others), time = planned.runs, dataset["time"].values
    pairs = ((first, other) for other in others)
    errors = [measure(rehearse(planned, pair, simulated).sel(time=time)) for pair in pairs]
    return xr.concat(errors, "element", join="outer") if errors else measure(dataset)


def _strongest(dataset: xr.Dataset) -> tuple[int, float]:
    """Return the orbit of the strongest run that has a run to compare with, and its strength in the orbit's units."""
    orbits, sizes = np.unique(dataset["orbit"].values, return_counts=True)
    levels = len(np.unique(dataset["level"].values))
    compared = np.isin(dataset["orbit"].values, orbits[sizes > levels])
    units = dataset["dt"].values / dataset["dx"].values if "dx" in dataset.coords else 1.0
    own = dataset["strength"].values * units
    strongest = int(np.argmax(np.where(compared, own, -1.0)))
    return int(dataset["orbit"].values[strongest]), float(own[strongest])


def _refuse_other_flows(recipe: Recipe) -> None:
    for g in recipe.symmetry.orbit[1:]:
        stays = bool(recipe.scene.regions) and recipe.symmetry.regions == "stay"
        if stays or g.loss == "interpolation" or g.parts(recipe.grid.box).before != g.identity:
            raise MeasureError(
                f"{recipe.name}: has no rounding floor, {g.name} makes another flow; it exists for rotations, "
                "reflections, shifts by whole cells in a periodic box, and rescaled cells"
            )


def _unbroken(recipe: Recipe, orbit: int, strength: float) -> Recipe:
    """Return a recipe of one orbit in the lab's reference frame, with one strength and no breaking."""
    scene = recipe.orbits[orbit].scene
    buoyancy = scene.buoyancy.model_copy(update={"strength": strength})
    plain = {"reference_frame": "lab", "breaking": Breaking(), "target_error": None, "tolerance": Symmetry().tolerance}
    changes = {
        "scene": scene.model_copy(update={"buoyancy": buoyancy}),
        "vary": Vary(),
        "sample": None,
        "splits": Splits(),
        "symmetry": recipe.symmetry.model_copy(update=plain),
    }
    return recipe.model_copy(update=changes)
