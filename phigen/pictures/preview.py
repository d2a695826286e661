"""A picture of a dataset: the runs of one orbit, the same in the orbit's reference frame, and the errors over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from phigen.errors import MeasureError
from phigen.measurement.data_error import measure
from phigen.pictures.files import drawn, refuse_suffix
from phigen.simulation.staggered import centred
from phigen.symmetry.element import Box
from phigen.symmetry.fields import FACES
from phigen.symmetry.groups import element_named

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from numpy.typing import NDArray

FRAMES_OF_A_FILM = 60
"""Maximum number of frames in a .gif; they are evenly spaced, with the first and the last."""

MOST_COLUMNS = 8
"""Maximum number of runs of an orbit that are drawn."""

MOST_LABELS = 10
"""Maximum number of curves with a label."""

_FORMATS = (".png", ".gif")


def preview(
    dataset: xr.Dataset, path: str | Path, *, level: float | None = None, errors: xr.Dataset | None = None
) -> Path:
    """Draw a dataset: the last frame as .png, or a film of up to 60 frames as .gif.

    Parameters
    ----------
    dataset : Dataset
        As opened by `phigen.open`.
    path : str or Path
        The file to write; its suffix chooses the format.
    level : float, optional
        The level whose first orbit is drawn; the middle level if left out.
    errors : Dataset, optional
        What `phigen.measure` returns for the dataset; measured if left out.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    MeasureError
        If the dataset does not have the level, or has no field to draw.
    StoreError
        If the file cannot be written, or has another suffix.
    """
    path = Path(path)
    refuse_suffix(path, *_FORMATS)
    picture = _Picture.of(dataset, level, errors)
    with drawn(path) as draft:
        if path.suffix == ".png":
            picture.figure.savefig(draft, format="png", dpi=110)
        else:
            picture.film(draft)
    return path


class _Film(NamedTuple):
    """An image in a figure and its values in each frame, (time, y, x)."""

    image: AxesImage
    values: NDArray[Any]


@dataclass(frozen=True)
class _Picture:
    """A figure, and the parts of it that change from frame to frame."""

    figure: Figure
    films: list[_Film]
    markers: list[Line2D]
    frames: NDArray[Any]

    @classmethod
    def of(cls, dataset: xr.Dataset, level: float | None, errors: xr.Dataset | None) -> _Picture:
        from matplotlib.figure import Figure

        orbit = _shown(_one_orbit(dataset, level))
        elements = orbit["element"].values.tolist()
        width = 2.1 * len(elements)
        figure = Figure(figsize=(width + 4.8, 5), layout="constrained")
        plumes, curves = figure.subfigures(1, 2, width_ratios=(width, 4.8), squeeze=False)[0]
        films = _draw_plumes(plumes, orbit, elements)
        if len(elements) > 1:
            markers = _draw_errors(curves, measure(dataset) if errors is None else errors)
        else:
            markers = _say_there_is_no_orbit(curves)
        picture = cls(figure, films, markers, dataset["time"].values)
        picture.show(len(picture.frames) - 1)
        return picture

    def show(self, position: int) -> None:
        """Show a frame, by position."""
        for film in self.films:
            film.image.set_data(film.values[position])
        for marker in self.markers:
            marker.set_xdata([self.frames[position]] * 2)

    def film(self, path: Path) -> None:
        """Write the frames as an animated .gif."""
        from matplotlib.animation import PillowWriter

        writer = PillowWriter(fps=12)
        with writer.saving(self.figure, str(path), dpi=70):
            last = len(self.frames) - 1
            for position in np.linspace(0, last, min(last + 1, FRAMES_OF_A_FILM)).round().astype(int):
                self.show(position)
                writer.grab_frame()


def _one_orbit(dataset: xr.Dataset, level: float | None) -> xr.Dataset:
    levels = np.unique(dataset["level"].values)
    chosen = levels[len(levels) // 2] if level is None else level
    if chosen not in levels:
        known = ", ".join(f"{n:g}" for n in levels)
        raise MeasureError(f"level: the dataset has {known}, got {chosen:g}; choose one of its levels")
    runs = np.flatnonzero(dataset["level"].values == chosen)
    first = dataset["orbit"].values[runs[0]]
    return dataset.isel(run=[run for run in runs if dataset["orbit"].values[run] == first])


def _shown(orbit: xr.Dataset) -> xr.Dataset:
    """Return at most `MOST_COLUMNS` runs of an orbit, evenly spaced, the first among them."""
    last = orbit.sizes["run"] - 1
    return orbit.isel(run=np.unique(np.linspace(0, last, min(last + 1, MOST_COLUMNS)).round().astype(int)))


def _draw_plumes(figure: SubFigure, orbit: xr.Dataset, elements: Sequence[str]) -> list[_Film]:
    """Draw one column per run: as stored above, mapped to the orbit's reference frame below."""
    box = Box.of(orbit.attrs)
    field = _drawn_field(orbit)
    runs = [field.isel(run=i).load() for i in range(len(elements))]
    brightest = max(float(np.nanquantile(run.values, 0.995)) for run in runs) or 1.0
    axes = figure.subplots(2, len(elements), squeeze=False)
    films = []
    for column, (element, run) in enumerate(zip(elements, runs, strict=True)):
        for row, shown in enumerate((run, element_named(element, orbit.attrs).in_reference_frame(run, box))):
            ax = axes[row, column]
            image = ax.imshow(shown.values[-1], origin="lower", cmap="magma", vmin=0, vmax=brightest)
            films.append(_Film(image, shown.values))
            ax.set(xticks=[], yticks=[])
        strength = f"\nstrength {float(orbit['strength'].values[column]):g}" if "strength" in orbit.coords else ""
        axes[0, column].set_title(f"{element}{strength}", fontsize=9)
    axes[0, 0].set_ylabel(f"{field.attrs.get('original_name', field.name)}, as stored")
    axes[1, 0].set_ylabel("in the reference frame")
    figure.suptitle(f"{orbit.attrs['title']}, level {float(orbit['level'].values[0]):g}")
    return films


