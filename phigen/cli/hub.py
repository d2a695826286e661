"""Commands that bring datasets to others and others' here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phigen.cli.options import dataset_argument, debug_option, json_option
from phigen.cli.output import print_json, print_table, progress_bars


@click.command()
@dataset_argument
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--version", help="Semantic, such as 1.0.0; the recipe's if left out.")
@click.option("--private", is_flag=True, help="Only you and whom you name may see it.")
@click.option("--dry-run", is_flag=True, help="Show files, bytes and the card; the Hub is not asked.")
@json_option
@debug_option
def publish(dataset: str, repository: str, version: str | None, private: bool, dry_run: bool, as_json: bool) -> None:
    """Publish DATASET as a version of a dataset on the Hugging Face Hub.

    The token is the one that the Hub's own tools use: log in with `hf auth login`, or set HF_TOKEN.
    """
    from phigen.hub.opening import located
    from phigen.hub.publishing import publish as published

    path = located(dataset)
    if dry_run:
        return _rehearse(path, repository, version, as_json)
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
        return click.echo(f"{done.reference}: is published with the same data; nothing to do")
    return click.echo(f"{done.reference}: published, {done.uploaded} files with {done.bytes / 1e6:.1f} MB uploaded")


def _rehearse(path: Path, repository: str, version: str | None, as_json: bool) -> None:
    from phigen.hub.bundle import bundled
    from phigen.hub.publishing import reference_for

    with bundled(path, reference_for(path, repository, version)) as bundle:
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
@click.option("--level", "levels", type=float, multiple=True, help="Only its runs; may be given more than once.")
@click.option("--split", type=click.Choice(["train", "validation", "test"]), help="Only its runs.")
@click.option("--out", type=click.Path(), help="The folder to put it in; one in the Hub's cache if left out.")
@json_option
@debug_option
def download(reference: str, levels: tuple[float, ...], split: str | None, out: str | None, as_json: bool) -> None:
    """Download a dataset from the Hugging Face Hub, the newest version if none is named, and check every file."""
    from phigen.hub.downloading import download as downloaded

    with progress_bars() as progress:
        done = downloaded(reference, out, levels=levels or None, split=split, progress=progress)
    facts: dict[str, Any] = {
        "dataset": str(done.reference),
        "path": str(done.path),
        "runs": done.runs,
        "fetched": done.files,
        "bytes": done.bytes,
        "mended": list(done.mended),
    }
    if as_json:
        return print_json(facts)
    for file in done.mended:
        click.echo(f"{file}: had a wrong byte and was fetched again", err=True)
    if not done.files:
        return click.echo(f"{done.path}: {done.reference} is there, {done.runs} runs, and as published; nothing to do")
    return click.echo(
        f"{done.path}: {done.reference}, {done.runs} runs, every file as published; "
        f"{done.files} files with {done.bytes / 1e6:.1f} MB fetched"
    )


@click.command()
@click.argument("repository", metavar="OWNER/NAME")
@json_option
@debug_option
def versions(repository: str, as_json: bool) -> None:
    """List the published versions of a dataset on the Hugging Face Hub, the newest first."""
    from phigen.hub.reference import Reference
    from phigen.hub.repository import versions as published

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
    """List the datasets of the recipes that phigen ships: their size, their error, and whether they are built here."""
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
    """Give the least and the largest of some errors; nothing where none was measured."""
    ends = [f"{end:.3g}" for end in (min(errors), max(errors))] if errors else []
    return " to ".join(dict.fromkeys(ends))
