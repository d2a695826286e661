"""All files of a version: the store, and what is made of it for readers: card, index, recipe, pictures and list."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import MeasureError
from phigen.hub.card.text import INDEX, card
from phigen.hub.reference import LIST, STORE, Reference
from phigen.hub.run_index import index_of_runs, write_index
from phigen.measurement.data_error import average, measure_runs, summarize
from phigen.measurement.rounding_floor import rounding_floor
from phigen.pictures.charts import draw_rounding_floor
from phigen.pictures.preview import preview
from phigen.store import manifest
from phigen.store import reading as store
from phigen.store.summary import describe

if TYPE_CHECKING:
    import xarray as xr

Files = dict[str, tuple[Path, manifest.Fingerprint]]
"""Files by their paths in a repository: where each is here, and its size and sha256."""


@dataclass(frozen=True)
class Bundle:
    """All files of a version."""

    reference: Reference
    files: Files

    @property
    def bytes(self) -> int:
        """How many bytes they have."""
        return sum(size for _, (size, _) in self.files.values())

    @property
    def card(self) -> str:
        """The dataset card."""
        return self.files["README.md"][0].read_text(encoding="utf-8")

    @property
    def shas(self) -> dict[str, tuple[Path, str]]:
        """Where each file is, and its sha256."""
        return {name: (path, sha256) for name, (path, (_, sha256)) in self.files.items()}


@contextmanager
def bundled(path: Path, wanted: Reference) -> Iterator[Bundle]:
    """Make all that a version holds beside its store; it is there until the end of the block.

    Parameters
    ----------
    path : Path
        Of the store.
    wanted : Reference
        What it is to be published as.
    """
    files = stored(path)
    with tempfile.TemporaryDirectory(prefix="phigen-") as name:
        folder = Path(name)
        _describe(path, wanted, folder, files)
        files |= {file.name: (file, manifest.fingerprint(file)) for file in folder.iterdir()}
        listed = {
            "dataset": str(wanted),
            "content_sha256": manifest.digest(path),
            "files": {name: known for name, (_, known) in sorted(files.items())},
        }
        manifest.write(folder / LIST, listed)
        files[LIST] = (folder / LIST, manifest.fingerprint(folder / LIST))
        yield Bundle(wanted, dict(sorted(files.items())))


def _describe(path: Path, wanted: Reference, folder: Path, stored: Files) -> None:
    """Write the recipe, the index, the pictures and the card."""
    dataset = store.open(path)
    if "recipe" in dataset.attrs:
        (folder / "recipe.yaml").write_text(dataset.attrs["recipe"], encoding="utf-8", newline="")
    compared = len(np.unique(dataset["element"])) > 1
    of_runs = measure_runs(dataset) if compared else None
    write_index(index_of_runs(dataset, of_runs), folder / INDEX)
    preview(dataset, folder / "preview.png")
    errors = average(of_runs) if of_runs is not None else None
    rounding = _floor(dataset) if errors is not None else "There is nothing to compare, and so no floor."
    if errors is not None and not isinstance(rounding, str):
        draw_rounding_floor(errors, rounding, dataset.attrs["title"], folder / "floor.png")
    beside = sum(file.stat().st_size for file in folder.iterdir())
    text = card(
        describe(path),
        summarize(errors) if errors is not None else None,
        floor=rounding if isinstance(rounding, str) else summarize(rounding),
        repository=wanted.repository,
        version=str(wanted.version),
        files=len(stored) + len(list(folder.iterdir())),
        size=sum(size for _, (size, _) in stored.values()) + beside,
    )
    (folder / "README.md").write_text(text, encoding="utf-8", newline="")


def _floor(dataset: xr.Dataset) -> xr.Dataset | str:
    """Measure what rounding would have made, or say why that cannot be told."""
    try:
        return rounding_floor(dataset)
    except MeasureError as error:
        return f"No floor is given: {error}."


def stored(path: Path) -> Files:
    """Give the store's own files, by their paths in the repository."""
    listed = dict(manifest.held(path)) | {manifest.LIST: manifest.fingerprint(path / manifest.LIST)}
    return {f"{STORE}/{file}": (path / file, known) for file, known in listed.items()}