def _drawn_field(dataset: xr.Dataset) -> xr.DataArray:
    """Return the smoke, or else the speed in cell centres, or else the pressure."""
    import xarray as xr

    if "smoke" in dataset:
        return dataset["smoke"]
    if "velocity" in dataset:
        squares = (dataset["velocity"] ** 2).sum("component", skipna=False)
        return (squares**0.5).rename("speed")
    if all(name in dataset for name in FACES):
        centres = centred(dataset[list(FACES)].transpose("run", "time", ...))
        speed = np.hypot(centres[..., 0, :, :], centres[..., 1, :, :])
        return xr.DataArray(speed, dims=("run", "time", "y", "x"), name="speed")
    if "pressure" in dataset:
        return dataset["pressure"]
    raise MeasureError(
        f"the dataset has no field to draw, got {', '.join(map(str, dataset)) or 'nothing'}; it needs smoke, velocity, "
        "faces or pressure"
    )


def _draw_errors(figure: SubFigure, measured: xr.Dataset) -> list[Line2D]:
    """Draw the mean absolute error over time, one panel per variable, and return the lines that mark the frame.

    There is one curve per level, or per element if there is only one level.
    """
    from matplotlib import colormaps

    errors = measured["mae"]
    by = "level" if errors.sizes["level"] > 1 else "element"
    errors = errors.mean("element") if by == "level" else errors.isel(level=0)
    variables, labels = errors["variable"].values.tolist(), errors[by].values.tolist()
    panels = figure.subplots(len(variables), 1, sharex=True, squeeze=False)[:, 0]
    colours = colormaps["viridis"](np.linspace(0, 0.9, len(labels)))
    step = -(-len(labels) // MOST_LABELS)
    markers = []
    for ax, variable in zip(panels, variables, strict=True):
        for number, (label, colour) in enumerate(zip(labels, colours, strict=True)):
            curve = errors.sel({"variable": variable, by: label}).values
            exact = ", exact" if not curve.any() else ""
            text = f"{label if by == 'element' else format(label, 'g')}{exact}"
            ax.plot(errors["time"], curve, color=colour, label=None if number % step else text)
        dress(ax, f"{variable}, mean |difference|")
        markers.append(ax.axvline(errors["time"].values[-1], color="0.6", lw=0.8))
    panels[-1].set_xlabel("frame (steps)")
    panels[0].legend(title=by, fontsize=7, ncols=-(-min(len(labels), MOST_LABELS) // 5), title_fontsize=8)
    figure.suptitle("data equivariance error")
    return markers


def _say_there_is_no_orbit(figure: SubFigure) -> list[Line2D]:
    figure.text(0.5, 0.5, "one run per orbit:\nno symmetry to measure", ha="center", va="center", color="0.5")
    return []


def dress(ax: Axes, label: str, *, from_zero: bool = True) -> None:
    """Label an axis and hide the spines at its top and right."""
    ax.set_ylabel(label, fontsize=9)
    if from_zero:
        ax.set_ylim(bottom=0)
    ax.spines[["top", "right"]].set_visible(False)
