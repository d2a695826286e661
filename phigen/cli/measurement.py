"""Commands that look at a dataset: what is in it, how far it is from symmetric, and how that looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phigen.cli.options import Frames, dataset_argument, debug_option, foreign_options, json_option
from phigen.cli.output import print_by_level, print_facts, print_json, print_table, spell, thinned

if TYPE_CHECKING:
    import xarray as xr


@click.command()
@dataset_argument
@json_option
@debug_option
def inspect(dataset: str, as_json: bool) -> None:
    """Show what DATASET contains; no fields are read."""
    from phigen.hub.opening import located
    from phigen.store.summary import describe

    facts = describe(located(dataset))
    if as_json:
        return print_json(facts)
    variables = facts.pop("variables")
    facts["calibration"] = facts["calibration"] or "no target errors"
    facts["content_sha256"] = facts["content_sha256"] or "not known before it is finished"
    facts["split_frames"] = facts["split_frames"] or "all in every split"
    if "source" in facts:
        first, *others = (source["file"] for source in facts["source"])
        facts["source"] = f"{first} and {len(others)} more" if others else first
    print_facts(facts)
    click.echo()
    for variable in variables:
        variable["dims"] = ", ".join(variable["dims"])
        variable["shape"] = " x ".join(map(str, variable["shape"]))
        for statistic in ("mean", "std", "rms"):
            variable[statistic] = spell(variable[statistic]) if variable[statistic] is not None else ""
    return print_table(variables, "keys")


@click.command()
@dataset_argument
@click.option("--frames", type=Frames(), help="Measure these stored frames only, by position, as in 10:-1.")
@click.option("--over-time", is_flag=True, help="Print one row per frame: the mean absolute error of each level.")
@click.option(
    "--rounding-floor",
    "with_floor",
    is_flag=True,
    help="Also simulate and draw the error that floating-point rounding alone would make.",
)
@click.option("--convention", type=click.Choice(["wang2022"]), help="Measure as the notebook of Wang et al. 2022 does.")
@foreign_options
@json_option
@debug_option
def measure(
    dataset: str,
    frames: slice | None,
    over_time: bool,
    with_floor: bool,
    convention: str | None,
    as_json: bool,
    described: dict[str, Any],
) -> None:
    """Measure the data equivariance error of DATASET.

    Prints the mean absolute error, the root mean square (l2) and the error relative to the mean magnitude, by level,
    variable and group element.

    DATASET is one of phigen's, or any netCDF file or zarr store with a velocity.  The variables and dims of such data
    are known by their names and attributes, or by --velocity, --dims and --run-dim; --group or --elements says what to
    compare.
    """
    if convention is not None:
        if frames is not None or over_time or with_floor:
            raise click.UsageError("--convention has its own frames and table: give it without the other options")
        return _measure_by_convention(_opened_as(dataset, described)[0], convention, as_json)
    return _measure(dataset, *_opened_as(dataset, described), frames, over_time, with_floor, as_json)


def _measure(
    name: str,
    dataset: xr.Dataset,
    of_runs: xr.Dataset | None,
    frames: slice | None,
    over_time: bool,
    with_floor: bool,
    as_json: bool,
) -> None:
    from phigen.cli.rounding_floor import rounding_floor_of
    from phigen.measurement.data_error import average, select_stored, summarize
    from phigen.measurement.data_error import measure as errors_of
    from phigen.measurement.tables import rows_by_level, rows_over_time

    errors = errors_of(dataset, frames=frames) if of_runs is None else average(select_stored(of_runs, frames))
    floor = rounding_floor_of(dataset, frames, required=with_floor)
    total, rounding = summarize(errors), summarize(floor) if floor is not None else None
    by_level, by_frame = rows_by_level(total, rounding), rows_over_time(errors, floor)
    picture = _drawn(name, errors, floor, dataset) if floor is not None and with_floor else {}
    compared = {"compared": float(errors["compared"].mean())} if "compared" in errors else {}
    if as_json:
        measured = {"frames": errors["time"].values.tolist(), "errors": by_level, "over_time": by_frame}
        return print_json(measured | compared | picture)
    if over_time:
        print_table(by_frame, "keys")
    else:
        print_by_level(by_level, total)
    if compared.get("compared", 1) < 1:
        click.echo(f"compared: {compared['compared']:.1%} of the values; the others are missing, or their partners are")
    if picture:
        if not over_time:
            click.echo()
            print_table(thinned(by_frame, len(errors["variable"])), "keys")
        click.echo(picture["picture"])
    return None


@click.command()
@dataset_argument
@click.option(
    "--out", type=click.Path(), help="A .png, or a .gif of up to 60 frames; NAME.png beside DATASET if left out."
)
@click.option("--level", type=float, metavar="L", help="The level whose plumes are drawn; the middle one if left out.")
@foreign_options
@debug_option
def preview(dataset: str, out: str | None, level: float | None, described: dict[str, Any]) -> None:
    """Draw the plumes of DATASET and the error over time.

    Shows the plumes of one level, the same mapped to the reference frame, and the error of every level.  DATASET is one
    of phigen's, or any netCDF file or zarr store with a velocity, as for `phigen measure`.
    """
    from phigen.hub.opening import beside
    from phigen.measurement.data_error import average, select_stored
    from phigen.pictures.preview import preview as draw

    path = Path(out) if out is not None else beside(dataset, ".png")
    opened, of_runs = _opened_as(dataset, described)
    errors = average(select_stored(of_runs, None)) if of_runs is not None else None
    click.echo(draw(opened, path, level=level, errors=errors))


def _opened_as(dataset: str, described: dict[str, Any]) -> tuple[xr.Dataset, xr.Dataset | None]:
    """Open a dataset, and what its build measured of each run.

    One of phigen's is opened as it is, unless it is described otherwise; any other data as described, and nothing is
    known of their errors.
    """
    from phigen.formats.adopting import adopt
    from phigen.formats.foreign_files import is_foreign, read
    from phigen.hub.opening import open_with_errors

    if is_foreign(Path(dataset)):
        return adopt(read(Path(dataset)), **described), None
    own, of_runs = open_with_errors(dataset)
    return (adopt(own, **described), None) if described else (own, of_runs)


def _measure_by_convention(dataset: xr.Dataset, convention: str, as_json: bool) -> None:
    from phigen.measurement.wang2022_convention import FRAMES, measure_wang2022

    errors = measure_wang2022(dataset)
    rows = [{"level": level, "mae": float(errors["mae"].sel(level=level))} for level in errors["level"].values.tolist()]
    if as_json:
        return print_json({"convention": convention, "frames": list(FRAMES), "errors": rows})
    cells = dataset.attrs["cells"][0]
    faces = f"the lower {cells} of {cells + 1} faces"
    click.echo(
        f"convention {convention}: {faces}, frames {FRAMES[0]} to {FRAMES[-1]}; not comparable with other measurements"
    )
    return print_table(rows, "keys")


def _drawn(name: str, errors: xr.Dataset, floor: xr.Dataset, dataset: xr.Dataset) -> dict[str, str]:
    from phigen.hub.opening import beside
    from phigen.pictures.charts import draw_rounding_floor

    path = beside(name, "-rounding-floor.png")
    draw_rounding_floor(errors, floor, dataset.attrs["title"], path)
    return {"picture": str(path)}
