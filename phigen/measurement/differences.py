"""How far the other runs of an orbit are from its first run, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from phigen.symmetry.element import Box, GroupElement, Pair

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

VALUES_AT_ONCE = 4_000_000
"""Cells times frames in memory at a time, so that memory does not grow with the dataset."""


def compare(
    reference: xr.Dataset,
    others: Mapping[int, tuple[xr.Dataset, GroupElement]],
    *,
    box: Box,
    gaps: bool = False,
) -> dict[int, dict[str, NDArray[np.float64]]]:
    """Compute how far other runs are from the first run of their orbit.

    Parameters
    ----------
    reference : Dataset
        The parts of one variable of the first run, with the dim time; read in pieces.
    others : mapping of int to (Dataset, GroupElement)
        The same of each other run, and the element that made it.
    box : Box
        Their box.
    gaps : bool
        Whether values may be missing; they are left out with their partners.

    Returns
    -------
    dict
        For each of the other runs mae, square, magnitude and resampling, and with gaps compared: (time,).
    """
    cells = max(int(np.prod(field.shape[1:])) for field in reference.values())
    length = max(1, VALUES_AT_ONCE // cells)
    found: dict[int, list[dict[str, NDArray[np.float64]]]] = {run: [] for run in others}
    for start in range(0, reference.sizes["time"], length):
        window = slice(start, start + length)
        first = reference.isel(time=window).load()
        for run, (fields, g) in others.items():
            found[run].append(_in_window(first, fields.isel(time=window).load(), g, box=box, gaps=gaps))
    return {
        run: {name: np.concatenate([means[name] for means in windows]) for name in windows[0]}
        for run, windows in found.items()
    }


def _in_window(
    reference: xr.Dataset, run: xr.Dataset, g: GroupElement, *, box: Box, gaps: bool
) -> dict[str, NDArray[np.float64]]:
    resampling = g.resampling(reference, box)
    pairs = g.to_reference(reference, run, box)
    return (_means_of_shared(pairs) if gaps else _means(pairs)) | {
        "resampling": _means(resampling)["mae"] if resampling else np.zeros(reference.sizes["time"])
    }


def _means(pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    """Return mae, square and magnitude, each the mean over all cells and components of all parts, for each frame."""
    pairs = [(one.astype(np.float64), other) for one, other in pairs]
    frames = len(pairs[0][0])
    size = sum(one.size for one, _ in pairs) / frames

    def mean(parts: list[np.ndarray]) -> np.ndarray:
        total: np.ndarray = sum(part.reshape(frames, -1).sum(axis=1) for part in parts) / size
        return total

    magnitude = mean([np.abs(one) for one, _ in pairs])
    if all(np.array_equal(one, other) for one, other in pairs):  # as runs of one simulation are
        return {"mae": np.zeros(frames), "square": np.zeros(frames), "magnitude": magnitude}
    differences = [np.abs(one - other) for one, other in pairs]
    return {"mae": mean(differences), "square": mean([part**2 for part in differences]), "magnitude": magnitude}


def _means_of_shared(pairs: Sequence[Pair]) -> dict[str, np.ndarray]:
    """Return the same means over the values that both fields of a pair have, and the fraction that these are.

    Frames without any such value are NaN.
    """
    shared = [~(np.isnan(one) | np.isnan(other)) for one, other in pairs]
    filled = [
        (np.where(both, one, 0), np.where(both, other, 0)) for both, (one, other) in zip(shared, pairs, strict=True)
    ]
    compared: np.ndarray = _means([(both, both) for both in shared])["magnitude"]
    with np.errstate(invalid="ignore"):
        return {name: mean / compared for name, mean in _means(filled).items()} | {"compared": compared}
