"""Coordinates and attributes of an imported set."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from phigen.formats.wang2022.archives import Member
from phigen.formats.wang2022.orientation import Orientation
from phigen.formats.wang2022.published_sets import CELLS, RADIUS, RATE, Original, Published
from phigen.store.fingerprints import fingerprint
from phigen.store.metadata import CONVENTIONS, group_columns, index_of_runs

if TYPE_CHECKING:
    import xarray as xr

_COMMENT = (
    "Imported: the files hold the lower 64 of 65 faces, the walls were added with zero velocity, and velocity is the "
    "mean of faces.  Files whose velocity points against the motion of their plume, data_1 and data_3 as published, "
    "have its sign corrected.  Strengths, inflows, time steps and frame numbers are those that were published; the "
    "files do not hold them."
)
_REFERENCE = (
    "Wang, Walters and Yu, Approximately Equivariant Networks for Imperfectly Symmetric Dynamics, ICML 2022, "
    "arXiv:2201.11969"
)
_PACKAGES = ("phigen", "torch", "numpy", "xarray", "zarr", "numcodecs")

Runs = Mapping[tuple[int, ...], tuple[Member, Original, Orientation]]
"""By the numbers in a file's name, in the order of the dataset."""


def index_of(published: Published, runs: Runs, frames: int) -> xr.Dataset:
    """Return the coordinates and attributes of a set."""
    originals = [original for _, original, _ in runs.values()]
    columns = {
        "level": [original.level for original in originals],
        "breaking": [original.level for original in originals],
        "orbit": [original.orbit for original in originals],
        "element": [original.element.name for original in originals],
        "strength": [original.strength for original in originals],
        "split": [original.split for original in originals],
        "inflow_x": [original.inflow[0] for original in originals],
        "inflow_y": [original.inflow[1] for original in originals],
        "inflow_radius": [RADIUS] * len(originals),
        "inflow_rate": [RATE] * len(originals),
        "file": [file.name for file, _, _ in runs.values()],
    }
    index = index_of_runs(
        columns | group_columns([original.element for original in originals]),
        cells=(CELLS, CELLS),
        frames=range(published.first_frame, published.first_frame + frames),
        attributes=_attributes(published, runs),
    )
    index["file"].attrs["long_name"] = "file that the run was imported from"
    return index


def _attributes(published: Published, runs: Runs) -> dict[str, Any]:
    sources = {file.file: file.name if file.packed is None else file.file.name for file, _, _ in runs.values()}
    elements = dict.fromkeys(original.element.name for _, original, _ in runs.values())
    scaling = {"scaling_method": "resampled", "time_exponent": 0.0} if published.group == "scaling" else {}
    return {
        "Conventions": "CF-1.11",
        "title": f"{published.name} 1.0.0",
        "name": published.name,
        "version": "1.0.0",
        "description": published.description,
        "license": "unknown",
        "references": [_REFERENCE],
        "runs": len(runs),
        "group": published.group,
        "elements": list(elements),
        "reference_frame": published.reference_frame,
        "cells": [CELLS, CELLS],
        "boundaries": ["closed"] * 4,
        "dt_smoke": 1.0,
        "dt_velocity": published.dt_velocity,
        "source": [{"file": name, "sha256": fingerprint(file)[1]} for file, name in sources.items()],
        "versions": {package: version(package) for package in _PACKAGES},
        **scaling,
        "comment": f"{CONVENTIONS}  {_COMMENT}",
    }
