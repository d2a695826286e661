"""Options and arguments that several commands share."""

from __future__ import annotations

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


debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show a failure's traceback.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
recipe_argument = click.argument("recipe")
dataset_argument = click.argument("dataset")
