"""What a measurement says, as the plain rows that a table or JSON has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def rows_by_level(errors: xr.Dataset, floor: xr.Dataset | None = None) -> list[dict[str, Any]]:
    """Give one row per level and variable, with the errors by element inside.

    Parameters
    ----------
    errors : Dataset
        From `summarize`.
    floor : Dataset, optional
        From `summarize` of `floor`: what rounding would have made, beside each.
    """
    rows = []
    for level in errors["level"].values.tolist():
        for variable in errors["variable"].values.tolist():
            here = errors.sel(level=level, variable=variable)
            totals = {name: _finite(float(here[name])) for name in ("mae", "l2", "relative", "resampling")}
            if floor is not None:
                totals["rounding_floor"] = float(floor["mae"].sel(variable=variable).item())
            by_element = dict(zip(here["element"].values.tolist(), here["mae_by_element"].values.tolist(), strict=True))
            rows.append({"level": level, "variable": variable, **totals, "mae_by_element": by_element})
    return rows


def rows_over_time(errors: xr.Dataset, floor: xr.Dataset | None = None) -> list[dict[str, Any]]:
    """Give one row per frame and variable: the mean over elements of each level's error, and of the floor's.

    Parameters
    ----------
    errors : Dataset
        From `measure`.
    floor : Dataset, optional
        From `floor`, of the same frames.
    """
    curves = {f"level {level:g}": errors["mae"].sel(level=level).mean("element") for level in errors["level"].values}
    if floor is not None:
        curves["rounding_floor"] = floor["mae"].isel(level=0).mean("element")
    return [
        {"variable": variable, "frame": frame}
        | {name: _finite(float(curve.sel(variable=variable, time=frame))) for name, curve in curves.items()}
        for variable in errors["variable"].values.tolist()
        for frame in errors["time"].values.tolist()
    ]


def rows_by_element(errors: xr.Dataset) -> list[dict[str, Any]]:
    """Give one row per level and element, with the error of each variable; `errors` is from `summarize`."""
    table = errors["mae_by_element"]
    return [
        {"level": level, "element": element}
        | {name: float(table.sel(level=level, element=element, variable=name)) for name in table["variable"].values}
        for level in table["level"].values.tolist()
        for element in table["element"].values.tolist()
    ]


def _finite(number: float) -> float | None:
    """Give a number that JSON can hold, or None."""
    return number if math.isfinite(number) else None
