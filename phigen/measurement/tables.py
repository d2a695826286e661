"""Measurements as plain rows, for tables and JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def rows_by_level(errors: xr.Dataset, rounding_floor: xr.Dataset | None = None) -> list[dict[str, Any]]:
    """Return one row per level and variable, with the errors by element inside.

    Parameters
    ----------
    errors : Dataset
        From `summarize`.
    rounding_floor : Dataset, optional
        From `summarize` of `rounding_floor`: a column of its own.
    """
    rows = []
    for level in errors["level"].values.tolist():
        for variable in errors["variable"].values.tolist():
            here = errors.sel(level=level, variable=variable)
            totals = {name: _finite(float(here[name])) for name in ("mae", "l2", "relative", "resampling")}
            if rounding_floor is not None:
                totals["rounding_floor"] = float(rounding_floor["mae"].sel(variable=variable).item())
            by_element = dict(zip(here["element"].values.tolist(), here["mae_by_element"].values.tolist(), strict=True))
            rows.append({"level": level, "variable": variable, **totals, "mae_by_element": by_element})
    return rows


def rows_over_time(errors: xr.Dataset, rounding_floor: xr.Dataset | None = None) -> list[dict[str, Any]]:
    """Return one row per frame and variable: the mean over elements of each level's mae, and of the rounding floor.

    Parameters
    ----------
    errors : Dataset
        From `measure`.
    rounding_floor : Dataset, optional
        From `rounding_floor`, of the same frames.
    """
    curves = {f"level {level:g}": errors["mae"].sel(level=level).mean("element") for level in errors["level"].values}
    if rounding_floor is not None:
        curves["rounding_floor"] = rounding_floor["mae"].isel(level=0).mean("element")
    return [
        {"variable": variable, "frame": frame}
        | {name: _finite(float(curve.sel(variable=variable, time=frame))) for name, curve in curves.items()}
        for variable in errors["variable"].values.tolist()
        for frame in errors["time"].values.tolist()
    ]


def rows_by_element(errors: xr.Dataset) -> list[dict[str, Any]]:
    """Return one row per level and element, with the mae of each variable; `errors` is from `summarize`."""
    table = errors["mae_by_element"]
    return [
        {"level": level, "element": element}
        | {name: float(table.sel(level=level, element=element, variable=name)) for name in table["variable"].values}
        for level in table["level"].values.tolist()
        for element in table["element"].values.tolist()
    ]


def _finite(number: float) -> float | None:
    """Return the number, or None for an infinity or NaN, which JSON cannot hold."""
    return number if math.isfinite(number) else None
