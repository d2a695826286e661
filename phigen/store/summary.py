"""What is in a store, from the store alone, finished or not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from phigen.store import manifest
from phigen.store import reading as store
from phigen.store.metadata import calibration_of


def describe(path: str | Path) -> dict[str, Any]:
    """Describe a dataset of phigen's without reading its fields.

    Parameters
    ----------
    path : str or Path
        Of the store.

    Returns
    -------
    dict
        Plain values, as JSON has them: what it is, how many of its runs are there, what they are, the solver's
        health, the versions that computed it, the sha256 of its recipe and of its content (`manifest.digest`), and for
        each variable dims, shape, dtype, statistics and bytes on disk.

    Raises
    ------
    StoreError
        If there is no dataset of phigen's at the path, or it is damaged.
    """
    path = Path(path)
    state = store.status(path)
    dataset = store.open(path) if state.finished else store.peek(path)
    attributes = dataset.attrs
    sizes = _bytes_by_variable(path)
    return {
        "path": str(path),
        **{name: attributes[name] for name in ("name", "version", "description", "license", "references")},
        "finished": state.finished,
        "runs": state.runs,
        "runs_stored": state.done,
        **{
            name: attributes[name]
            for name in ("group", "elements", "frame", "cells", "boundaries", "dt_smoke", "dt_velocity")
        },
        "levels": np.unique(dataset["level"].values).tolist(),
        "orbits": len(np.unique(dataset["orbit"].values)),
        "distinct_simulations": _distinct(path),
        "strengths": [float(dataset["strength"].min()), float(dataset["strength"].max())],
        "calibration": _calibration(attributes),
        "splits": dict(Counter(dataset["split"].values.tolist())),
        "split_frames": {
            str(name).removeprefix("frames_"): ends for name, ends in attributes.items() if name.startswith("frames_")
        },
        "frames": [int(dataset["time"][0]), int(dataset["time"][-1])],
        "largest_divergence": _largest(dataset["divergence"].values),
        "largest_courant": _largest(dataset["courant"].values),
        **{name: attributes[name] for name in ("recipe_sha256", "source") if name in attributes},
        "content_sha256": manifest.digest(path) if state.finished else None,
        "versions": attributes["versions"],
        "bytes": sum(sizes.values()),
        "variables": [
            {
                "name": str(name),
                "dims": list(map(str, variable.dims)),
                "shape": list(variable.shape),
                "dtype": str(variable.dtype),
                "units": variable.attrs.get("units", ""),
                **{statistic: variable.attrs.get(statistic) for statistic in ("mean", "std", "rms")},
                "bytes": sizes[str(name)],
            }
            for name, variable in dataset.data_vars.items()
        ],
    }


def _calibration(attributes: dict[str, Any]) -> list[dict[str, float]]:
    """Give what each target error needed, if the recipe names any."""
    found = calibration_of(attributes)
    return found.rows if found is not None else []


def _distinct(path: Path) -> int | None:
    """Give how many simulations the stored runs are made from, if all of them say."""
    digests = {entry.parameters.get("simulation") for entry in manifest.entries_held(path)}
    return len(digests) if None not in digests else None


def _bytes_by_variable(path: Path) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for entry in manifest.entries_held(path):
        for file, (size, _) in entry.files.items():
            sizes[file.split("/")[0]] += size
    return sizes


def _largest(values: Any) -> float | None:
    """Give the largest of the values that are there; a run that is not stored reads as NaN."""
    there = values[np.isfinite(values)]
    return float(there.max()) if there.size else None
