"""Whole runs in memory, decoded and normalised: all of them, or those that were read last."""

from __future__ import annotations

import itertools
import math
import os
import re
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from phigen.errors import WindowError
from phigen.training.channels import Channels

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr
    from numpy.typing import NDArray

    Run = NDArray[np.float32]


@dataclass(frozen=True)
class LoadedRuns:
    """Runs of a dataset, all in memory.

    Pickling leaves the values out: a spawned worker process loads them again, a forked one shares them.
    """

    channels: Channels
    runs: dict[int, Run]

    @classmethod
    def load(cls, channels: Channels, runs: Iterable[int]) -> Self:
        """Load runs, given by their positions."""
        return cls(channels, {run: channels.read(run, slice(None)) for run in runs})

    def read(self, run: int) -> Run:
        """Return a run, (time, channel, y, x)."""
        return self.runs[run]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).load, (self.channels, tuple(self.runs))


class RunCache:
    """The runs that were read last, up to a size; thread-safe, also while the process forks.

    Attributes
    ----------
    limit : int
        How many bytes the runs may take together.
    size : int
        How many they take.
    """

    def __init__(self) -> None:
        self.limit = self.size = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, Hashable, int], tuple[Channels, Run]] = OrderedDict()
        self._gone: deque[int] = deque()
        os.register_at_fork(
            before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._lock.release
        )

    def read(self, origin: int, channels: Channels, run: int) -> Run:
        """Return a run, (time, channel, y, x), from memory if it is there."""
        # The channels are kept, so no other variable can have the same id.
        key = (origin, tuple((id(each.variable), each.mean, each.scale) for each in channels.fields), run)
        with self._lock:
            self._drop_gone()
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][1]
        values = channels.read(run, slice(None))
        with self._lock:
            while self._kept and self.size + values.nbytes > self.limit:
                self.size -= self._kept.popitem(last=False)[1][1].nbytes
            if key not in self._kept:  # another thread may have read it meanwhile
                self._kept[key] = channels, values
                self.size += values.nbytes
        return values

    def forget(self, origin: int) -> None:
        """Drop the runs of a dataset; called when it is garbage, perhaps while this thread holds the lock."""
        self._gone.append(origin)
        if self._lock.acquire(blocking=False):
            try:
                self._drop_gone()
            finally:
                self._lock.release()

    def _drop_gone(self) -> None:
        while self._gone:
            origin = self._gone.popleft()
            for key in [key for key in self._kept if key[0] == origin]:
                self.size -= self._kept.pop(key)[1].nbytes


CACHE = RunCache()
"""The cache of this process.  Each worker process has its own."""


class _Origin:
    """What the runs of a dataset are kept under, alive as long as the dataset or windows of it."""

    def __init__(self) -> None:
        self.number = next(_NUMBERS)
        weakref.finalize(self, CACHE.forget, self.number).atexit = False


_NUMBERS = itertools.count()
_ORIGINS: dict[int, _Origin] = {}


@dataclass(frozen=True)
class CachedRuns:
    """Runs of a dataset, in memory if they were read last.

    Windows of one dataset share them.  A spawned worker process begins without any.
    """

    channels: Channels
    limit: int
    origin: _Origin = field(default_factory=_Origin)

    @classmethod
    def of(cls, dataset: xr.Dataset, channels: Channels, size: str | int) -> Self:
        """Return the runs of a dataset, of which those are kept that together take at most `size`.

        Raises
        ------
        WindowError
            If that is no size, or less than a run takes.
        """
        limit, needed = _bytes(size), dataset.sizes["time"] * 4 * math.prod(channels.shape)
        if limit < needed:
            raise WindowError(
                f"cache: a run takes {needed / 1e6:.3g} MB, got {size}; choose a larger size, at best one that holds "
                "all runs"
            )
        CACHE.limit = max(CACHE.limit, limit)
        if id(dataset) not in _ORIGINS:
            _ORIGINS[id(dataset)] = _Origin()
            weakref.finalize(dataset, _ORIGINS.pop, id(dataset), None).atexit = False
        return cls(channels, limit, _ORIGINS[id(dataset)])

    def read(self, run: int) -> Run:
        """Return a run, (time, channel, y, x)."""
        return CACHE.read(self.origin.number, self.channels, run)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.channels, self.limit)


def _unpickled(channels: Channels, limit: int) -> CachedRuns:
    CACHE.limit = max(CACHE.limit, limit)
    return CachedRuns(channels, limit)


_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def _bytes(size: str | int) -> int:
    found = re.fullmatch(r"([0-9]*\.?[0-9]+) *([kmgt]?i?)b?", str(size).strip().lower())
    if found is None or found[2] not in _UNITS:
        raise WindowError(f"cache: must be a size in bytes, such as 500 MB or 1 GB, got {size!r}; name one")
    return int(float(found[1]) * _UNITS[found[2]])
