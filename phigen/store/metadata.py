"""A dataset's coordinates and attributes: names, units and conventions, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.planning.plans import Calibration
from phigen.simulation import instruction_set
from phigen.symmetry.fields import coordinates

if TYPE_CHECKING:
    import xarray as xr

    from phigen.planning.plans import Plan
    from phigen.symmetry.element import GroupElement

CONVENTIONS = (
    "Cells have size 1; x points right, y up, row 0 is the bottom; components are (x, y); rotations are "
    "counter-clockwise about the centre of the box; frame k is the state that step k leaves, from 0."
)
_PACKAGES = ("phigen", "phiflow", "phiml", "jax", "jaxlib", "numpy", "scipy", "xarray", "zarr", "numcodecs")


_COORDINATES = {
    "time": {"units": "step", "long_name": "frame k is the state that step k leaves; steps count from 0"},
    "x": {"units": "cell", "long_name": "cell centres, to the right", "axis": "X"},
    "y": {"units": "cell", "long_name": "cell centres, up: row 0 is the bottom", "axis": "Y"},
    "x_face": {"units": "cell", "long_name": "faces between cells along x"},
    "y_face": {"units": "cell", "long_name": "faces between cells along y"},
    "component": {"long_name": "component of a vector"},
    "level": {"units": "1", "long_name": "level of symmetry breaking, or target error; 0 is exactly symmetric"},
    "orbit": {"long_name": "number of the scene that the run is made from"},
    "element": {
        "long_name": "group element that maps the orbit's first scene to this one; rotations are counter-clockwise"
    },
    "strength": {"units": "cell step-2", "long_name": "buoyancy strength before the schedule"},
    "breaking": {"units": "1", "long_name": "factor on the recipe's offsets, gains and schedules"},
    "split": {"long_name": "train, validation or test"},
    "shift_x": {"units": "cell", "long_name": "translation along x"},
    "shift_y": {"units": "cell", "long_name": "translation along y"},
    "dx": {"units": "1", "long_name": "cell size, relative to the orbit's first run"},
    "dt": {"units": "1", "long_name": "time step, relative to the orbit's first run"},
    "region_left": {"units": "cell", "long_name": "left edge of the region"},
    "region_right": {"units": "cell", "long_name": "right edge of the region"},
    "region_bottom": {"units": "cell", "long_name": "lower edge of the region"},
    "region_top": {"units": "cell", "long_name": "upper edge of the region"},
    "inflow_x": {"units": "cell", "long_name": "centre of the inflow along x"},
    "inflow_y": {"units": "cell", "long_name": "centre of the inflow along y"},
    "inflow_radius": {"units": "cell", "long_name": "radius of the inflow"},
    "inflow_rate": {"units": "step-1", "long_name": "smoke density that the inflow adds per step"},
}


def versions() -> dict[str, str]:
    """Return the version of everything that the bytes of a dataset depend on."""
    return {package: version(package) for package in _PACKAGES}


def index_of(plan: Plan) -> xr.Dataset:
    """Return what is known of a dataset before anything is simulated: its coordinates and attributes."""
    recipe, columns = plan.recipe, dict[str, Any]()
    several = len(recipe.scene.inflows) > 1
    for key, values in plan.columns.items():
        if key.startswith("region_"):
            columns[key] = ("run", "region"), values
        elif key.startswith("inflow_"):
            columns[key] = (("run", "inflow"), values) if several else values[:, 0]
        elif key not in NOT_STORED:
            columns[key] = values
    index = index_of_runs(columns, cells=recipe.grid.shape, frames=recipe.time.kept, attributes=_attributes(plan))
    return index if "faces" in recipe.store else index.drop_vars(["x_face", "y_face"])


def index_of_runs(
    columns: Mapping[str, Any], *, cells: tuple[int, int], frames: range, attributes: Mapping[str, Any]
) -> xr.Dataset:
    """Return the coordinates of a dataset, with the units and long names that the data model knows, and its attributes.

    Parameters
    ----------
    columns : mapping of str to sequence or tuple
        Coordinates of `run`: one value per run, or dims and values.
    cells : (int, int)
        Along x and y.
    frames : range
        Steps.
    attributes : mapping
        Of the dataset.
    """
    import xarray as xr

    own = {key: values if isinstance(values, tuple) else ("run", _column(values)) for key, values in columns.items()}
    index = xr.Dataset(coords=coordinates(cells, frames) | own, attrs=dict(attributes))
    for name, described in _COORDINATES.items():
        if name in index.coords:
            index[name].attrs.update(described)
    return index


NOT_STORED = ("simulations", "reference")
"""Columns of a plan that are no coordinates."""

PER_RUN = ("level", "breaking", "orbit", "element", "strength", "split")


def group_columns(elements: Sequence[GroupElement]) -> dict[str, list[float]]:
    """Return the coordinates of runs that say more of their elements than the names."""
    return {key: [g.coordinates[key] for g in elements] for key in elements[0].coordinates}


def _column(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=object if isinstance(values[0], str) else None)


def _attributes(plan: Plan) -> dict[str, Any]:
    recipe = plan.recipe
    return {
        "Conventions": "CF-1.11",
        "title": f"{recipe.name} {recipe.version}",
        "name": recipe.name,
        "version": recipe.version,
        "description": recipe.description,
        "license": recipe.license,
        "references": list(recipe.references),
        "runs": len(plan.runs),
        "distinct_simulations": len(plan.distinct),
        "group": recipe.symmetry.group,
        "elements": [g.name for g in recipe.symmetry.orbit],
        "reference_frame": recipe.symmetry.reference_frame,
        "cells": list(recipe.grid.shape),
        "boundaries": [side for axis in recipe.grid.boundaries for side in axis],
        "dt_smoke": recipe.time.dt_smoke,
        "dt_velocity": recipe.time.dt_velocity,
        "recipe": recipe.text,
        "recipe_sha256": recipe.digest,
        "versions": versions(),
        "instruction_set": instruction_set.provenance(),
        **recipe.symmetry.of_group.attributes(recipe.symmetry.chosen),
        **_of_calibration(plan),
        **{f"frames_{split}": list(ends) for split, ends in plan.split_frames.items()},
        "comment": CONVENTIONS,
    }


def _of_calibration(plan: Plan) -> dict[str, Any]:
    """Return what a calibrated dataset's levels need, so that a build that continues need not calibrate again."""
    return {} if plan.calibration is None else {"calibration": asdict(plan.calibration)}


def calibration_of(attributes: Mapping[str, Any]) -> Calibration | None:
    """Return the calibration that a dataset's attributes hold; None if they hold none."""
    held = attributes.get("calibration")
    if held is None:
        return None
    targets, breaking, errors = (tuple(held[key]) for key in ("targets", "breaking", "errors"))
    return Calibration(targets, breaking, errors, tuple((tried, error) for tried, error in held["curve"]))
