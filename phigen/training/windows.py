"""Windows of a dataset: input frames and the target frames that follow them, as arrays (time, channel, y, x).

A window holds consecutive frames of one run and one split.  Windows are not listed: the position of the i-th one is
computed, so that millions of them take no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from phigen.errors import WindowError
from phigen.hub.opening import open
from phigen.symmetry.point_groups import ELEMENTS, POINT_GROUPS, GroupName, PointElement
from phigen.training.channels import Channels
from phigen.training.stretches import chosen, stretches

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
    """Return an iterator over the windows of a dataset in batches, each window once; needs no torch.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As opened by `phigen.open`, or a selection of its runs, frames or cells; or its path or hf:// address.
    input, horizon : int
        Number of input frames, and of target frames that follow them.
    split : str or None
        ``train``, ``validation`` or ``test``: its runs, and where frames are split, its frames.  None takes all.
    batch_size : int
        Windows per batch; the last batch may have fewer.
    normalise : bool
        Normalise by the statistics of the training part, so that it commutes with the group, see
        `phigen.training.channels`.
    variables : sequence of str
        Fields in cell centres, which become channels in this order; a vector becomes two, x and y.  All others
        transform as scalars.  That is wrong for a pseudoscalar such as vorticity, whose sign a reflection changes.
    augment : str, optional
        A point group, such as ``C4`` or ``D4``: a random element of it acts on each window.
    shuffle : bool
        Return windows in random order.
    seed : int
        Seed of the random order and elements: the same seed gives the same batches.  Use another for each epoch.
    framework : str
        Type of the arrays: ``numpy`` or ``jax``.

    Returns
    -------
    iterator of (inputs, targets)
        Arrays (batch, time, channel, y, x), float32, with `input` and `horizon` frames.

    Raises
    ------
    WindowError
        If the dataset does not have the split, a variable, its statistics, or any window.
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
        """Return the windows of a dataset; the parameters are those of `batches`."""
        if min(input, horizon) < 1:
            raise ValueError(f"input and horizon must be at least 1, got {input} and {horizon}")
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
        before = np.concatenate([[0], np.cumsum(counts)])
        return cls(channels, runs, begins, before, input, horizon, _elements(augment, channels))

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

    def read(self, index: int, element: int = 0, *, out: NDArray[np.float32]) -> None:
        """Read a window into `out`, acted on by one of the elements, given by its position."""
        run, frame = self.place(index)
        self.channels.read(run, slice(frame, frame + len(out)), self.elements[element], out=out)


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
