"""Windows of a dataset: input frames and the target frames that follow them, as arrays (time, channel, y, x).

A window holds consecutive frames of one run and one split.  Windows are not listed: the position of the i-th one is
computed, so that millions of them take no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from phigen.errors import WindowError
from phigen.hub.opening import open
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, GroupName, PointElement
from phigen.training.channels import Channels
from phigen.training.stretches import chosen, stretches
from phigen.training.whole_runs import CachedRuns, LoadedRuns

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

NEAR = 20
"""Frames between two windows of a run up to which one read of both takes less time than two (docs/numbers.md)."""


@dataclass(frozen=True)
class Windows:
    """The windows of a dataset, in the order of its runs and frames.

    Parameters
    ----------
    channels : Channels
        The channels that are read of each frame, and their normalisation.
    runs : (n,) int
        Positions of the chosen runs.
    begins : (m,) int
        Position of the first frame of each stretch of frames without a gap; the same in every run.
    before : (m + 1,) int
        Number of windows of a run before each stretch, and the total.
    input, horizon : int
        Number of input frames, and of target frames that follow them.
    elements : tuple of PointElement
        Elements that may act on a window; the first is the identity.
    whole_runs : LoadedRuns or CachedRuns, optional
        Whole runs in memory, of which windows are parts; without them a window is read from the dataset.
    """

    channels: Channels
    runs: NDArray[np.int_]
    begins: NDArray[np.int_]
    before: NDArray[np.int_]
    input: int
    horizon: int
    elements: tuple[PointElement, ...]
    whole_runs: LoadedRuns | CachedRuns | None = None

    @classmethod
    def of(
        cls,
        dataset: xr.Dataset | str | Path,
        *,
        input: int,
        horizon: int,
        split: str | None,
        normalise: bool,
        variables: Sequence[str],
        augment: GroupName | None,
        cache: str | int | None = None,
        in_memory: bool = False,
    ) -> Self:
        """Return the windows of a dataset; the parameters are those of `phigen.batches`."""
        if min(input, horizon) < 1:
            raise ValueError(f"input and horizon must be at least 1, got {input} and {horizon}")
        if in_memory and cache is not None:
            raise ValueError(f"cache and in_memory exclude each other, got {cache!r} and True")
        dataset = open(dataset) if isinstance(dataset, (str, Path)) else dataset
        runs, frames = chosen(dataset, split)
        channels = Channels.of(dataset, variables, normalise=normalise)
        begins, lengths = stretches(dataset, frames)
        counts = np.maximum(lengths - (input + horizon) + 1, 0)
        if not counts.any():
            raise WindowError(
                f"input, horizon: the longest stretch of {split or 'all frames'} without a gap has "
                f"{lengths.max(initial=0)} frames, got windows of {input} + {horizon}; choose a smaller input or "
                "horizon, or select more frames"
            )
        before, elements = np.concatenate([[0], np.cumsum(counts)]), _elements(augment, channels)
        whole_runs: LoadedRuns | CachedRuns | None = None
        if cache is not None:
            whole_runs = CachedRuns.of(dataset, channels, cache)
        elif in_memory:
            whole_runs = LoadedRuns.load(channels, runs.tolist())
        return cls(channels, runs, begins, before, input, horizon, elements, whole_runs)

    def __len__(self) -> int:
        return len(self.runs) * int(self.before[-1])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of a window, inputs and targets together: (time, channel, y, x)."""
        return (self.input + self.horizon, *self.channels.shape)

    def place(self, index: int) -> tuple[int, int]:
        """Return the position of a window's run, and of its first frame.

        Raises
        ------
        IndexError
            If `index` is negative, or not less than the number of windows.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"window index must be from 0 to {len(self) - 1}, got {index}")
        run, rest = divmod(index, int(self.before[-1]))
        stretch = int(np.searchsorted(self.before, rest, side="right")) - 1
        return int(self.runs[run]), int(self.begins[stretch] + rest - self.before[stretch])

    def read(self, indices: Sequence[int], elements: Sequence[int]) -> list[NDArray[np.float32]]:
        """Return windows (time, channel, y, x) in the order of their indices.

        Windows that are near each other in one run are read together.  What is returned may share memory, also with
        the runs that are kept, unless an element other than the identity acts on it.

        Parameters
        ----------
        indices : sequence of int
            The windows.
        elements : sequence of int
            For each window the position of the element that acts on it; 0 is the identity.
        """
        length = self.input + self.horizon
        places = [self.place(index) for index in indices]
        windows: dict[int, NDArray[np.float32]] = {}
        for members in _together(places, length):
            run, first = places[members[0]]
            stop = places[members[-1]][1] + length
            if self.whole_runs is None:
                frames = self.channels.read(run, slice(first, stop))
            else:
                frames = self.whole_runs.read(run)[first:stop]
            for member in members:
                begin = places[member][1] - first
                window = frames[begin : begin + length]
                element = elements[member]
                windows[member] = self.channels.act(self.elements[element], window) if element else window
        return [windows[member] for member in range(len(places))]


def _together(places: Sequence[tuple[int, int]], length: int) -> list[list[int]]:
    """Group windows that are near each other in one run; return each group's members in the order of their frames."""
    groups: list[list[int]] = []
    for member in sorted(range(len(places)), key=places.__getitem__):
        run, first = places[member]
        last_run, last_first = places[groups[-1][-1]] if groups else (None, 0)
        if run == last_run and first <= last_first + length + NEAR:
            groups[-1].append(member)
        else:
            groups.append([member])
    return groups


def _elements(augment: GroupName | None, channels: Channels) -> tuple[PointElement, ...]:
    if augment is None:
        return (ELEMENTS["identity"],)
    if augment not in POINT_GROUPS:
        raise WindowError(f"augment: unknown point group, got {augment!r}; choose one of {', '.join(POINT_GROUPS)}")
    elements = tuple(ELEMENTS[name] for name in POINT_GROUPS[augment])
    _, rows, columns = channels.shape
    if rows != columns and any(g.swaps_axes for g in elements):
        raise WindowError(
            f"augment: {augment} needs a square box, got {columns} x {rows} cells; choose a group without rotations by "
            "90 degrees and reflections in diagonals, such as D2"
        )
    return elements
