"""Options and arguments that several commands share, and what a command leaves in click's context."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

DEBUG = "phigen.debug"
"""In the context's `meta` if a failure shall show its traceback."""

KEPT = "phigen.kept"
"""In the context's `meta` while a command does what an interruption keeps: the participle for it, such as built."""


def keeps(done: str) -> None:
    """Note that what this command has done so far is kept if it is interrupted, and in which word to say so."""
    click.get_current_context().meta[KEPT] = done


class Frames(click.ParamType[slice]):
    """A slice of stored frames by position, written as in Python: 10:-1."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> slice:
        """Return the slice that was written."""
        if isinstance(value, slice):
            return value
        try:
            start, stop = (int(bound) if bound else None for bound in value.split(":"))
        except ValueError:
            self.fail(f"not a slice of frames, got {value!r}; write it as 10:-1, 10: or :20", param, ctx)
        return slice(start, stop)


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the names that were written."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"one of the names is empty, got {value!r}; write names with commas between them", param, ctx)
        return names


_FOREIGN = (
    click.option(
        "--velocity", type=Names(), help="Variables with the velocity along x and y, as in u,v, or one that holds both."
    ),
    click.option("--scalar", metavar="NAME", help="A scalar variable to measure and draw as well."),
    click.option("--dims", type=Names(), help="The dims that are time, y and x, as in time,lat,lon, or only y and x."),
    click.option("--run-dim", metavar="DIM", help="The dim that counts runs; run if left out."),
    click.option(
        "--group", metavar="G", help="Compare every field with its own images under this group, such as D1_y."
    ),
    click.option(
        "--elements",
        type=Names(),
        help="Compare runs with one another: the group element of each, as in identity,mirror_y.",
    ),
)


def foreign_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that describe data from elsewhere; the command gets them in one argument, `described`."""

    @wraps(command)
    def run_described(*arguments: Any, **options: Any) -> Any:
        described = {name: options.pop(name) for name in ("velocity", "scalar", "dims", "run_dim", "group", "elements")}
        given = {name: value for name, value in described.items() if value}
        return command(*arguments, described=given, **options)

    for option in reversed(_FOREIGN):
        run_described = option(run_described)
    return run_described


def _note_debug(ctx: click.Context, _: click.Parameter, debug: bool) -> None:
    if debug:
        ctx.meta[DEBUG] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_note_debug, help="Show the traceback of a failure."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
recipe_argument = click.argument("recipe")
dataset_argument = click.argument("dataset")
