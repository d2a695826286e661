"""Normalisation statistics, streamed: each run brings its moments, and they are merged in the order of the runs.

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


class Moments(NamedTuple):
    """How many values, their mean and sum of squared deviations."""

    size: int
    mean: float
    m2: float


Table = dict[str, dict[str, list[Moments]]]
"""By variable, and by `values` or `delta`: one entry per component, or one where there are none."""


def moments_of(fields: xr.Dataset) -> Table:
    """Give the moments of one run.

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
        values = field.transpose("component", ..., missing_dims="ignore").values.astype(np.float64)
        time = field.dims.index("time") if "component" not in field.dims else 1
        parts = {"values": values, "delta": np.diff(values, axis=time)}
        components = {key: part if "component" in field.dims else part[None] for key, part in parts.items()}
        table[str(name)] = {key: [_of(one) for one in part] for key, part in components.items() if part.size}
    return table


def _of(values: Any) -> Moments:
    mean = float(values.mean())
    return Moments(values.size, mean, float(((values - mean) ** 2).sum()))


def statistics(tables: Iterable[Table]) -> dict[str, dict[str, float | list[float]]]:
    """Give the statistics of all runs, as attributes of each variable.

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
    return {name: _spelled(kinds) for name, kinds in total.items()}


def _read(moments: Iterable[Any]) -> Moments:
    return Moments(*moments)


def _merge(one: Moments, other: Iterable[Any]) -> Moments:
    two = _read(other)
    size = one.size + two.size
    apart = two.mean - one.mean
    mean = one.mean + apart * two.size / size
    return Moments(size, mean, one.m2 + two.m2 + apart**2 * one.size * two.size / size)


def _spelled(kinds: dict[str, list[Moments]]) -> dict[str, float | list[float]]:
    spelled: dict[str, float | list[float]] = {}
    for kind, suffix in (("values", ""), ("delta", "_delta")):
        for statistic in ("mean", "std", "rms"):
            numbers = [_statistic(statistic, moments) for moments in kinds.get(kind, ())]
            if numbers:
                spelled[statistic + suffix] = numbers if len(numbers) > 1 else numbers[0]
    return spelled


def _statistic(name: str, moments: Moments) -> float:
    variance = moments.m2 / moments.size
    return {"mean": moments.mean, "std": math.sqrt(variance), "rms": math.sqrt(variance + moments.mean**2)}[name]
