"""The command that shows and clears the compiled programs that are kept."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click

from phigen.cli.options import debug_option, json_option
from phigen.cli.output import print_json, print_table


@click.command()
@click.option("--clear", is_flag=True, help="Remove them; the next simulation of each shape compiles it anew.")
@json_option
@debug_option
def cache(clear: bool, as_json: bool) -> None:
    """Show or remove the compiled programs that phigen keeps.

    The first simulation of a shape (its grid, boundary conditions, steps and fields) is traced and compiled; what comes
    of it is kept.  What was used longest ago is removed first when it gets too large.  A folder that is open to other
    users is not used.
    """
    from phigen.simulation import cache_folder

    folder = cache_folder.location()
    usable = folder.exists() and cache_folder.usable() is not None
    kept = cache_folder.clear(folder) if clear else cache_folder.contents(folder)
    files, sizes = Counter(file.kind for file in kept), Counter[str]()
    last: dict[str, datetime] = {}
    for file in kept:
        sizes[file.kind] += file.bytes
        last[file.kind] = datetime.fromtimestamp(file.used, UTC)
    rows: list[dict[str, Any]] = [
        {
            "kept": kind,
            "files": files[kind],
            "bytes": sizes[kind],
            "last_used": last[kind].isoformat(timespec="seconds"),
        }
        for kind in sorted(files)
    ]
    if as_json:
        return print_json(
            {
                "path": str(folder),
                "usable": usable,
                "cleared": clear,
                "most_bytes": cache_folder.MOST_BYTES,
                "contents": rows,
            }
        )
    megabytes = sum(sizes.values()) / 1e6
    if clear:
        return click.echo(f"{folder}: cleared, {len(kept)} files with {megabytes:.1f} MB")
    click.echo(
        f"{folder}: {len(kept)} files with {megabytes:.1f} MB, of at most {cache_folder.MOST_BYTES / 1e6:.0f} MB"
    )
    if rows:
        click.echo()
        print_table([{**row, "bytes": f"{row['bytes'] / 1e6:.1f} MB"} for row in rows], "keys")
    return None
