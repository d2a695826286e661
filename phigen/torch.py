"""Windows of a dataset for torch's DataLoader; needs torch, which phigen itself does not install."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    chunks that it lies in.  Items of a batch that are near each other in one run are read together.  Works in worker
    processes of a DataLoader, forked or spawned.

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
    cache : str or int, optional
        How much memory decoded runs may take, such as ``1 GB``: those that were read last are kept.  All windows of a
        process share what they keep, and the largest `cache` that one of them was given counts; each worker process
        keeps as much again.  Pays where most runs fit.
    in_memory : bool
        Load all chosen runs now and read nothing from disk afterwards.  Forked worker processes share them, each
        spawned one loads them again.

    Notes
    -----
    As with tensors in memory, the items that a DataLoader passes to `collate_fn` are views of the runs that are kept:
    change copies of them, or what torch's own `collate_fn` returns.

    Raises
    ------
    WindowError
        If the dataset does not have the split, a variable, its statistics, or any window, if the box is not square and
        `augment` needs a square, or if `cache` is no size or less than a run takes.
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
        cache: str | int | None = None,
        in_memory: bool = False,
    ) -> None:
        self._windows = windows.Windows.of(
            dataset,
            input=input,
            horizon=horizon,
            split=split,
            normalise=normalise,
            variables=variables,
            augment=augment,
            cache=cache,
            in_memory=in_memory,
        )

    def __len__(self) -> int:
        return len(self._windows)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return inputs (input, channel, y, x) and targets (horizon, channel, y, x), float32."""
        inputs, targets = self.__getitems__([index])[0]
        return (inputs.clone(), targets.clone()) if self._windows.whole_runs else (inputs, targets)

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return the items of a batch in the order of their indices; torch's DataLoader calls this.

        They may be views of the runs that are kept, or share memory with each other.
        """
        count = len(self._windows.elements)
        elements = [int(torch.randint(count, ())) if count > 1 else 0 for _ in indices]
        wrapped = [index + len(self) if index < 0 else index for index in indices]
        tensors = map(torch.from_numpy, self._windows.read(wrapped, elements))
        return [(tensor[: self._windows.input], tensor[self._windows.input :]) for tensor in tensors]

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
