"""Commands that publish, download and list datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phigen.cli.options import dataset_argument, debug_option, json_option, keeps
from phigen.cli.output import print_json, print_table, progress_bars


@click.command()
@dataset_argument
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--version", metavar="X.Y.Z", help="Version to publish, such as 1.0.0; the recipe's if left out.")
@click.option("--private", is_flag=True, help="Create the repository as private.")
@click.option("--dry-run", is_flag=True, help="Show files, bytes and the card; nothing is sent.")
@json_option
@debug_option
def publish(dataset: str, repository: str, version: str | None, private: bool, dry_run: bool, as_json: bool) -> None:
    """Publish DATASET as a version on the Hugging Face Hub.

    The token is the one that the Hub's own tools use: log in with `hf auth login`, or set HF_TOKEN.
    """
    from phigen.hub.opening import located
    from phigen.hub.publishing import publish as published

    path = located(dataset)
    if dry_run:
        return _rehearse(path, repository, version, as_json)
    keeps("uploaded")
    with progress_bars() as progress:
        done = published(path, repository, version=version, private=private, progress=progress)
    if as_json:
        return print_json(
            {
                "dataset": str(done.reference),
                "commit": done.commit,
                "published": done.published,
                "uploaded": done.uploaded,
                "bytes": done.bytes,
            }
        )
    if not done.published:
        return click.echo(f"{done.reference}: already published with the same data; nothing to do")
    return click.echo(f"{done.reference}: published, {done.uploaded} files with {done.bytes / 1e6:.1f} MB uploaded")


def _rehearse(path: Path, repository: str, version: str | None, as_json: bool) -> None:
    from phigen.hub.bundle import bundled
    from phigen.hub.publishing import publishable

    with bundled(*publishable(path, repository, version)) as bundle:
        files = [{"file": name, "bytes": size} for name, (_, (size, _)) in bundle.files.items()]
        if as_json:
            return print_json(
                {"dataset": str(bundle.reference), "files": files, "bytes": bundle.bytes, "card": bundle.card}
            )
        print_table(files, "keys")
        click.echo(f"\n{bundle.reference}: {len(files)} files, {bundle.bytes / 1e6:.1f} MB; nothing is uploaded\n")
        return click.echo(bundle.card)


@click.command()
@click.argument("reference", metavar="OWNER/NAME[@vX.Y.Z]")
@click.option(
    "--level",
    "levels",
    type=float,
    metavar="L",
    multiple=True,
    help="Download the runs of this level only; can be given more than once.",
)
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), help="Download the runs of this split only."
)
@click.option("--out", type=click.Path(), help="Folder to write; one in the Hub's cache if left out.")
@json_option
@debug_option
def download(reference: str, levels: tuple[float, ...], split: str | None, out: str | None, as_json: bool) -> None:
    """Download a published dataset, or some of its runs.

    Without a version, downloads the newest one.  Every file is checked.
    """
    from phigen.hub.downloading import download as downloaded

    keeps("downloaded")
    with progress_bars() as progress:
        done = downloaded(reference, out, levels=levels or None, split=split, progress=progress)
    facts: dict[str, Any] = {
        "dataset": str(done.reference),
        "path": str(done.path),
        "runs": done.runs,
        "fetched": done.files,
        "bytes": done.bytes,
        "repaired": list(done.repaired),
    }
    if as_json:
        return print_json(facts)
    for file in done.repaired:
        click.echo(f"{file}: was damaged and has been downloaded again", err=True)
    if not done.files:
        return click.echo(f"{done.path}: already holds {done.reference}, {done.runs} runs, as published; nothing to do")
    return click.echo(
        f"{done.path}: {done.reference}, {done.runs} runs, every file as published; "
        f"{done.files} files with {done.bytes / 1e6:.1f} MB fetched"
    )


@click.command()
@click.argument("repository", metavar="OWNER/NAME")
@json_option
@debug_option
def versions(repository: str, as_json: bool) -> None:
    """List the published versions of a dataset, the newest first."""
    from phigen.hub.reference import Reference
    from phigen.hub.versions import versions as published

    rows = [
        {
            "version": f"v{one.version}",
            "date": one.date.isoformat(timespec="seconds") if one.date is not None else None,
            "commit": one.commit,
        }
        for one in published(Reference.parse(repository))
    ]
    if as_json:
        return print_json(rows)
    return print_table(rows, "keys") if rows else click.echo(f"{repository}: has no published version")


@click.command(name="list")
@json_option
@debug_option
def list_datasets(as_json: bool) -> None:
    """List the datasets of the shipped recipes.

    Shows how large each is, how far from symmetric, whether it is in the folder datasets here, and for which versions
    of jaxlib its values are recorded.
    """
    from phigen.building.catalogue import entries, is_built

    known = [entry | {"built": is_built(entry)} for entry in entries()]
    if as_json:
        return print_json(known)
    rows = [
        {
            "name": entry["name"],
            "version": entry["version"],
            "runs": entry["runs"],
            "MB": round(entry["bytes"] / 1e6),
            "error of velocity": _range([row["mae"] for row in entry["errors"] if row["variable"] == "velocity"]),
            "built here": "yes" if entry["built"] else "",
            "values for jaxlib": ", ".join(entry["values"]),
        }
        for entry in known
    ]
    return print_table(rows, "keys")


def _range(errors: list[float]) -> str:
    """Return the smallest and the largest of some errors as text, empty if none was measured."""
    ends = [f"{end:.3g}" for end in (min(errors), max(errors))] if errors else []
    return " to ".join(dict.fromkeys(ends))
