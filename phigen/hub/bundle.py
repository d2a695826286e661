"""All files of a version: the store, and what is made from it for readers: card, run table, recipe, pictures, list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.hub import file_list
from phigen.hub.card.filling import card
from phigen.hub.file_list import LIST
from phigen.hub.reference import STORE, Reference
from phigen.hub.run_index import INDEX, run_table, write_run_table
from phigen.measurement.data_error import average, measure_runs, summarize
from phigen.measurement.rounding_floor import rounding_floor
from phigen.pictures.charts import draw_rounding_floor
from phigen.pictures.preview import preview
from phigen.store import manifest
from phigen.store.fingerprints import Fingerprint, fingerprint
from phigen.store.manifest import Manifest
from phigen.store.reading import open_errors, open_listed
from phigen.store.summary import describe

if TYPE_CHECKING:
    import xarray as xr

Files = dict[str, tuple[Path, Fingerprint]]
"""Files by their paths in a repository: where each is on this machine, and its size and sha256."""


@dataclass(frozen=True)
class Bundle:
    """All files of a version."""

    reference: Reference
    files: Files

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(size for _, (size, _) in self.files.values())

    @property
    def card(self) -> str:
        """The dataset card."""
        return self.files["README.md"][0].read_text(encoding="utf-8")

    @property
    def sha256s(self) -> dict[str, tuple[Path, str]]:
        """Where each file is, and its sha256."""
        return {name: (path, sha256) for name, (path, (_, sha256)) in self.files.items()}


@contextmanager
def bundled(known: Manifest, wanted: Reference) -> Iterator[Bundle]:
    """Make all files that a version holds besides its store; they exist until the end of the block.

    Parameters
    ----------
    known : Manifest
        Of a finished store.
    wanted : Reference
        What it is to be published as.

    Yields
    ------
    Bundle
        The store's files and those made from it.
    """
    files = stored(known)
    with tempfile.TemporaryDirectory(prefix="phigen-") as name:
        folder = Path(name)
        _describe(known, wanted, folder, files)
        files |= {file.name: (file, fingerprint(file)) for file in folder.iterdir()}
        fingerprints = {name: fingerprint for name, (_, fingerprint) in files.items()}
        listed = file_list.write(folder, wanted, content_sha256=str(known.digest), files=fingerprints)
        files[LIST] = (listed, fingerprint(listed))
        yield Bundle(wanted, dict(sorted(files.items())))


def stored(known: Manifest) -> Files:
    """Return the store's own files, by their paths in the repository."""
    listed = known.held_files | {manifest.LIST: fingerprint(known.store / manifest.LIST)}
    return {f"{STORE}/{file}": (known.store / file, fingerprint) for file, fingerprint in listed.items()}


def _describe(known: Manifest, wanted: Reference, folder: Path, stored: Files) -> None:
    """Write the recipe, the run table, the pictures and the card."""
    dataset = open_listed(known)
    of_runs = _errors_of_runs(dataset, known)
    errors = average(of_runs) if of_runs is not None else None
    if "recipe" in dataset.attrs:
        (folder / "recipe.yaml").write_text(dataset.attrs["recipe"], encoding="utf-8", newline="")
    write_run_table(run_table(dataset, of_runs), folder / INDEX)
    preview(dataset, folder / "preview.png", errors=errors)
    rounding = _rounding_floor(dataset) if errors is not None else None
    if errors is not None and rounding is not None:
        draw_rounding_floor(errors, rounding, dataset.attrs["title"], folder / "rounding_floor.png")
    beside = list(folder.iterdir())
    text = card(
        describe(known.store),
        summarize(errors) if errors is not None else None,
        rounding_floor=summarize(rounding) if rounding is not None else None,
        reference=wanted,
        files=len(stored) + len(beside),
        size=sum(size for _, (size, _) in stored.values()) + sum(file.stat().st_size for file in beside),
    )
    (folder / "README.md").write_text(text, encoding="utf-8", newline="")


def _errors_of_runs(dataset: xr.Dataset, known: Manifest) -> xr.Dataset | None:
    """Return what was measured when a dataset was built; measure one that was not; None if there is one element."""
    if len(np.unique(dataset["element"])) == 1:
        return None
    measured = open_errors(dataset, known)
    return measure_runs(dataset) if measured is None else measured


def _rounding_floor(dataset: xr.Dataset) -> xr.Dataset | None:
    """Measure the rounding floor; return None for a dataset that has none, which its card explains."""
    try:
        return rounding_floor(dataset)
    except MeasureError:
        return None
