"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click


class Frames(click.ParamType[slice]):
    """A slice of stored frames by position, written as in Python: 10:-1."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> slice:
        """Give the slice that was written.."""
        if isinstance(value, slice):
            return value
        try:
            start, stop = (int(bound) if bound else None for bound in value.split(":"))
        except ValueError:
            self.fail(f"{value!r} is no slice of frames; write it as 10:-1, 10: or :20", param, ctx)
        return slice(start, stop)


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them."""

    name = "A,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Give the names that were written."""
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in value.split(","))
        if not all(names):
            self.fail(f"{value!r} has a name that is empty; write names with commas between them", param, ctx)
        return names


_FOREIGN = (
    click.option("--velocity", type=Names(), help="Its two components, as in u,v, or one variable that has both."),
    click.option("--scalar", help="A scalar to show and measure beside it."),
    click.option("--dims", type=Names(), help="Which are time, y and x, as in time,lat,lon; or y and x alone."),
    click.option("--run-dim", help="The dim along which there are runs."),
    click.option("--group", help="Compare every field with its own images under this group, such as D1_y."),
    click.option("--elements", type=Names(), help="Compare runs: what made each of them, as in identity,mirror_y."),
)


def foreign_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what other people's data are, in one argument `described`."""

    @wraps(command)
    def run_described(*arguments: Any, **options: Any) -> Any:
        described = {name: options.pop(name) for name in ("velocity", "scalar", "dims", "run_dim", "group", "elements")}
        return command(*arguments, described={name: said for name, said in described.items() if said}, **options)

    for option in reversed(_FOREIGN):
        run_described = option(run_described)
    return run_described


debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show a failure's traceback.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
recipe_argument = click.argument("recipe")
dataset_argument = click.argument("dataset")
