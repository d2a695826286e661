"""Windows of a dataset: some frames to learn from and those that follow, as arrays (time, channel, y, x).

A window is made of frames that follow one another in one run and one split.  Windows are counted, not listed: the i-th
is found by arithmetic, so that a table of millions costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from phigen.errors import WindowError
from phigen.hub.opening import open
from phigen.recipe.splitting import NAMES
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, GroupName, PointElement
from phigen.training.channels import Channels

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

Batch = tuple["NDArray[np.float32]", "NDArray[np.float32]"]


def batches(
    dataset: xr.Dataset | str | Path,
    *,
    input: int = 10,
    horizon: int = 20,
    split: str | None = "train",
    batch_size: int = 32,
    normalise: bool = True,
    variables: Sequence[str] = ("velocity",),
    augment: GroupName | None = None,
    shuffle: bool = True,
    seed: int = 0,
    framework: Literal["numpy", "jax"] = "numpy",
) -> Iterator[Batch]:
    """Give the windows of a dataset once, in batches: what `phigen.torch.Windows` gives, without torch.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As `phigen.open` gives it, or a selection of its runs, frames or cells; or its place.
    input, horizon : int
        How many frames are learned from, and how many follow.
    split : str or None
        ``train``, ``validation`` or ``test``: its runs, and where frames are split, its frames.  None takes all.
    batch_size : int
        Windows a batch; the last batch has what is left.
    normalise : bool
        By the statistics of the training part, so that it commutes with the group, see `phigen.training.channels`.
    variables : sequence of str
        Fields in cell centres, which become channels in this order; a vector becomes two, x and y.  All others are
        moved as scalars: a vorticity of your own would also have to change its sign in a mirror.
    augment : str, optional
        A point group, such as ``C4`` or ``D4``: each window is acted on by one of its elements, drawn at random.
    shuffle : bool
        Whether windows come in an order that is drawn at random.
    seed : int
        Of what is drawn; the same seed gives the same batches.  Take another for each epoch.
    framework : str
        ``numpy`` or ``jax``: whose arrays they are.

    Returns
    -------
    iterator of (inputs, targets)
        Arrays (batch, time, channel, y, x), float32, with `input` and `horizon` frames.

    Raises
    ------
    WindowError
        If the dataset has no such split, variable, statistics or windows.
    """
    windows = Windows.of(
        dataset,
        input=input,
        horizon=horizon,
        split=split,
        normalise=normalise,
        variables=variables,
        augment=augment,
    )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    if framework not in ("numpy", "jax"):
        raise ValueError(f"framework must be numpy or jax, got {framework}")
    in_numpy = _batches(windows, batch_size, np.random.default_rng(seed), shuffle=shuffle)
    return in_numpy if framework == "numpy" else map(_in_jax, in_numpy)


def _batches(windows: Windows, size: int, rng: np.random.Generator, *, shuffle: bool) -> Iterator[Batch]:
    order = rng.permutation(len(windows)) if shuffle else np.arange(len(windows))
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        elements = rng.integers(len(windows.elements), size=len(chosen))
        batch = np.empty((len(chosen), *windows.shape), np.float32)
        for window, index, element in zip(batch, chosen.tolist(), elements.tolist(), strict=True):
            windows.read(index, element, out=window)
        yield batch[:, : windows.input], batch[:, windows.input :]


def _in_jax(batch: Batch) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(batch[0]), jnp.asarray(batch[1])


@dataclass(frozen=True)
class Windows:
    """The windows of a dataset, in the order of its runs and frames.

    Parameters
    ----------
    channels : Channels
        What is read of each frame, and how it is normalised.
    runs : (n,) int
        Positions of the runs that are chosen.
    begins : (m,) int
        Where each stretch of frames without a gap begins, by position; the same in every run.
    before : (m + 1,) int
        How many windows of a run lie before each stretch, and in all.
    input, horizon : int
        How many frames are learned from, and how many follow.
    elements : tuple of PointElement
        Those that a window may be acted on by; the first changes nothing.
    """

    channels: Channels
    runs: NDArray[np.int_]
    begins: NDArray[np.int_]
    before: NDArray[np.int_]
    input: int
    horizon: int
    elements: tuple[PointElement, ...]

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
    ) -> Self:
        """Count the windows of a dataset; `batches` says what the parameters are."""
        if min(input, horizon) < 1:
            raise ValueError(f"input and horizon must be at least 1, got {input} and {horizon}")
        dataset = open(dataset) if isinstance(dataset, (str, Path)) else dataset
        runs, frames = _chosen(dataset, split)
        channels = Channels.of(dataset, variables, normalise=normalise)
        begins, lengths = _stretches(dataset, frames)
        counts = np.maximum(lengths - (input + horizon) + 1, 0)
        if not counts.any():
            raise WindowError(
                f"windows of {input} + {horizon} frames: the longest stretch of {split or 'all frames'} without a gap "
                f"has {lengths.max(initial=0)}; take a smaller input or horizon, or select more frames"
            )
        before = np.concatenate([[0], np.cumsum(counts)])
        return cls(channels, runs, begins, before, input, horizon, _elements(augment, channels))

    def __len__(self) -> int:
        return len(self.runs) * int(self.before[-1])

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of a window, inputs and targets together: (time, channel, y, x)."""
        return (self.input + self.horizon, *self.channels.shape)

    def place(self, index: int) -> tuple[int, int]:
        """Give the position of a window's run, and of its first frame.

        Raises
        ------
        IndexError
            If there is no window of that number.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"there is no window {index}, there are {len(self)}, from 0")
        run, rest = divmod(index, int(self.before[-1]))
        stretch = int(np.searchsorted(self.before, rest, side="right")) - 1
        return int(self.runs[run]), int(self.begins[stretch] + rest - self.before[stretch])

    def read(self, index: int, element: int = 0, *, out: NDArray[np.float32]) -> None:
        """Read a window into an array of the windows' shape, acted on by one of the elements."""
        run, frame = self.place(index)
        self.channels.read(run, slice(frame, frame + len(out)), self.elements[element], out=out)


