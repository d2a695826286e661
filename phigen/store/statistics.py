"""Normalisation statistics: each run brings its moments, which are merged.

Moments are count, mean and the sum of squared deviations, for values and for one-step differences, per component.
Those of all runs follow without loss of digits (Chan, Golub and LeVeque 1983):

    mean = sum n_i mean_i / n        m2 = sum (m2_i + n_i (mean_i - mean)^2)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from phigen.store.measured import KINDS, OF_EACH, channels

FRAMES_AT_ONCE = 10
"""Frames of 64 x 64 cells that fit in a processor's cache in double precision."""

Channels = Sequence[tuple[str, int]]
"""Fields, each with a place along its dim `component`, 0 if it has none."""


def moments_of(fields: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """Compute the moments of one run.

    Parameters
    ----------
    fields : mapping of str to array
        (time, y, x), or (time, component, y, x) where the field has components.

    Returns
    -------
    (channel, kind, moment) float64
        Channels as `phigen.store.measured.channels` lists them, kinds as in `KINDS`, moments as in `OF_EACH`.
    """
    wanted = channels(fields)
    moments = np.empty((len(wanted), len(KINDS), len(OF_EACH)))
    for row, (name, place) in zip(moments, wanted, strict=True):
        values = fields[name]
        row[:] = _of(values[:, place] if values.ndim == 4 else values)
    return moments


def no_moments(fields: Iterable[str]) -> NDArray[np.float64]:
    """Return what stands for the moments of a run that is not for training: NaN, as `moments_of` arranges them."""
    return np.full((len(channels(fields)), len(KINDS), len(OF_EACH)), np.nan)


def _of(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the moments of one component (time, ...) and of its differences, in blocks that fit in the cache.

    The first value is subtracted before squaring, so that a small spread about a large mean is kept.
    """
    sums = np.zeros((2, 2))
    first = float(values.flat[0])
    for start in range(0, len(values), FRAMES_AT_ONCE):
        block = values[start : start + FRAMES_AT_ONCE + 1] - np.float64(first)
        delta = np.diff(block, axis=0).ravel()
        own = block[:FRAMES_AT_ONCE].ravel()
        for kind, part in enumerate((own, delta)):
            sums[kind] += part.sum(), np.einsum("i,i->", part, part)
    sizes, pivots = (values.size, values.size - values[0].size), (first, 0.0)
    return np.array(
        [
            (size, pivot + total / max(size, 1), max(squares - total**2 / max(size, 1), 0.0))
            for size, pivot, (total, squares) in zip(sizes, pivots, sums.tolist(), strict=True)
        ]
    )


def statistics(moments: NDArray[np.float64], of_channels: Channels) -> dict[str, dict[str, float | list[float]]]:
    """Compute the statistics of all training runs, as attributes of each field.

    Parameters
    ----------
    moments : (run, channel, kind, moment) float64
        From `moments_of`; NaN for runs that are not for training.
    of_channels : sequence of (str, int)
        What each channel is.

    Returns
    -------
    dict
        By field: ``mean``, ``std`` and ``rms`` of values, and ``mean_delta``, ``std_delta`` and ``rms_delta`` of
        one-step differences where there are any; a list over components where there are several.
    """
    merged = _merged(moments[~np.isnan(moments[:, 0, 0, 0])]) if len(of_channels) else np.zeros((0, 0, 0))
    found: dict[str, dict[str, float | list[float]]] = {}
    for name in dict.fromkeys(name for name, _ in of_channels):
        of_field = [moments for (field, _), moments in zip(of_channels, merged, strict=True) if field == name]
        found[name] = {
            statistic + suffix: numbers if len(numbers) > 1 else numbers[0]
            for kind, suffix in enumerate(("", "_delta"))
            for statistic in ("mean", "std", "rms")
            if (numbers := [_statistic(statistic, *kinds[kind].tolist()) for kinds in of_field if kinds[kind, 0]])
        }
    return found


def _merged(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Merge the moments of runs: (run, channel, kind, moment) to (channel, kind, moment)."""
    size, mean, m2 = np.moveaxis(moments, -1, 0)
    total = size.sum(axis=0)
    middle = (size * mean).sum(axis=0) / np.maximum(total, 1)
    return np.stack([total, middle, (m2 + size * (mean - middle) ** 2).sum(axis=0)], axis=-1)


def _statistic(name: str, size: float, mean: float, m2: float) -> float:
    variance = m2 / size
    return {"mean": mean, "std": math.sqrt(variance), "rms": math.sqrt(variance + mean**2)}[name]
