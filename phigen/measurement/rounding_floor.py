"""The floor: how much of a dataset's error the solver's own rounding would have made.

One orbit is simulated in the lab's frame, each run where it stands, with nothing broken on purpose.  In exact
arithmetic its runs would agree; what they differ by is rounding, which the flow's chaos makes grow, and the faster
the stronger the plume: so it is the orbit of the dataset's strongest run, and all of it is as strong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.measurement.data_error import measure
from phigen.measurement.in_memory_runs import rehearse, simulator
from phigen.planning.plans import plan
from phigen.recipe.loading import parse
from phigen.recipe.model import Recipe
from phigen.recipe.scene import Vary
from phigen.recipe.scenes import scenes_of
from phigen.recipe.splits import Splits
from phigen.recipe.symmetry import Breaking, Symmetry
from phigen.symmetry.fields import STORED_AS

if TYPE_CHECKING:
    import xarray as xr


def rounding_floor(dataset: xr.Dataset) -> xr.Dataset:
    """Measure the numerical breaking of a dataset's symmetry, over time.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`: its recipe says what is simulated, its frames and fields what is measured.

    Returns
    -------
    Dataset
        As `phigen.measure` gives it, with one level, 0: the scene of the dataset's strongest run, unbroken and at that
        strength, in the lab's frame.

    Raises
    ------
    MeasureError
        If the dataset has no recipe, or its group no other frame to simulate in: walls or another grid make other
        flows of a scene's copies, and rounding cannot be told from that.
    """
    import xarray as xr

    if "recipe" not in dataset.attrs:
        name = dataset.attrs.get("name", "the dataset")
        raise MeasureError(f"{name} has no floor: there is no recipe in it to simulate; build one like it")
    recipe = parse(dataset.attrs["recipe"], dataset.attrs["name"])
    _refuse_other_flows(recipe)
    planned = plan(_unbroken(recipe, *_strongest(dataset)))
    names = [part for parts in STORED_AS.values() for part in parts if part in dataset]
    simulated = simulator(planned, names)
    (first, *others), time = planned.runs, dataset["time"].values
    pairs = ((first, other) for other in others)
    errors = [measure(rehearse(planned, pair, simulated).sel(time=time)) for pair in pairs]
    return xr.concat(errors, "element", join="outer") if errors else measure(dataset)


def _strongest(dataset: xr.Dataset) -> tuple[int, float]:
    """Give the orbit of the strongest run that has another to compare with, and its strength in the orbit's units."""
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
                f"{recipe.name} has no floor: {g.name} makes another flow, not the same one elsewhere; "
                "it is there for turns, mirrors, whole shifts of a periodic box and rescaled cells"
            )


def _unbroken(recipe: Recipe, orbit: int, strength: float) -> Recipe:
    """Give a recipe of one orbit in the lab's frame, all of it of one strength."""
    scene = scenes_of(recipe.scene, recipe.vary, recipe.sample, recipe.grid)[orbit]
    buoyancy = scene.buoyancy.model_copy(update={"strength": strength})
    plain = {"frame": "lab", "breaking": Breaking(), "target_error": None, "tolerance": Symmetry().tolerance}
    changes = {
        "scene": scene.model_copy(update={"buoyancy": buoyancy}),
        "vary": Vary(),
        "sample": None,
        "splits": Splits(),
        "symmetry": recipe.symmetry.model_copy(update=plain),
    }
    return recipe.model_copy(update=changes)
