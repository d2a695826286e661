"""The small arrays of a store, with one row for each run: written once at the end, and read again to repair a store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.store import measured, parts, template
from phigen.store.fingerprints import is_intact
from phigen.store.manifest import Manifest
from phigen.store.parts import Rows
from phigen.symmetry.fields import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

    import zarr

    Arrays = dict[str, zarr.Array[Any]]

_PLACES = {name: name for name, field in FIELDS.items() if not template.is_sharded(field)} | {
    name: f"{measured.GROUP}/{name}" for name in (*measured.ERRORS, measured.MOMENTS)
}
"""Where each array that may have rows is in a store."""


def arrays(store: Path) -> Arrays:
    """Open the arrays of a store that have rows."""
    import zarr

    with template.quiet():
        root = zarr.open_group(store, mode="r+", use_consolidated=False)
        found: Any = {name: root[place] for name, place in _PLACES.items() if place in root}
    return dict(found)


def write(known: Manifest) -> None:
    """Write all rows of a store, chunk by chunk, from the parts of its shards."""
    import zarr

    with zarr.config.set({"array.write_empty_chunks": True}):  # arrays keep what they are opened with
        into = arrays(known.store)
        per_chunk = next(iter(into.values())).chunks[0]
        for first in range(0, known.runs, per_chunk):
            stop = min(first + per_chunk, known.runs)
            shards = range(first // known.runs_per_shard, -(-stop // known.runs_per_shard))
            rows = [parts.rows(known.store, shard) for shard in shards]
            for name, array in into.items():
                array[first:stop] = np.concatenate([of_shard[name] for of_shard in rows])


def read(known: Manifest, shards: Iterable[int]) -> dict[int, Rows]:
    """Read the rows of some shards of a finished store; those in a chunk that is damaged are left out."""
    there = arrays(known.store)
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
