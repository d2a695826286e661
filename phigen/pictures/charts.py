"""Charts of numbers: the error over the breaking that makes it, and over time beside the rounding floor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.pictures.files import drawn
from phigen.pictures.preview import dress
from phigen.planning.plans import Calibration

if TYPE_CHECKING:
    import xarray as xr


def draw_calibration(calibration: Calibration, title: str, path: Path) -> None:
    """Draw the error of every breaking that was tried, and mark each target error on the curve.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    ax = figure.subplots()
    tried, errors = np.array(calibration.curve).T
    ax.plot(tried, errors, ".-", color="0.6", label="measured")
    ax.hlines(calibration.targets, 0, calibration.breaking, color="tab:blue", lw=0.6)
    ax.plot(calibration.breaking, calibration.errors, "o", color="tab:blue", label="chosen for the targets")
    shown = max(calibration.breaking) * 1.15 or 1.0
    ax.set(xlim=(0, shown), ylim=(0, max(calibration.errors) * 1.15 or 1.0))
    ax.set(xlabel="breaking: what offsets, gains and schedules are multiplied by", title=title)
    dress(ax, "data equivariance error of velocity")
    ax.legend()
    with drawn(path) as draft:
        figure.savefig(draft, format="png", dpi=110)


def draw_rounding_floor(errors: xr.Dataset, rounding_floor: xr.Dataset, title: str, path: Path) -> None:
    """Draw each level's error over time, and the rounding floor.

    Parameters
    ----------
    errors, rounding_floor : Dataset
        From `measure` and `rounding_floor`, of the same frames.
    title : str
        Of the dataset.
    path : Path
        The .png file to write.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    variables, levels = errors["variable"].values.tolist(), errors["level"].values.tolist()
    figure = Figure(figsize=(7.2, 2.6 * len(variables) + 0.6), layout="constrained")
    panels = figure.subplots(len(variables), 1, sharex=True, squeeze=False)[:, 0]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(levels)))
    smallest = np.finfo(np.float32).eps ** 2
    for ax, variable in zip(panels, variables, strict=True):
        for level, colour in zip(levels, colours, strict=True):
            curve = errors["mae"].sel(variable=variable, level=level).mean("element").values
            exact = ", exact" if not curve.any() else ""
            ax.plot(errors["time"], np.where(curve > 0, curve, np.nan), color=colour, label=f"level {level:g}{exact}")
        rounding = rounding_floor["mae"].isel(level=0).sel(variable=variable).mean("element").values
        label = "rounding floor" if rounding.any() else "rounding floor, zero in float32"
        ax.plot(rounding_floor["time"], np.where(rounding > 0, rounding, np.nan), "k--", lw=1.2, label=label)
        ax.set_yscale("log")
        ax.set_ylim(bottom=max(smallest, ax.get_ylim()[0]))
        dress(ax, f"{variable}, mean |difference|", from_zero=False)
    panels[-1].set_xlabel("frame (steps)")
    panels[0].legend(fontsize=7, ncols=-(-len(levels) // 6))
    figure.suptitle(f"{title}: error and rounding floor")
    with drawn(path) as draft:
        figure.savefig(draft, format="png", dpi=110)
