"""Normalisation statistics, streamed: each run brings its moments, which are merged in the order of the runs.

Moments are count, mean and the sum of squared deviations, for values and for one-step differences, per component.
Two sets merge without loss of digits (Chan, Golub and LeVeque 1983):

    d = mean_b - mean_a        mean = mean_a + d n_b / n        m2 = m2_a + m2_b + d^2 n_a n_b / n
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray


FRAMES_AT_ONCE = 10
"""Frames of 64 x 64 cells that fit in a processor's cache in double precision."""


class Moments(NamedTuple):
    """The number of values, their mean and the sum of their squared deviations."""

    size: int
    mean: float
    m2: float


Table = dict[str, dict[str, list[Moments]]]
"""By variable, and by `values` or `delta`: one entry per component, or a single one for a scalar."""


def moments_of(fields: xr.Dataset) -> Table:
    """Compute the moments of one run.

    Parameters
    ----------
    fields : Dataset
        Variables (time, ..., y, x), with a dim `component` or without.

    Returns
    -------
    dict
        By variable: of `values`, and of `delta`, the differences from one frame to the next, if there are two.
    """
    table: Table = {}
    for name, field in fields.items():
        several = "component" in field.dims
        ordered = field.transpose("component", "time", ..., missing_dims="ignore").values
        both = [_of(component) for component in (ordered if several else ordered[None])]
        table[str(name)] = {"values": [values for values, _ in both]}
        if len(field["time"]) > 1:
            table[str(name)]["delta"] = [delta for _, delta in both]
    return table


def _of(values: NDArray[Any]) -> tuple[Moments, Moments]:
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
    one, other = (
        Moments(size, pivot + total / max(size, 1), max(squares - total**2 / max(size, 1), 0.0))
        for size, pivot, (total, squares) in zip(sizes, pivots, sums.tolist(), strict=True)
    )
    return one, other


def statistics(tables: Iterable[Table]) -> dict[str, dict[str, float | list[float]]]:
    """Compute the statistics of all runs, as attributes of each variable.

    Parameters
    ----------
    tables : iterable of dict
        From `moments_of`, in the order of the runs.

    Returns
    -------
    dict
        By variable: ``mean``, ``std`` and ``rms`` of values, and ``mean_delta``, ``std_delta`` and ``rms_delta`` of
        one-step differences; a list over components where there are several.
    """
    total: Table = {}
    for table in tables:
        for name, kinds in table.items():
            known = total.setdefault(name, {})
            for kind, moments in kinds.items():
                known[kind] = list(map(_merge, known[kind], moments)) if kind in known else list(map(_read, moments))
    return {name: _attributes(kinds) for name, kinds in total.items()}


def _read(moments: Iterable[Any]) -> Moments:
    return Moments(*moments)


def _merge(one: Moments, other: Iterable[Any]) -> Moments:
    two = _read(other)
    size = one.size + two.size
    apart = two.mean - one.mean
    mean = one.mean + apart * two.size / size
    return Moments(size, mean, one.m2 + two.m2 + apart**2 * one.size * two.size / size)


def _attributes(kinds: dict[str, list[Moments]]) -> dict[str, float | list[float]]:
    found: dict[str, float | list[float]] = {}
    for kind, suffix in (("values", ""), ("delta", "_delta")):
        for statistic in ("mean", "std", "rms"):
            numbers = [_statistic(statistic, moments) for moments in kinds.get(kind, ())]
            if numbers:
                found[statistic + suffix] = numbers if len(numbers) > 1 else numbers[0]
    return found


def _statistic(name: str, moments: Moments) -> float:
    variance = moments.m2 / moments.size
    return {"mean": moments.mean, "std": math.sqrt(variance), "rms": math.sqrt(variance + moments.mean**2)}[name]
