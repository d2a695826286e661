"""What a build measures of every run while its fields are in memory, in the store's group `measured`.

    xr.open_zarr("datasets/rotation_eq10.zarr", group="measured")

holds for each run, variable and frame the means that the data equivariance error is made of, as
`phigen.measurement.data_error` defines them, NaN for the first run of an orbit; and the moments of each training run,
from which the statistics of the fields are made (`phigen.store.statistics`), NaN for other runs.

With the small fields, such as the divergence, they are the arrays with one row for each run: the parts of the shards
bring the rows, which are written once at the end, and read again to repair a store.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from phigen.store import parts
from phigen.store.fingerprints import is_intact
from phigen.store.manifest import Manifest
from phigen.store.parts import Rows
from phigen.store.pipeline import fast_pipeline, quiet
from phigen.symmetry.fields import FIELDS, SIMULATED, STORED_AS, StoreName

if TYPE_CHECKING:
    from pathlib import Path

    import zarr

    Arrays = dict[str, zarr.Array[Any]]

GROUP = "measured"

ERRORS = ("mae", "square", "magnitude", "resampling")

MOMENTS = "moments"

KINDS = ("values", "delta")
"""Moments are those of values, and of their differences from one frame to the next."""

OF_EACH = ("count", "mean", "m2")
"""Number of values, their mean, and the sum of their squared deviations from it."""


SIZES = {"kind": len(KINDS), "moment": len(OF_EACH)}
"""Of the dims that have no coordinate."""


_PLACES = {name: name for name, field in FIELDS.items() if not field.on_grid} | {
    name: f"{GROUP}/{name}" for name in (*ERRORS, MOMENTS)
}
"""Where each array that may have rows is in a store."""


class Array(NamedTuple):
    """An array with one row for each run: its dims after `run`, dtype and attributes."""

    dims: tuple[str, ...]
    dtype: str
    attributes: dict[str, str]


_LONG_NAMES = {
    "mae": "mean absolute difference from the first run of the orbit, in its reference frame",
    "square": "mean squared difference from the first run of the orbit, in its reference frame",
    "magnitude": "mean absolute value of the first run of the orbit",
    "resampling": "mean absolute error of mapping the first run by the element and back",
    MOMENTS: f"moments of the frames for training: {' and '.join(KINDS)}, for each {', '.join(OF_EACH)}",
}


def variables(fields: Iterable[str]) -> list[StoreName]:
    """Return the names under which errors of these fields are measured."""
    there = set(fields)
    return [name for name, parts in STORED_AS.items() if there.issuperset(parts)]


def channels(fields: Iterable[str]) -> list[tuple[str, int]]:
    """Return the fields that have moments, each with every place along its dim `component`, or 0 if it has none."""
    there = set(fields)
    named = (name for name in SIMULATED if name in there)
    return [(name, place) for name in named for place in range(1 + ("component" in FIELDS[name].dims))]


def coordinates(fields: Iterable[str]) -> dict[str, list[str]]:
    """Return the names along each dim of the group's own."""
    fields = list(fields)
    named = [f"{name} {'xy'[place]}" if "component" in FIELDS[name].dims else name for name, place in channels(fields)]
    return {"variable": [*variables(fields)], "channel": named}


def layout(*, errors: bool) -> dict[str, Array]:
    """Return the arrays of the group, those of errors only where a build measures them."""
    of_errors = dict.fromkeys(ERRORS, ("variable", "time")) if errors else {}
    dims = {**of_errors, MOMENTS: ("channel", "kind", "moment")}
    return {name: Array(own, "float64", {"long_name": _LONG_NAMES[name]}) for name, own in dims.items()}


def _arrays(store: Path) -> Arrays:
    """Open the arrays of a store that have rows."""
    import zarr

    with quiet():
        root = zarr.open_group(store, mode="r+", use_consolidated=False)
        found: Any = {name: root[place] for name, place in _PLACES.items() if place in root}
    return dict(found)


def write(known: Manifest) -> None:
    """Write all rows of a store, chunk by chunk, from the parts of its shards."""
    import zarr

    with fast_pipeline(), zarr.config.set({"array.write_empty_chunks": True}):  # arrays keep what they are opened with
        into = _arrays(known.store)
    per_chunk = next(iter(into.values())).chunks[0]
    for first in range(0, known.runs, per_chunk):
        stop = min(first + per_chunk, known.runs)
        shards = range(first // known.runs_per_shard, -(-stop // known.runs_per_shard))
        rows = [parts.rows(known.store, shard) for shard in shards]
        for name, array in into.items():
            array[first:stop] = np.concatenate([of_shard[name] for of_shard in rows])


def read(known: Manifest, shards: Iterable[int]) -> dict[int, Rows]:
    """Read the rows of some shards of a finished store; those in a chunk that is damaged are left out."""
    there = _arrays(known.store)
    per_chunk = next(iter(there.values())).chunks[0]
    by_chunk: dict[int, list[int]] = {}
    for shard in sorted(shards):
        by_chunk.setdefault(known.runs_of(shard).start // per_chunk, []).append(shard)
    found: dict[int, Rows] = {}
    for chunk in sorted(by_chunk.keys() - _damaged_chunks(known)):
        first = chunk * per_chunk
        values = {name: np.asarray(array[first : first + per_chunk]) for name, array in there.items()}
        for shard in by_chunk[chunk]:
            runs = known.runs_of(shard)
            found[shard] = {name: rows[runs.start - first : runs.stop - first] for name, rows in values.items()}
    return found


def _damaged_chunks(known: Manifest) -> set[int]:
    """Return the chunks, by their places along the runs, of which any array's is missing or has a wrong bit."""
    folders = tuple(f"{place}/c/" for place in _PLACES.values())
    return {
        int(file.partition("/c/")[2].partition("/")[0])
        for file, listed in known.files_of_no_shard.items()
        if file.startswith(folders) and not is_intact(known.store / file, listed)
    }
