"""The catalogue: what the dataset of each shipped recipe is, for those who have not built it.

`make catalogue` builds them all and writes datasets/catalogue.json.  An entry promises values: their digests, for each
version of jaxlib that was tried, hold on every x86-64 processor.  They do not depend on a recipe's comments, on the
version of phigen or on how values are stored.  The measured errors hold wherever rounding has not grown to show.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.atomic import write_json
from phigen.errors import StoreError
from phigen.recipe.loading import shipped
from phigen.simulation import instruction_set
from phigen.store import manifest
from phigen.symmetry.fields import SIMULATED

if TYPE_CHECKING:
    import xarray as xr

FILE = "catalogue.json"

FOLDER = Path("datasets")
"""Where `phigen build` puts datasets, and where the catalogue lies among them."""


def entries() -> list[dict[str, Any]]:
    """Load the catalogue that phigen ships, one entry per recipe, as `entry_of` returns them."""
    package = Path(str(resources.files("phigen")))
    places = (package / "data" / FILE, package.parent / FOLDER / FILE)
    file = next((place for place in places if place.is_file()), None)
    return _load(file) if file else []


def _load(file: Path) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return known


def entry_of(path: Path) -> dict[str, Any]:
    """Return the entry of a finished dataset.

    Returns
    -------
    dict
        Plain values: name, version, runs; ``recipe_sha256``; the versions and the instruction set that computed it;
        ``values``, a dict from its version of jaxlib to the sha256 of each field, as `digests` returns them; ``bytes``
        of all its files; and ``errors``, one for each level and variable, over all frames.

    Raises
    ------
    StoreError
        If there is no finished dataset at the path.
    """
    from phigen.measurement.data_error import average, summarize
    from phigen.measurement.tables import rows_by_level
    from phigen.store.reading import finished, open_errors, open_listed
    from phigen.store.summary import describe

    known = finished(path)
    dataset = open_listed(known)
    facts, of_runs = describe(path), open_errors(dataset, known)
    errors = rows_by_level(summarize(average(of_runs))) if of_runs is not None else []
    return {
        **{name: facts[name] for name in ("name", "version", "runs", "recipe_sha256", "versions")},
        "instruction_set": dataset.attrs["instruction_set"],
        "values": {facts["versions"]["jaxlib"]: digests(dataset)},
        "bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "errors": [{name: row[name] for name in ("level", "variable", "mae", "l2", "relative")} for row in errors],
    }


def digests(dataset: xr.Dataset) -> dict[str, str]:
    """Compute the sha256 of each simulated field's values, wherever and in whatever order they are stored.

    Of a line with dtype and shape, and then of all runs, little-endian in the order of their dims: by level, then by
    orbit, then by the place of their element among those of the recipe.
    """
    places = {name: place for place, name in enumerate(dataset.attrs["elements"])}
    keys = zip(*(dataset[name].values.tolist() for name in ("level", "orbit", "element")), strict=True)
    ordered = sorted(enumerate(keys), key=lambda run: (run[1][0], run[1][1], places[run[1][2]]))
    found = {}
    for name in SIMULATED:
        if name in dataset:
            field = dataset[name]
            dtype = field.dtype.newbyteorder("<")
            digest = hashlib.sha256(f"{dtype.str} {list(field.shape)}\n".encode())
            for run, _ in ordered:
                digest.update(np.ascontiguousarray(field[run].values, dtype).tobytes())
            found[name] = digest.hexdigest()
    return found


def renew(recipes: Iterable[str], folder: Path) -> None:
    """Write the catalogue of the datasets that were built from recipes, by name, in a folder.

    Entries of other shipped recipes stay.  Digests of other versions of jaxlib stay, unless those of this one have
    changed: then they are of other values.

    Raises
    ------
    StoreError
        If a dataset is not there or unfinished, or was built with other versions than those of now, or for another
        instruction set than AVX2.
    """
    from phigen.store.metadata import versions

    file = folder / FILE
    before = {entry["name"]: entry for entry in (_load(file) if file.is_file() else [])}
    found = {name: entry for name, entry in before.items() if name in shipped()}
    for name in recipes:
        path = folder / f"{name}.zarr"
        entry = entry_of(path)
        if entry["versions"] != versions():
            raise StoreError(f"{path}: was built with other versions than those of now; delete it and build it again")
        if entry["instruction_set"] != instruction_set.COMMON:
            raise StoreError(
                f"{path}: was built for another instruction set than {instruction_set.COMMON}, got "
                f"{entry['instruction_set']}; delete it and build it again, on x86-64 without "
                f"{instruction_set.FLAG} in XLA_FLAGS"
            )
        ((jaxlib, values),) = entry["values"].items()
        known = before[name]["values"] if name in before else {}
        kept = known if known.get(jaxlib, values) == values else {}
        found[name] = entry | {"values": kept | {jaxlib: values}}
    write_json(file, [found[name] for name in sorted(found)])


def is_built(entry: Mapping[str, Any], folder: Path = FOLDER) -> bool:
    """Check whether the dataset of an entry is in a folder, finished and from the same recipe."""
    path = folder / f"{entry['name']}.zarr"
    try:
        known = manifest.load(path)
    except StoreError:  # its manifest is damaged
        return False
    return known.finished and known.recipe_digest == entry["recipe_sha256"]
