"""What the command line prints: tables, facts, JSON, and bars for what takes long."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import xarray as xr

    from phigen.progress import Progress

MOST_COLUMNS = 8
"""With more elements than this, their errors are printed in a separate table."""

MOST_FRAMES = 12
"""Frames of each variable that are printed with the picture of the rounding floor; --json has all."""


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Yield a callback that shows a bar with an estimate for each stage, on stderr if that is a terminal."""
    bars: dict[str, Any] = {}

    def show(what: str, done: int, total: int) -> None:
        if done == total and what not in bars:
            return
        if what not in bars:
            for bar in bars.values():
                bar.__exit__(None, None, None)
            label = f"continuing after {done} of {total} runs" if done and what == "simulating" else what
            hidden = not sys.stderr.isatty()
            bar = click.progressbar(length=total, label=label, file=sys.stderr, show_pos=True, hidden=hidden)
            bars[what] = bar.__enter__()
            bars[what].update(0)
        bars[what].update(done - bars[what].pos)

    try:
        yield show
    finally:
        for bar in list(bars.values())[-1:]:
            bar.__exit__(None, None, None)


def print_errors(errors: xr.Dataset, floor: xr.Dataset | None = None) -> None:
    """Print the mean absolute error of each level and, if it was measured, the rounding floor."""
    click.echo("data equivariance error, mean absolute, by level:")
    variables = errors["variable"].values.tolist()
    rounding: dict[str, float] = {}
    if floor is not None:
        rounding = {f"rounding floor of {v}": float(floor["mae"].sel(variable=v).item()) for v in variables}
    by_level = zip(errors["level"].values.tolist(), errors["mae"].transpose("level", "variable").values, strict=True)
    rows = [[level, *values, *rounding.values()] for level, values in by_level]
    print_table(rows, ["level", *variables, *rounding])


def print_by_level(rows: Sequence[dict[str, Any]], total: xr.Dataset) -> None:
    """Print one row per level and variable, with a column for each element, or a second table if they are many."""
    from phigen.measurement.tables import rows_by_element

    interpolated = any(row["resampling"] for row in rows)
    beside = total.sizes["element"] <= MOST_COLUMNS
    for row in rows:
        by_element = row.pop("mae_by_element")
        row.update(by_element if beside else {})
        if not interpolated:
            del row["resampling"]
    print_table(rows, "keys")
    if not beside:
        click.echo()
        print_table(rows_by_element(total), "keys")


def thinned(rows: Sequence[dict[str, Any]], variables: int) -> list[dict[str, Any]]:
    """Return evenly spaced rows over time of each variable, the first and the last among them."""
    frames = len(rows) // variables
    shown = sorted({round(i * (frames - 1) / (MOST_FRAMES - 1)) for i in range(MOST_FRAMES)})
    return [rows[variable * frames + frame] for variable in range(variables) for frame in shown]


def print_table(rows: Sequence[Any], headers: Sequence[str] | str = ()) -> None:
    """Print rows under headers, or under their own keys."""
    from tabulate import tabulate

    click.echo(tabulate(rows, headers=headers, tablefmt="simple" if headers else "plain", floatfmt=".6g"))


def print_facts(facts: dict[str, Any]) -> None:
    """Print one fact per line."""
    print_table([[name.replace("_", " "), spell(value)] for name, value in facts.items()])


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2))


def spell(value: Any) -> str:
    """Return a fact as text: lists with commas, numbers with six digits."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(spell(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else " ".join(str(value).split())
