"""The command line: each command is a thin call of one function, and every failure is one line."""

from __future__ import annotations

import sys
import traceback
import warnings
from typing import Any

import click

from phigen.cli import build as making
from phigen.cli import formats as converting
from phigen.cli import hub as sharing
from phigen.cli import measurement as looking
from phigen.cli.options import debug_option
from phigen.errors import PhigenError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="phigen")
@debug_option
def cli() -> None:
    """Build fluid datasets whose symmetry is exact, broken by a known amount, or graded in between.

    RECIPE is a YAML file, or the name of a recipe that phigen ships.  DATASET is what `phigen build` made;
    measure and preview also take netCDF and zarr that others made.
    """


for command in (
    making.plan,
    making.build,
    making.calibrate,
    making.validate,
    making.schema,
    looking.inspect,
    looking.measure,
    looking.preview,
    sharing.publish,
    sharing.download,
    sharing.versions,
    sharing.list_datasets,
    converting.export,
    converting.import_,
):
    cli.add_command(command)


_KEPT = {"build": "built", "publish": "uploaded", "download": "fetched"}
"""What commands that go on where they stopped have done."""


def main() -> None:
    """Run the command line; the one place where a failure becomes a line and an exit status.

    0 is success, 1 a failure that the line explains, 2 a usage mistake, 130 an interruption.
    """
    debug = "--debug" in sys.argv[1:]
    warnings.showwarning = _warn
    try:
        status = cli(standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        done = next((_KEPT[word] for word in sys.argv[1:] if word in _KEPT), None)
        kept = f"; what was {done} is kept: run the same command again to continue" if done else ""
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


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as a line, without the place in the code that gives it."""
    click.echo(f"{message}", err=True)
