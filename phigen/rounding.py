"""The floor: how much of a dataset's error the solver's own rounding would have made.

One orbit is simulated in the lab's frame, each run where it stands, with nothing broken on purpose.  In exact
arithmetic its runs would agree; what they differ by is rounding, which the flow's chaos makes grow, and the faster
the stronger the plume: so it is the orbit of the strongest scene.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phigen.breaking import Breaking
from phigen.errors import MeasureError
from phigen.measurement import FIELDS, measure
from phigen.planning import plan
from phigen.reading import parse
from phigen.recipe import Recipe
from phigen.rehearsal import rehearse, simulator
from phigen.scaling import Scale
from phigen.scene import Vary
from phigen.scenes import scenes_of
from phigen.splits import Splits
from phigen.translation import Shift

if TYPE_CHECKING:
    import xarray as xr


def floor(dataset: xr.Dataset) -> xr.Dataset:
    """Measure the numerical breaking of a dataset's symmetry, over time.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`: its recipe says what is simulated, its frames and fields what is measured.

    Returns
    -------
    Dataset
        As `phigen.measure` gives it, with one level, 0: the dataset's strongest scene, unbroken, in the lab's frame.

    Raises
    ------
    MeasureError
        If the group has no other frame to simulate in: walls or another grid make other flows of a scene's copies,
        and rounding cannot be told from that.
    """
    recipe = _unbroken(parse(dataset.attrs["recipe"], dataset.attrs["name"]))
    planned = plan(recipe)
    names = [part for parts in FIELDS.values() for part in parts if part in dataset]
    fields = rehearse(planned, 0, simulator(planned, names))
    return measure(fields.sel(time=dataset["time"].values))


def _unbroken(recipe: Recipe) -> Recipe:
    """Give a recipe of one orbit in the lab's frame, alike in every element."""
    symmetry = recipe.symmetry
    for g in symmetry.orbit[1:]:
        walled = isinstance(g, Shift) and not (g.is_whole and g.along(recipe.grid.periodic) == g)
        stays = bool(recipe.scene.regions) and symmetry.regions == "stay"
        if walled or stays or (isinstance(g, Scale) and g.reading == "resampled"):
            raise MeasureError(
                f"{recipe.name} has no floor: {g.name} makes another flow, not the same one elsewhere; "
                "it is there for turns, mirrors, whole shifts of a periodic box and rescaled cells"
            )
    scenes = scenes_of(recipe.scene, recipe.vary, recipe.sample, recipe.grid)
    scene = max(scenes, key=lambda scene: scene.buoyancy.strength)
    unbroken = symmetry.model_copy(update={"frame": "lab", "breaking": Breaking(), "target_error": None})
    changes = {"scene": scene, "vary": Vary(), "sample": None, "splits": Splits(), "symmetry": unbroken}
    return recipe.model_copy(update=changes)
