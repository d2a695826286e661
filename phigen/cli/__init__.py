"""The command line: each command is a thin call of one function, and every failure is one line."""

from __future__ import annotations

import traceback
import warnings
from importlib import import_module
from typing import Any

import click

from phigen.cli.options import DEBUG, KEPT, debug_option
from phigen.errors import PhigenError

COMMANDS = {
    "plan": "recipe:plan",
    "build": "build:build",
    "calibrate": "recipe:calibrate",
    "validate": "recipe:validate",
    "schema": "recipe:schema",
    "inspect": "measurement:inspect",
    "measure": "measurement:measure",
    "preview": "measurement:preview",
    "publish": "hub:publish",
    "download": "hub:download",
    "versions": "hub:versions",
    "list": "hub:list_datasets",
    "export": "formats:export",
    "import": "formats:import_",
    "cache": "cache:cache",
}
"""Where each command lives, as ``module:function``, in the order of ``phigen --help``."""


class Commands(click.Group):
    """Commands that are loaded when they are used, and the one place where a failure becomes an exit status.

    0 is success, 1 a failure that one line explains, 2 a usage mistake, 130 an interruption.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one command, and no other."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"phigen.cli.{module}"), function)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for; click itself reports usage mistakes and closed pipes."""
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
                raise
            except KeyboardInterrupt:
                from phigen.store.pipeline import await_reads

                click.echo(f"interrupted{_kept(ctx)}", err=True)
                await_reads()
                ctx.exit(130)
            except Exception as error:
                click.echo(traceback.format_exc() if DEBUG in ctx.meta else _line(error), err=True)
                ctx.exit(1)


def _kept(ctx: click.Context) -> str:
    kept = ctx.meta.get(KEPT)
    return f"; what was {kept} is kept: run the same command again to continue" if kept else ""


def _line(error: Exception) -> str:
    if isinstance(error, PhigenError):
        return str(error)
    text = " ".join(str(error).split())
    return f"phigen failed with {type(error).__name__}: {text}; --debug shows the traceback"


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as one line on stderr, without the place in the code where it was raised."""
    click.echo(" ".join(str(message).split()), err=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phigen")
@debug_option
def main() -> None:
    """Build fluid datasets whose symmetry is exact, broken by a known amount, or graded in between.

    RECIPE is a YAML file, or the name of a recipe that ships with phigen.  DATASET is the path that `phigen build` or
    `phigen download` wrote to.  measure, preview and export also take hf://datasets/OWNER/NAME, which is read from the
    Hugging Face Hub; measure and preview also take netCDF files and zarr stores from elsewhere.
    """
