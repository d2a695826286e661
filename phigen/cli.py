"""The command line: each command is a thin call of one function, and every failure is one line."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phigen.errors import PhigenError, RecipeError
from phigen.printing import (
    print_by_level,
    print_errors,
    print_facts,
    print_json,
    print_table,
    progress_bars,
    spell,
    thinned,
)

if TYPE_CHECKING:
    import xarray as xr


class _Frames(click.ParamType[slice]):
    """A slice of stored frames by position, written as in Python: 10:-1."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> slice:
        if isinstance(value, slice):
            return value
        try:
            start, stop = (int(bound) if bound else None for bound in value.split(":"))
        except ValueError:
            self.fail(f"{value!r} is no slice of frames; write it as 10:-1, 10: or :20", param, ctx)
        return slice(start, stop)


_debug = click.option("--debug", is_flag=True, expose_value=False, help="Show a failure's traceback.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
_recipe = click.argument("recipe")
_dataset = click.argument("dataset")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phigen")
@_debug
def cli() -> None:
    """Build fluid datasets whose symmetry is exact, broken by a known amount, or graded in between.

    RECIPE is a YAML file, or the name of a recipe that phigen ships.  DATASET is what `phigen build` made.
    """


@cli.command()
@_recipe
@_as_json
@_debug
def plan(recipe: str, as_json: bool) -> None:
    """Say what a build of RECIPE would do; nothing is written."""
    from phigen.building import default_path, processes_for
    from phigen.planning import plan as planned_from
    from phigen.reading import load

    planned = planned_from(load(recipe))
    kept = planned.recipe.time.kept
    facts: dict[str, Any] = {
        "name": planned.recipe.name,
        "version": planned.recipe.version,
        "path": str(default_path(planned.recipe)),
        "datasets": len(planned.levels),
        "levels": list(planned.levels),
        "runs": len(planned.runs),
        "distinct_simulations": len(planned.distinct) if not planned.provisional else None,
        "steps": planned.recipe.time.steps,
        "steps_simulated": kept[-1] + 1,
        "frames": len(kept),
        "first_frame": kept[0],
        "last_frame": kept[-1],
        "to_calibrate": len(planned.levels) if planned.provisional else 0,
        "bytes": planned.bytes,
        "seconds_on_one_core": round(planned.seconds, 1),
        "processes": processes_for(planned),
    }
    if as_json:
        return print_json(facts)
    facts["distinct_simulations"] = facts["distinct_simulations"] or "known once its levels are calibrated"
    facts["bytes"] = f"{planned.bytes / 1e6:.1f} MB before compression"
    facts["seconds_on_one_core"] = f"{planned.seconds:.1f} by estimate; a first compilation adds a few"
    return print_facts(facts)


@cli.command()
@_recipe
@click.option("--out", type=click.Path(), help="Where to; datasets/NAME.zarr if left out.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes on this machine.")
@click.option("--scheduler", metavar="ADDRESS", help="A running dask.distributed scheduler.")
@_as_json
@_debug
def build(recipe: str, out: str | None, workers: int | None, scheduler: str | None, as_json: bool) -> None:
    """Simulate and store the runs of RECIPE that are not stored yet, then measure them."""
    from phigen.building import build as build_dataset
    from phigen.building import default_path
    from phigen.cluster import own_process
    from phigen.measurement import measure as errors_of
    from phigen.measurement import summarize
    from phigen.reading import load
    from phigen.reporting import rows_by_level
    from phigen.store import open as open_dataset

    if workers is not None and scheduler is not None:
        raise click.UsageError("--workers starts processes here, --scheduler borrows others: give one of them")
    loaded = load(recipe)
    path = Path(out) if out is not None else default_path(loaded)
    os.environ.update(own_process())
    began = time.monotonic()
    with progress_bars() as progress:
        built = build_dataset(loaded, path, workers=workers, scheduler=scheduler, progress=progress)
    seconds = time.monotonic() - began
    if not built.written and not as_json:
        return click.echo(f"{path}: is finished, {built.runs} runs; nothing to do")
    dataset = open_dataset(path)
    errors = summarize(errors_of(dataset)) if len(dataset.attrs["elements"]) > 1 else None
    measured = _floor_of(dataset, None, asked=False) if errors is not None else None
    floor = summarize(measured) if measured is not None else None
    if as_json:
        facts = {"path": str(path), "runs": built.runs, "written": built.written, "seconds": seconds}
        return print_json(facts | {"errors": rows_by_level(errors, floor) if errors is not None else []})
    click.echo(f"{path}: {built.runs} runs, {built.written} of them written in {seconds:.1f} s")
    return print_errors(errors, floor) if errors is not None else click.echo("no symmetry group: nothing to measure")


@cli.command()
@_dataset
@_as_json
@_debug
def inspect(dataset: str, as_json: bool) -> None:
    """Say what is in DATASET, from the store alone."""
    from phigen.inspection import describe

    facts = describe(Path(dataset))
    if as_json:
        return print_json(facts)
    variables = facts.pop("variables")
    facts["calibration"] = facts["calibration"] or "no target errors"
    facts["split_frames"] = facts["split_frames"] or "all in every split"
    print_facts(facts)
    click.echo()
    for variable in variables:
        variable["dims"] = ", ".join(variable["dims"])
        variable["shape"] = " x ".join(map(str, variable["shape"]))
        for statistic in ("mean", "std"):
            variable[statistic] = spell(variable[statistic]) if variable[statistic] is not None else ""
    return print_table(variables, "keys")


@cli.command()
@_recipe
@click.option("--out", type=click.Path(), help="A .png; NAME-calibration.png if left out.")
@_as_json
@_debug
def calibrate(recipe: str, out: str | None, as_json: bool) -> None:
    """Find what the target errors of RECIPE need, and draw the curve; no dataset is built."""
    from phigen.calibration import calibrate as calibrated
    from phigen.charts import draw_calibration
    from phigen.cluster import own_process
    from phigen.reading import load
    from phigen.reporting import rows_of_calibration

    loaded = load(recipe)
    os.environ.update(own_process())
    with progress_bars() as progress:
        found = calibrated(loaded, progress=partial(progress, "calibrating"))
    path = Path(out if out is not None else f"{loaded.name}-calibration.png")
    draw_calibration(found, loaded.name, path)
    rows = rows_of_calibration(found)
    curve = [{"breaking": breaking, "error": error} for breaking, error in found.curve]
    if as_json:
        return print_json({"levels": rows, "curve": curve, "picture": str(path)})
    print_table(rows, "keys")
    click.echo()
    print_table(curve, "keys")
    return click.echo(path)


@cli.command()
@_dataset
@click.option("--frames", type=_Frames(), help="Stored frames by position, as in 10:-1.")
@click.option("--over-time", is_flag=True, help="One row a frame: the mean absolute error of each level.")
@click.option("--floor", "with_floor", is_flag=True, help="Simulate what rounding would have made, and draw both.")
@click.option("--convention", type=click.Choice(["wang2022"]), help="A legacy one: as the paper's notebook measures.")
@_as_json
@_debug
def measure(
    dataset: str, frames: slice | None, over_time: bool, with_floor: bool, convention: str | None, as_json: bool
) -> None:
    """Measure the data equivariance error of DATASET, by level, variable and element."""
    from phigen.measurement import measure as errors_of
    from phigen.measurement import summarize
    from phigen.reporting import rows_by_level, rows_over_time
    from phigen.store import open as open_dataset

    if convention is not None:
        if frames is not None or over_time or with_floor:
            raise click.UsageError("--convention has frames and a table of its own: give it alone")
        return _measure_legacy(open_dataset(dataset), convention, as_json)
    opened = open_dataset(dataset)
    errors, floor = errors_of(opened, frames=frames), _floor_of(opened, frames, asked=with_floor)
    total, rounding = summarize(errors), summarize(floor) if floor is not None else None
    by_level, by_frame = rows_by_level(total, rounding), rows_over_time(errors, floor)
    picture = {}
    if floor is not None and with_floor:
        from phigen.charts import draw_floor

        path = _beside(Path(dataset).resolve(), "floor")
        draw_floor(errors, floor, opened.attrs["title"], path)
        picture = {"picture": str(path)}
    if as_json:
        frames_measured = errors["time"].values.tolist()
        return print_json({"frames": frames_measured, "errors": by_level, "over_time": by_frame} | picture)
    if over_time:
        print_table(by_frame, "keys")
    else:
        print_by_level(by_level, total)
    if picture:
        if not over_time:
            click.echo()
            print_table(thinned(by_frame, len(errors["variable"])), "keys")
        click.echo(picture["picture"])
    return None


def _measure_legacy(dataset: xr.Dataset, convention: str, as_json: bool) -> None:
    from phigen.legacy import FRAMES, measure_wang2022

    errors = measure_wang2022(dataset)
    rows = [{"level": level, "mae": float(errors["mae"].sel(level=level))} for level in errors["level"].values.tolist()]
    if as_json:
        return print_json({"convention": convention, "frames": list(FRAMES), "errors": rows})
    cells = dataset.attrs["cells"][0]
    faces = f"the lower {cells} of {cells + 1} faces"
    click.echo(
        f"legacy convention {convention}: {faces}, frames {FRAMES[0]} to {FRAMES[-1]}, not to be mixed with others"
    )
    return print_table(rows, "keys")


def _floor_of(dataset: xr.Dataset, frames: slice | None, *, asked: bool) -> xr.Dataset | None:
    """Measure the floor where it is asked for, and where the dataset itself was simulated in the lab's frame.

    There, it is said if there is none: walls and finer grids have no other frame.
    """
    from phigen.cluster import own_process
    from phigen.errors import MeasureError
    from phigen.rounding import floor

    if not asked and dataset.attrs.get("frame") != "lab":
        return None
    os.environ.update(own_process())
    try:
        measured = floor(dataset)
    except MeasureError as error:
        if asked:
            raise
        click.echo(str(error), err=True)
        return None
    return measured.isel(time=frames) if frames is not None else measured


@cli.command()
@_dataset
@click.option("--out", type=click.Path(), help="A .png, or a .gif of up to 60 frames; beside DATASET if left out.")
@click.option("--level", type=float, help="Whose plumes to show; the middle one if left out.")
@_debug
def preview(dataset: str, out: str | None, level: float | None) -> None:
    """Draw DATASET: a level's plumes, their turned-back twins, and the error over time."""
    from phigen.drawing import preview as draw
    from phigen.store import open as open_dataset

    path = Path(out) if out is not None else Path(dataset).resolve().with_suffix(".png")
    click.echo(draw(open_dataset(dataset), path, level=level))


@cli.command()
@click.argument("recipes", nargs=-1, required=True, metavar="RECIPE...")
@_as_json
@_debug
def validate(recipes: Sequence[str], as_json: bool) -> None:
    """Check each RECIPE and say every fault of it."""
    from phigen.planning import runs_in
    from phigen.reading import load

    results: list[dict[str, Any]] = []
    for recipe in recipes:
        try:
            results.append({"recipe": recipe, "faults": [], "runs": runs_in(load(recipe))})
        except RecipeError as error:
            results.append({"recipe": recipe, "faults": list(error.faults)})
    faults = [fault for result in results for fault in result["faults"]]
    if as_json:
        print_json(results)
    else:
        for result in results:
            if not result["faults"]:
                click.echo(f"{result['recipe']}: sound, {result['runs']} runs")
    if faults:
        raise RecipeError(*faults)


@cli.command()
@_debug
def schema() -> None:
    """Print the recipe's JSON Schema, for editors."""
    from phigen.recipe import Recipe

    print_json(Recipe.model_json_schema())


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}-{what}.png")


def main() -> None:
    """Run the command line; the one place where a failure becomes a line and an exit status.

    0 is success, 1 a failure that the line explains, 2 a usage mistake, 130 an interruption.
    """
    debug = "--debug" in sys.argv[1:]
    try:
        status = cli(standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        kept = "; what was built is kept: run the same command again to continue" if "build" in sys.argv else ""
        click.echo(f"stopped{kept}", err=True)
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except PhigenError as error:
        click.echo(traceback.format_exc() if debug else str(error), err=True)
        status = 1
    except Exception as error:
        click.echo(
            traceback.format_exc() if debug else f"phigen failed, {type(error).__name__}: {error}; --debug shows where",
            err=True,
        )
        status = 1
    sys.exit(status)
