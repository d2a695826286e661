"""The runs and frames of a split, and the stretches of its frames that follow one another without a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from phigen.errors import WindowError
from phigen.recipe.splits import NAMES

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


def chosen(dataset: xr.Dataset, split: str | None) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Return the positions of a split's runs, and a mask of its frames.

    Parameters
    ----------
    dataset : Dataset
        With a dim time, and where runs are split a coordinate `split`.
    split : str or None
        ``train``, ``validation`` or ``test``; None takes all.

    Raises
    ------
    WindowError
        If the dataset has no such split, or no dim time.
    """
    if "time" not in dataset.dims:
        raise WindowError("the dataset has no dim time; select frames with a list or slice, which keeps it")
    count, frames = dataset.sizes.get("run", 1), np.ones(dataset.sizes["time"], dtype=bool)
    if split is None:
        return np.arange(count), frames
    own = np.atleast_1d(dataset["split"].values).tolist() if "split" in dataset.coords else []
    # Where runs are not split, all are for training; their frames may still be split.
    by_frames = set(own) == {"train"}
    known = [name for name in NAMES if name in own or (by_frames and f"frames_{name}" in dataset.attrs)]
    if split not in known:
        raise WindowError(
            f"split: the dataset has {', '.join(known) or 'no splits'}, got {split}; choose one that it has, or None "
            "for all windows"
        )
    runs = np.flatnonzero([by_frames or of_run == split for of_run in own])
    ends = dataset.attrs.get(f"frames_{split}")
    if ends is not None:
        times = dataset["time"].values
        frames = (times >= ends[0]) & (times <= ends[1])
    return runs, frames


def stretches(dataset: xr.Dataset, mask: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Return the first positions and the lengths of the stretches of masked frames without a gap.

    A gap is any distance between consecutive frames other than the most common one.
    """
    positions = np.flatnonzero(mask)
    times = np.asarray(dataset["time"].values, np.float64)
    distances, counts = np.unique(np.diff(times), return_counts=True)
    forward = distances > 0
    step = distances[forward][counts[forward].argmax()] if forward.any() else np.inf
    follows = np.isclose(np.diff(times[positions]), step) & (np.diff(positions) == 1)
    edges = np.flatnonzero(np.concatenate([[True], ~follows, [True]])) if positions.size else np.zeros(1, np.int_)
    return positions[edges[:-1]], np.diff(edges)