def _chosen(dataset: xr.Dataset, split: str | None) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Give the positions of a split's runs, and which frames are its."""
    if "time" not in dataset.dims:
        raise WindowError("the dataset has no dim time; select frames with a list or slice, which keeps it")
    count, frames = dataset.sizes.get("run", 1), np.ones(dataset.sizes["time"], dtype=bool)
    if split is None:
        return np.arange(count), frames
    homes = np.atleast_1d(dataset["split"].values).tolist() if "split" in dataset.coords else []
    # Runs that are not split are all for training; their frames may be split all the same.
    by_frames = set(homes) == {"train"}
    known = [name for name in NAMES if name in homes or (by_frames and f"frames_{name}" in dataset.attrs)]
    if split not in known:
        raise WindowError(
            f"split: no run of the dataset is for {split}, it has {', '.join(known) or 'no splits'}; choose one that "
            "is there, or None for all windows"
        )
    runs = np.flatnonzero([by_frames or home == split for home in homes])
    ends = dataset.attrs.get(f"frames_{split}")
    if ends is not None:
        times = dataset["time"].values
        frames = (times >= ends[0]) & (times <= ends[1])
    return runs, frames


def _stretches(dataset: xr.Dataset, chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Give where the stretches of chosen frames without a gap begin, and how long they are.

    A gap is any other distance of two frames than the commonest one.
    """
    positions = np.flatnonzero(chosen)
    times = np.asarray(dataset["time"].values, np.float64)
    distances, counts = np.unique(np.diff(times), return_counts=True)
    forward = distances > 0
    step = distances[forward][counts[forward].argmax()] if forward.any() else np.inf
    follows = np.isclose(np.diff(times[positions]), step) & (np.diff(positions) == 1)
    edges = np.flatnonzero(np.concatenate([[True], ~follows, [True]])) if positions.size else np.zeros(1, np.int_)
    return positions[edges[:-1]], np.diff(edges)


def _elements(augment: GroupName | None, channels: Channels) -> tuple[PointElement, ...]:
    if augment is None:
        return (ELEMENTS["identity"],)
    if augment not in POINT_GROUPS:
        raise WindowError(f"augment: {augment!r} is no point group; choose one of {', '.join(POINT_GROUPS)}")
    elements = tuple(ELEMENTS[name] for name in POINT_GROUPS[augment])
    _, rows, columns = channels.shape
    if rows != columns and any(g.swaps_axes for g in elements):
        raise WindowError(
            f"augment: {augment} needs a square box, got {columns} x {rows} cells; choose a group without quarter "
            "turns and diagonal mirrors, such as D2"
        )
    return elements
