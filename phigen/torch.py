"""Windows of a dataset for torch's DataLoader; needs torch, which phigen itself does not install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from phigen.symmetry.point_groups import GroupName
from phigen.training import windows

try:
    import torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ImportError("phigen.torch: needs torch, which is not installed; pip install torch") from None

if TYPE_CHECKING:
    import xarray as xr


class Windows(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows of a dataset: input frames, and the target frames that follow them.

    No window crosses a run, a split or a gap between frames.  An item is read when it is needed, and only from the
    chunks that it lies in; nothing is cached.  Works in worker processes of a DataLoader, forked or spawned.

    Normalisation commutes with rotations and reflections to the last bit.  A vector is divided by one number, the root
    mean square over both components, and no mean is subtracted, because a rotation would take the mean of one component
    to the other.  A scalar loses its mean and is divided by its standard deviation.  The statistics are those of the
    training part.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As opened by `phigen.open`, or a selection of its runs, frames or cells; or its path or hf:// address.
    input, horizon : int
        Number of input frames, and of target frames that follow them.
    split : str or None
        ``train``, ``validation`` or ``test``: its runs, and where frames are split, its frames.  None takes all.
    normalise : bool
        Whether items are normalised.
    variables : sequence of str
        Fields in cell centres, which become channels in this order; a vector becomes two, x and y.  All others
        transform as scalars.  That is wrong for a pseudoscalar such as vorticity, whose sign a reflection changes.
    augment : str, optional
        A point group, such as ``C4`` or ``D4``: a random element of it, drawn by torch, acts on each item, the same on
        inputs and targets.

    Raises
    ------
    WindowError
        If the dataset does not have the split, a variable, its statistics, or any window, or the box is not square and
        `augment` needs a square.
    """

    def __init__(
        self,
        dataset: xr.Dataset | str | Path,
        *,
        input: int = 10,
        horizon: int = 20,
        split: str | None = "train",
        normalise: bool = True,
        variables: Sequence[str] = ("velocity",),
        augment: GroupName | None = None,
    ) -> None:
        self._windows = windows.Windows.of(
            dataset,
            input=input,
            horizon=horizon,
            split=split,
            normalise=normalise,
            variables=variables,
            augment=augment,
        )

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs (input, channel, y, x) and targets (horizon, channel, y, x), float32."""
        count = len(self._windows.elements)
        element = int(torch.randint(count, ())) if count > 1 else 0
        window = np.empty(self._windows.shape, np.float32)
        self._windows.read(index + len(self) if index < 0 else index, element, out=window)
        tensor = torch.from_numpy(window)
        return tensor[: self._windows.input], tensor[self._windows.input :]

    def normalise(self, fields: torch.Tensor) -> torch.Tensor:
        """Return fields (..., channel, y, x) normalised as the items are; unchanged if items are not normalised."""
        mean, scale = self._statistics(fields)
        return (fields - mean) / scale

    def denormalise(self, fields: torch.Tensor) -> torch.Tensor:
        """Return normalised fields (..., channel, y, x) in the dataset's units."""
        mean, scale = self._statistics(fields)
        return fields * scale + mean

    def _statistics(self, fields: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, scale = self._windows.channels.mean, self._windows.channels.scale
        return torch.from_numpy(mean).to(fields), torch.from_numpy(scale).to(fields)
