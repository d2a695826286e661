"""What a store holds, from its metadata and manifest alone, finished or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from phigen.store import manifest, parts
from phigen.store.layout import attributes_of
from phigen.store.manifest import Manifest
from phigen.store.reading import refuse_missing_files
from phigen.symmetry.fields import FIELDS

if TYPE_CHECKING:
    import zarr
    from numpy.typing import NDArray

Arrays = Mapping[str, "zarr.Array[Any]"]

_WHAT = ("name", "version", "description", "license", "references")
_HOW = ("group", "elements", "reference_frame", "cells", "boundaries", "dt_smoke", "dt_velocity")


def describe(path: str | Path) -> dict[str, Any]:
    """Describe a dataset of phigen's without reading its fields.

    Parameters
    ----------
    path : str or Path
        Of the store.

    Returns
    -------
    dict
        Plain values, as JSON has them: what the dataset is, how many of its runs are there, what they are, the solver's
        health, the versions and the instruction set that computed it, the sha256 of its recipe and of its content (of
        the manifest), and for each variable dims, shape, dtype, statistics and bytes on disk.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's at the path, or it is damaged or written by a newer phigen.
    """
    path = Path(path)
    attributes, known = attributes_of(path), manifest.load(path)
    if known.finished:
        refuse_missing_files(known)
    arrays = _arrays(known)
    of_runs = {name: _values(arrays, name, known) for name in ("level", "orbit", "strength", "split")}
    sizes = _bytes_by_variable(known)
    return {
        "path": str(path),
        **{name: attributes[name] for name in _WHAT},
        "finished": known.finished,
        "runs": attributes["runs"],
        "runs_stored": len(known.held_runs),
        **{name: attributes[name] for name in _HOW},
        "levels": np.unique(of_runs["level"]).tolist(),
        "orbits": len(np.unique(of_runs["orbit"])),
        **_known(attributes, "distinct_simulations"),
        "strengths": [float(of_runs["strength"].min()), float(of_runs["strength"].max())],
        "calibration": _calibration(attributes),
        "splits": dict(Counter(of_runs["split"].tolist())),
        "split_frames": {
            name.removeprefix("frames_"): ends for name, ends in attributes.items() if name.startswith("frames_")
        },
        "frames": [int(frame) for frame in np.asarray(arrays["time"][:])[[0, -1]]],
        **{f"largest_{name}": _largest(values) for name, values in _health(arrays, known).items()},
        **_known(attributes, "recipe_sha256", "source"),
        "content_sha256": known.digest,
        "layout": attributes["layout"],
        "versions": attributes["versions"],
        **_known(attributes, "instruction_set"),
        "bytes": sum(sizes.values()),
        "variables": [
            _variable(arrays, name, known) | {"bytes": sizes[name]} for name in sorted(FIELDS) if name in arrays
        ],
    }


def _known(attributes: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return those of the attributes that there are; imported stores and stores of phigen 0.1 lack some."""
    return {name: attributes[name] for name in names if name in attributes}


def _arrays(known: Manifest) -> Arrays:
    import zarr

    from phigen.store.pipeline import quiet

    with quiet():
        group = zarr.open_group(known.store, mode="r", zarr_format=3, use_consolidated=known.finished)
        return dict(group.arrays())


def _values(arrays: Arrays, name: str, known: Manifest) -> NDArray[Any]:
    """Read an array with an entry for each run; of a partial copy, only the entries of the runs that it holds."""
    values = np.asarray(arrays[name][:])
    return values if known.chosen is None else values[sorted(known.chosen)]


def _health(arrays: Arrays, known: Manifest) -> dict[str, NDArray[Any]]:
    """Read how well each run that is there was simulated; of an unfinished store, that is in the parts of its list."""
    names = ("divergence", "courant")
    if known.finished:
        return {name: _values(arrays, name, known) for name in names}
    of_shards = [parts.rows(known.store, shard) for shard in known.shards]
    return {name: np.concatenate([np.empty(0), *(rows[name].ravel() for rows in of_shards)]) for name in names}


def _variable(arrays: Arrays, name: str, known: Manifest) -> dict[str, Any]:
    array = arrays[name]
    dims: Any = array.metadata.to_dict()["dimension_names"]
    runs = array.shape[0] if known.chosen is None else len(known.chosen)
    return {
        "name": name,
        "dims": list(dims),
        "shape": [runs, *array.shape[1:]],
        "dtype": str(array.dtype),
        "units": array.attrs.get("units", ""),
        **{statistic: array.attrs.get(statistic) for statistic in ("mean", "std", "rms")},
    }


def _calibration(attributes: dict[str, Any]) -> list[dict[str, float]]:
    """Return one row per target error: what it needs, and what was measured with that."""
    if "calibration" not in attributes:
        return []
    from phigen.store.metadata import calibration_of

    found = calibration_of(attributes)
    return [] if found is None else found.rows


def _bytes_by_variable(known: Manifest) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for file, (size, _) in known.held_files.items():
        name, _, chunk = file.partition("/")
        if name in FIELDS and chunk.startswith("c/"):
            sizes[name] += size
    return sizes


def _largest(values: NDArray[Any]) -> float | None:
    """Return the largest value; a run that is not stored reads as NaN and is left out."""
    there = values[np.isfinite(values)]
    return float(there.max()) if there.size else None
