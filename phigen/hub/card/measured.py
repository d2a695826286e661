"""Sections of a card with what was measured: errors, statistics and the solver's health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from phigen.hub.card.markdown import plain, table
from phigen.measurement.tables import rows_by_level

if TYPE_CHECKING:
    import xarray as xr

NORMS = """\
How far the runs of an orbit are from its first one `u`, each run `u_g` taken back by the group element `g` that made
it, with angle brackets for the mean over cells, components, {frames}, elements and orbits:

- mean absolute: `<|u - g⁻¹ u_g|>`
- l2: the square root of `<|u - g⁻¹ u_g|²>`
- relative: `<|u - g⁻¹ u_g|> / <|u|>`

0 means that every bit agrees. Units are those of the variable."""

RESAMPLING = "Resampling is `<|u - g⁻¹ g u|>`: what of the mean absolute error is interpolation."

FLOOR = """\
The floor is what rounding alone would have made: the mean absolute error of the strongest scene, unbroken, with each
of its runs simulated where it stands. It is a guide and no bound, for the flow is chaotic.

![Each level's error over time, and the floor's](floor.png)"""


def symmetry(facts: Mapping[str, Any], errors: xr.Dataset | None, floor: xr.Dataset | str) -> str:
    """Give the table of measured equivariance errors, with the norms and frames that they are of."""
    if errors is None:
        return "There is one run in each orbit: nothing to compare, and no error to measure."
    frames = "frames {} to {}".format(*facts["frames"])
    rows = rows_by_level(errors, None if isinstance(floor, str) else floor)
    columns = {"level": "level", "variable": "variable", "mae": "mean absolute", "l2": "l2", "relative": "relative"}
    interpolated = any(row["resampling"] for row in rows)
    columns |= {"resampling": "resampling"} if interpolated else {}
    columns |= {} if isinstance(floor, str) else {"rounding_floor": "rounding floor"}
    told = [
        NORMS.format(frames=frames),
        *([RESAMPLING] if interpolated else []),
        table(list(columns.values()), ([row[key] for key in columns] for row in rows)),
        *([_CALIBRATED] if facts["calibration"] else []),
        plain(floor) if isinstance(floor, str) else FLOOR,
    ]
    return "\n\n".join(told)


_CALIBRATED = "A level is the error that was asked for; the coordinate `breaking` says what it needed."


def statistics(facts: Mapping[str, Any]) -> str:
    """Give mean, spread and size of each variable and component."""
    rows = []
    for variable in facts["variables"]:
        if variable["mean"] is None:
            continue
        values = {name: variable[name] for name in ("mean", "std", "rms")}
        several = isinstance(variable["mean"], list)
        for i in range(len(variable["mean"]) if several else 1):
            of_component = [value[i] if several else value for value in values.values()]
            rows.append((f"`{variable['name']}`", "xy"[i] if several else "", *of_component))
    if not rows:
        return "None are stored: no run is for training, or the dataset came without them."
    return (
        f"{table(('variable', 'component', 'mean', 'std', 'rms'), rows)}\n\nOf the training runs' frames for training, "
        "over all cells. They are attributes of the variables, and so are `mean_delta`, `std_delta` and `rms_delta` of "
        "what changes from one frame to the next."
    )


def health(facts: Mapping[str, Any]) -> str:
    """Give the largest divergence and Courant number of all steps."""
    worst = {name: facts[f"largest_{name}"] for name in ("divergence", "courant")}
    if None in worst.values():
        return "Not known: the dataset came without it."
    return (
        f"The largest absolute divergence of any step is {worst['divergence']:.2g} per step, and the largest "
        f"Courant number {worst['courant']:.3g}. `divergence` and `courant` have both for each run and frame."
    )
