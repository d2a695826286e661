"""What a build measures of every run while its fields are in memory, in the store's group `measured`.

    xr.open_zarr("datasets/rotation_eq10.zarr", group="measured")

holds for each run, variable and frame the means that the data equivariance error is made of, as
`phigen.measurement.data_error` defines them, NaN for the first run of an orbit; and the moments of each training run,
from which the statistics of the fields are made (`phigen.store.statistics`), NaN for other runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from phigen.symmetry.fields import FIELDS, SIMULATED, STORED_AS, StoreName

GROUP = "measured"

ERRORS = ("mae", "square", "magnitude", "resampling")

MOMENTS = "moments"

KINDS = ("values", "delta")
"""Moments are those of values, and of their differences from one frame to the next."""

OF_EACH = ("count", "mean", "m2")
"""Number of values, their mean, and the sum of their squared deviations from it."""


SIZES = {"kind": len(KINDS), "moment": len(OF_EACH)}
"""Of the dims that have no coordinate."""


class Array(NamedTuple):
    """An array with one row for each run: its dims after `run`, dtype and attributes."""

    dims: tuple[str, ...]
    dtype: str
    attributes: dict[str, str]


_LONG_NAMES = {
    "mae": "mean absolute difference from the first run of the orbit, in its reference frame",
    "square": "mean squared difference from the first run of the orbit, in its reference frame",
    "magnitude": "mean absolute value of the first run of the orbit",
    "resampling": "mean absolute error of mapping the first run by the element and back",
    MOMENTS: f"moments of the frames for training: {' and '.join(KINDS)}, for each {', '.join(OF_EACH)}",
}


def variables(fields: Iterable[str]) -> list[StoreName]:
    """Return the names under which errors of these fields are measured."""
    there = set(fields)
    return [name for name, parts in STORED_AS.items() if there.issuperset(parts)]


def channels(fields: Iterable[str]) -> list[tuple[str, int]]:
    """Return the fields that have moments, each with every place along its dim `component`, or 0 if it has none."""
    there = set(fields)
    named = (name for name in SIMULATED if name in there)
    return [(name, place) for name in named for place in range(1 + ("component" in FIELDS[name].dims))]


def coordinates(fields: Iterable[str]) -> dict[str, list[str]]:
    """Return the names along each dim of the group's own."""
    fields = list(fields)
    named = [f"{name} {'xy'[place]}" if "component" in FIELDS[name].dims else name for name, place in channels(fields)]
    return {"variable": [*variables(fields)], "channel": named}


def arrays(*, errors: bool) -> dict[str, Array]:
    """Return the arrays of the group, those of errors only where a build measures them."""
    of_errors = dict.fromkeys(ERRORS, ("variable", "time")) if errors else {}
    dims = {**of_errors, MOMENTS: ("channel", "kind", "moment")}
    return {name: Array(own, "float64", {"long_name": _LONG_NAMES[name]}) for name, own in dims.items()}
