"""What a measurement says, as the plain rows that a table or JSON has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def rows_by_level(errors: xr.Dataset) -> list[dict[str, Any]]:
    """Give one row per level and variable, with the errors by element inside; `errors` is from `summarize`."""
    rows = []
    for level in errors["level"].values.tolist():
        for variable in errors["variable"].values.tolist():
            here = errors.sel(level=level, variable=variable)
            totals = {name: _finite(float(here[name])) for name in ("mae", "l2", "relative")}
            by_element = dict(zip(here["element"].values.tolist(), here["mae_by_element"].values.tolist(), strict=True))
            rows.append({"level": level, "variable": variable, **totals, "mae_by_element": by_element})
    return rows


def rows_over_time(errors: xr.Dataset) -> list[dict[str, Any]]:
    """Give one row per frame and variable: the mean over elements of each level's error; from `measure`."""
    curves = errors["mae"].mean("element")
    return [
        {"variable": variable, "frame": frame}
        | {f"level {level:g}": float(curves.sel(level=level, variable=variable, time=frame)) for level in levels}
        for levels in [errors["level"].values.tolist()]
        for variable in errors["variable"].values.tolist()
        for frame in errors["time"].values.tolist()
    ]


def _finite(number: float) -> float | None:
    """Give a number that JSON can hold, or None."""
    return number if math.isfinite(number) else None
