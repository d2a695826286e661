"""Windows of a dataset for torch's DataLoader; torch is an extra: pip install 'phigen[torch]'."""

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
    raise ImportError("phigen.torch: needs torch, which is not installed; pip install 'phigen[torch]'") from None

if TYPE_CHECKING:
    import xarray as xr


class Windows(torch.utils.data.Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Windows of a dataset: frames to learn from, and those that follow.

    No window crosses a run, a split or a gap between frames.  An item is read when it is asked for, and only the chunks
    that it lies in; nothing is kept.  Works in worker processes of a DataLoader, forked or spawned.

    Normalisation commutes with turns and mirrors to the last bit: a vector is divided by one number, the root mean
    square over both components, and no mean is subtracted, for a turn would take that of one component to the other; a
    scalar loses its mean and is divided by its standard deviation.  They are those of the training part.

    Parameters
    ----------
    dataset : Dataset, str or Path
        As `phigen.open` gives it, or a selection of its runs, frames or cells; or its place.
    input, horizon : int
        How many frames are learned from, and how many follow.
    split : str or None
        ``train``, ``validation`` or ``test``: its runs, and where frames are split, its frames.  None takes all.
    normalise : bool
        Whether items are normalised.
    variables : sequence of str
        Fields in cell centres, which become channels in this order; a vector becomes two, x and y.  All others are
        moved as scalars: a vorticity of your own would also have to change its sign in a mirror.
    augment : str, optional
        A point group, such as ``C4`` or ``D4``: each item is acted on by one of its elements, drawn by torch, the same
        for inputs and targets; vectors also turn their arrows.

    Raises
    ------
    WindowError
        If the dataset has no such split, variable, statistics or windows, or the box is not square and `augment` needs
        it.
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
        """Give inputs (input, channel, y, x) and targets (horizon, channel, y, x), float32."""
        count = len(self._windows.elements)
        element = int(torch.randint(count, ())) if count > 1 else 0
        window = np.empty(self._windows.shape, np.float32)
        self._windows.read(index + len(self) if index < 0 else index, element, out=window)
        tensor = torch.from_numpy(window)
        return tensor[: self._windows.input], tensor[self._windows.input :]

    def normalise(self, fields: torch.Tensor) -> torch.Tensor:
        """Normalise fields (..., channel, y, x) as items are; as they are if items are not."""
        mean, scale = self._statistics(fields)
        return (fields - mean) / scale

    def denormalise(self, fields: torch.Tensor) -> torch.Tensor:
        """Give normalised fields (..., channel, y, x) in the dataset's units."""
        mean, scale = self._statistics(fields)
        return fields * scale + mean

    def _statistics(self, fields: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, scale = self._windows.channels.mean, self._windows.channels.scale
        return torch.from_numpy(mean).to(fields), torch.from_numpy(scale).to(fields)
